/**
 * The read-only view of the CRM for processes that own none (edge, workers), straight on libSQL: a credential check is one
 * statement of some ten microseconds, without Prisma's start-up and compile cost.
 */
import { access } from 'node:fs/promises'
import path from 'node:path'
import { createClient, type InValue, type ResultSet } from '@libsql/client/sqlite3'
import { buildRegistrySnapshot, TABLES, type RegistryRows } from '@heliograph/crm-core'
import type {
  ApiKeyAccess,
  ApiKeyScope,
  ConnectionAccess,
  CrmReader,
  Row,
  TableName,
  TenantId,
} from '@heliograph/crm-core/contracts'
import { brokerAccess, connectionAccess, REGISTRY_TABLES, replayRequested } from './reader-rows.ts'
import { sqliteConfig } from './sqlite-connection.ts'

const sqlName = (table: TableName): string => `"${table.charAt(0).toUpperCase()}${table.slice(1)}"`

/** @throws Error where there is no database yet: the process that owns it has to start first */
export async function openSqliteReader(file: string): Promise<CrmReader> {
  await access(path.resolve(file))
  const client = createClient(sqliteConfig(file))
  await client.execute('PRAGMA query_only = ON')

  const run = (sql: string, args: InValue[]): Promise<ResultSet> => client.execute({ sql, args })

  async function connection(
    column: 'id' | 'username',
    value: string,
    at: number,
  ): Promise<ConnectionAccess | undefined> {
    const { rows } = await run(
      `SELECT c."id", c."tenantId", c."name", c."vendor", c."transport", c."siteId", c."enabled", c."username", c."scheme",
              c."headerName", k."id" AS "credentialId", k."secretHash", k."secretCipher", k."validTo"
       FROM "Connection" c
       JOIN "Tenant" t ON t."id" = c."tenantId" AND t."status" = 'active'
       LEFT JOIN "Credential" k ON k."connectionId" = c."id" AND k."validFrom" <= ?2 AND (k."validTo" IS NULL OR k."validTo" > ?2)
       WHERE c."${column}" = ?1 AND c."revokedAt" IS NULL`,
      [value, at],
    )
    return connectionAccess(rows)
  }

  return {
    async registry() {
      // One read transaction: the version and the rows belong together. Each table comes as one JSON text, which takes a
      // tenth of the time of as many rows.
      const results = await client.batch(
        [`SELECT "value" FROM "Sequence" WHERE "name" = 'outbox'`, ...REGISTRY_TABLES.map((table) => asJson(table))],
        'read',
      )
      const version = Number(results[0]?.rows[0]?.value ?? 0)
      const rows = <T extends TableName>(table: T): Row<T>[] => {
        const at = REGISTRY_TABLES.findIndex((each) => each === table)
        return parsed(table, results[at + 1]!.rows[0]!.rows)
      }
      return buildRegistrySnapshot({
        version,
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
    },
    connectionByUsername: (username, at = Date.now()) => connection('username', username, at),
    connectionById: (id, at = Date.now()) => connection('id', id, at),
    async brokers(at = Date.now()) {
      const { rows } = await run(
        `SELECT c."id" AS "connectionId", c."tenantId", c."vendor", c."username", c."enabled", c."broker",
                t."status" AS "tenantStatus", k."secretCipher"
         FROM "Connection" c
         JOIN "Tenant" t ON t."id" = c."tenantId"
         LEFT JOIN "Credential" k ON k."connectionId" = c."id" AND k."validFrom" <= ?1 AND (k."validTo" IS NULL OR k."validTo" > ?1)
         WHERE c."transport" = 'broker' AND c."revokedAt" IS NULL AND c."broker" IS NOT NULL`,
        [at],
      )
      return rows.map(brokerAccess)
    },
    async apiKeyByHash(tokenHash, at = Date.now()): Promise<ApiKeyAccess | undefined> {
      const { rows } = await run(
        `SELECT k."id", k."tenantId", k."connectionId", k."scopes", k."expiresAt"
         FROM "ApiKey" k JOIN "Tenant" t ON t."id" = k."tenantId" AND t."status" = 'active'
         WHERE k."tokenHash" = ?1 AND k."revokedAt" IS NULL AND (k."expiresAt" IS NULL OR k."expiresAt" > ?2)`,
        [tokenHash, at],
      )
      const [row] = rows
      if (row === undefined) return undefined
      return {
        keyId: row.id as string,
        tenantId: row.tenantId as TenantId,
        connectionId: row.connectionId as string | null,
        scopes: JSON.parse(row.scopes as string) as ApiKeyScope[],
        expiresAt: row.expiresAt === null ? null : Number(row.expiresAt),
      }
    },
    async unfinishedReplays(endedSince = Number.MAX_SAFE_INTEGER) {
      const waiting = `(SELECT * FROM "Replay" WHERE "state" IN ('queued', 'running') OR "updatedAt" >= ? ORDER BY "revision" LIMIT 1000)`
      const { rows } = await run(asJson('replay', waiting), [endedSince])
      return parsed('replay', rows[0]!.rows).map(replayRequested)
    },
    stop() {
      client.close()
      return Promise.resolve()
    },
  }
}

/** @param from the table itself, or a selection of its rows */
function asJson(table: TableName, from: string = sqlName(table)): string {
  const columns = Object.keys(TABLES[table].columns).map((column) => `"${column}"`)
  return `SELECT json_group_array(json_array(${columns.join(', ')})) AS "rows" FROM ${from}`
}
const parsed = <T extends TableName>(table: T, json: unknown): Row<T>[] =>
  (JSON.parse(json as string) as unknown[][]).map((values) => typed(table, values))

/** A row as the port has it, from SQLite's own values in the order of the columns (instants are milliseconds, JSON is text). */
function typed<T extends TableName>(table: T, values: unknown[]): Row<T> {
  const row: Record<string, unknown> = {}
  for (const [index, [column, kind]] of Object.entries(TABLES[table].columns).entries()) {
    const value = values[index] ?? null
    if (value === null) row[column] = null
    else if (kind.startsWith('date')) row[column] = new Date(value as number)
    else if (kind.startsWith('boolean')) row[column] = value === 1
    else if (kind.startsWith('json')) row[column] = typeof value === 'string' ? (JSON.parse(value) as unknown) : value
    else row[column] = value
  }
  return row as unknown as Row<T>
}
