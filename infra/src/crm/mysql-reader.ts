/**
 * The read-only view of the CRM on MySQL or MariaDB for processes that own none (edges, workers), straight on `mysql2`: a
 * credential check is one prepared statement, without Prisma's start-up and compile cost.
 */
import type { PoolConnection, RowDataPacket } from 'mysql2/promise'
import { buildRegistrySnapshot, type RegistryRows } from '@heliograph/crm-core'
import type {
  ApiKeyAccess,
  ApiKeyScope,
  ConnectionAccess,
  CrmReader,
  Row,
  TableName,
  TenantId,
} from '@heliograph/crm-core/contracts'
import { mysqlAddress } from './mysql-address.ts'
import { mysqlTrouble } from './mysql-errors.ts'
import { createMysqlPool } from './mysql-pool.ts'
import { jsonOf, rowOf } from './mysql-rows.ts'
import { brokerAccess, connectionAccess, REGISTRY_TABLES, replayRequested } from './reader-rows.ts'
import { sqlInstant, sqlTable } from './sql-condition.ts'

const CONNECTIONS = 4
/** Checks that wait for a connection; beyond, an edge says that it is busy rather than pile them up. */
const MAX_WAITING = 5_000
/** A credential check that takes longer is answered by nobody any more. */
const READ_MS = 10_000
const SNAPSHOT_MS = 120_000
const ACQUIRE_MS = 10_000
const TRIES = 4
const FIRST_WAIT_MS = 50

const instant = (at: number): string => sqlInstant(new Date(at))

/** Later than every row. */
const FOREVER = '9999-12-31 00:00:00'

/** @throws Error where there are no tables yet: the process that owns the CRM has to start first */
export async function openMysqlReader(url: string): Promise<CrmReader> {
  const address = mysqlAddress(url)
  const pool = createMysqlPool(address, { connections: CONNECTIONS, maxWaiting: MAX_WAITING, acquireMs: ACQUIRE_MS })

  /** Again where a session is lost. */
  async function using<R>(work: (connection: PoolConnection) => Promise<R>): Promise<R> {
    for (let tries = 1; ; tries++) {
      try {
        return await pool.using(work)
      } catch (error) {
        if (mysqlTrouble(error) !== 'lost' || tries >= TRIES) throw error
        await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS * 2 ** tries))
      }
    }
  }
  const run = (sql: string, values: (string | number)[]): Promise<RowDataPacket[]> =>
    using(async (connection) => {
      const [rows] = await connection.execute<RowDataPacket[]>({ sql, values, timeout: READ_MS })
      return rows
    })

  async function connection(
    column: 'id' | 'username',
    value: string,
    at: number,
  ): Promise<ConnectionAccess | undefined> {
    const rows = await run(
      `SELECT c.\`id\`, c.\`tenantId\`, c.\`name\`, c.\`vendor\`, c.\`transport\`, c.\`siteId\`, c.\`enabled\`, c.\`username\`, c.\`scheme\`,
              c.\`headerName\`, k.\`id\` AS \`credentialId\`, k.\`secretHash\`, k.\`secretCipher\`, k.\`validTo\`
       FROM \`Connection\` c
       JOIN \`Tenant\` t ON t.\`id\` = c.\`tenantId\` AND t.\`status\` = 'active'
       LEFT JOIN \`Credential\` k ON k.\`connectionId\` = c.\`id\` AND k.\`validFrom\` <= ? AND (k.\`validTo\` IS NULL OR k.\`validTo\` > ?)
       WHERE c.\`${column}\` = ? AND c.\`revokedAt\` IS NULL`,
      [instant(at), instant(at), value],
    )
    return connectionAccess(rows)
  }

  try {
    await run('SELECT 1 FROM `Connection` LIMIT 1', [])
  } catch (error) {
    await pool.end()
    throw error
  }
  return {
    registry: () =>
      using(async (connection) => {
        // One snapshot for all tables: the version and the rows belong together.
        await connection.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
        await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
        const [[sequence]] = await connection.query<RowDataPacket[]>(
          "SELECT `value` FROM `Sequence` WHERE `name` = 'outbox'",
        )
        const tables = new Map<TableName, unknown[]>()
        for (const table of REGISTRY_TABLES) {
          const [rows] = await connection.query<RowDataPacket[]>({
            sql: `SELECT * FROM ${sqlTable(table)}`,
            timeout: SNAPSHOT_MS,
          })
          tables.set(
            table,
            rows.map((row) => rowOf(table, row)),
          )
        }
        await connection.query('COMMIT')
        const rows = <T extends TableName>(table: T) => tables.get(table) as Row<T>[]
        return buildRegistrySnapshot({
          version: Number(sequence?.value ?? 0),
          tenants: rows('tenant'),
          settings: rows('setting'),
          sites: rows('site'),
          arrays: rows('siteArray'),
          devices: rows('device'),
          links: rows('deviceLink'),
          roles: rows('deviceRole'),
          sitePeriods: rows('deviceSite'),
          connections: rows('connection'),
        } satisfies RegistryRows)
      }),
    connectionByUsername: (username, at = Date.now()) => connection('username', username, at),
    connectionById: (id, at = Date.now()) => connection('id', id, at),
    async brokers(at = Date.now()) {
      const rows = await run(
        `SELECT c.\`id\` AS \`connectionId\`, c.\`tenantId\`, c.\`vendor\`, c.\`username\`, c.\`enabled\`, c.\`broker\`,
                t.\`status\` AS \`tenantStatus\`, k.\`secretCipher\`
         FROM \`Connection\` c
         JOIN \`Tenant\` t ON t.\`id\` = c.\`tenantId\`
         LEFT JOIN \`Credential\` k ON k.\`connectionId\` = c.\`id\` AND k.\`validFrom\` <= ? AND (k.\`validTo\` IS NULL OR k.\`validTo\` > ?)
         WHERE c.\`transport\` = 'broker' AND c.\`revokedAt\` IS NULL AND c.\`broker\` IS NOT NULL`,
        [instant(at), instant(at)],
      )
      return rows.map(brokerAccess)
    },
    async apiKeyByHash(tokenHash, at = Date.now()): Promise<ApiKeyAccess | undefined> {
      const [row] = await run(
        `SELECT k.\`id\`, k.\`tenantId\`, k.\`connectionId\`, k.\`scopes\`, k.\`expiresAt\`
         FROM \`ApiKey\` k JOIN \`Tenant\` t ON t.\`id\` = k.\`tenantId\` AND t.\`status\` = 'active'
         WHERE k.\`tokenHash\` = ? AND k.\`revokedAt\` IS NULL AND (k.\`expiresAt\` IS NULL OR k.\`expiresAt\` > ?)`,
        [tokenHash, instant(at)],
      )
      if (row === undefined) return undefined
      return {
        keyId: row.id as string,
        tenantId: row.tenantId as TenantId,
        connectionId: row.connectionId as string | null,
        scopes: jsonOf(row.scopes) as ApiKeyScope[],
        expiresAt: row.expiresAt === null ? null : (row.expiresAt as Date).getTime(),
      }
    },
    async unfinishedReplays(endedSince) {
      const since = endedSince === undefined ? FOREVER : instant(endedSince)
      const rows = await run(
        "SELECT * FROM `Replay` WHERE `state` IN ('queued', 'running') OR `updatedAt` >= ? ORDER BY `revision` LIMIT 1000",
        [since],
      )
      return rows.map((row) => replayRequested(rowOf('replay', row)))
    },
    stop: () => pool.end(),
  }
}
