/**
 * The CRM on MySQL or MariaDB: transactions by Prisma over the `mariadb` driver, reads by `mysql2`. Several processes may write: each transaction begins by
 * taking one row that all of them want, so that there is one writer at a time as on SQLite, and rules that read before they
 * write (a taken lease, a saved offset, the end of the audit chain) hold without a thought for isolation levels.
 */
import { randomUUID } from 'node:crypto'
import { createCrmDatabase, type CrmDatabaseOptions } from '@heliograph/crm-core'
import type { CrmDatabase } from '@heliograph/crm-core/contracts'
import { CONNECT_MS, mysqlAddress, SESSION_SQL, type MysqlAddress } from './mysql-address.ts'
import { mysqlTrouble } from './mysql-errors.ts'
import { CLOCK_SQL, createMysqlReads } from './mysql-reads.ts'
import { createPrismaEngine, type PrismaClientLike } from './prisma-engine.ts'

export interface MysqlCrmOptions extends CrmDatabaseOptions {
  /** `mysql://user:password@host:port/database`. */
  url: string
}

/** Connections of one process for writes, which run one after another. */
const WRITERS = 2
/** Waiting for a connection, of a server that is down or of ours that are all at work. */
const ACQUIRE_MS = 3_000
/** Rows of processes that are long gone. */
const FORGET_MS = 7 * 86_400_000

export function createMysqlCrm({ url, ...options }: MysqlCrmOptions): CrmDatabase {
  const address = mysqlAddress(url)
  const holder = randomUUID()
  const engine = createPrismaEngine({
    async open() {
      const { PrismaMariaDb } = await import('@prisma/adapter-mariadb')
      const { openMysql } = await import('./mysql-connection.ts')
      const { migrateMysql } = await import('./mysql-migrations.ts')
      const { Prisma, PrismaClient } = await import('./generated/mysql/client.ts')
      const setup = await openMysql(address)
      try {
        await migrateMysql(setup)
        await setup.query('DELETE FROM `_commit` WHERE `at` < ?', [Date.now() - FORGET_MS])
      } finally {
        setup.destroy()
      }
      const writer = new PrismaClient({
        adapter: new PrismaMariaDb(
          { ...poolOptions(address), connectionLimit: WRITERS },
          { database: address.database },
        ),
      })
      await writer.$connect()
      return {
        reader: createMysqlReads(address),
        writer: writer as unknown as PrismaClientLike,
        dbNull: Prisma.DbNull,
      }
    },
    clockSql: CLOCK_SQL,
    trouble: mysqlTrouble,
    async begin(tx, token) {
      await tx.$queryRawUnsafe('SELECT `id` FROM `_writer` WHERE `id` = 1 FOR UPDATE')
      await tx.$executeRawUnsafe(
        'INSERT INTO `_commit` VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE `token` = VALUES(`token`), `at` = VALUES(`at`)',
        holder,
        token,
        Date.now(),
      )
    },
    // Waits for the row: whoever holds it may be the lost transaction itself, still under way in the server.
    async committed(client, token) {
      return await client.$transaction(
        async (tx) => {
          await tx.$queryRawUnsafe('SELECT `id` FROM `_writer` WHERE `id` = 1 FOR UPDATE')
          const rows = await tx.$queryRawUnsafe('SELECT `token` FROM `_commit` WHERE `holder` = ?', holder)
          return (rows as { token: string }[])[0]?.token === token
        },
        { maxWait: 30_000, timeout: 30_000 },
      )
    },
  })
  return createCrmDatabase(engine, options)
}

const poolOptions = (address: MysqlAddress) => ({
  host: address.host,
  port: address.port,
  user: address.user,
  password: address.password,
  database: address.database,
  // In clear only where the way is safe: there the server's key may come by it too.
  ...(address.tls ? { ssl: address.tls } : { allowPublicKeyRetrieval: true }),
  connectTimeout: CONNECT_MS,
  acquireTimeout: ACQUIRE_MS,
  // Below the time after which the server ends a silent session.
  idleTimeout: 30,
  minimumIdle: 1,
  minDelayValidation: 500,
  // It sets the session's zone too. Before 3.5.4 a connection that died meanwhile was a rejection that nobody could catch, the end
  // of the process: the root's package.json overrides the version that Prisma's adapter asks for.
  initSql: [...SESSION_SQL],
})
