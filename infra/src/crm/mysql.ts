/**
 * The CRM on MySQL or MariaDB, by Prisma over the `mariadb` driver. Several processes may write: each transaction begins by
 * taking one row that all of them want, so that there is one writer at a time as on SQLite, and rules that read before they
 * write (a taken lease, a saved offset, the end of the audit chain) hold without a thought for isolation levels.
 */
import { randomUUID } from 'node:crypto'
import type { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { createCrmDatabase, type CrmDatabaseOptions } from '@heliograph/crm-core'
import type { CrmDatabase } from '@heliograph/crm-core/contracts'
import { CONNECT_MS, mysqlAddress, SESSION_SQL, type MysqlAddress } from './mysql-address.ts'
import { mysqlTrouble } from './mysql-errors.ts'
import { createPrismaEngine, type PrismaClientLike } from './prisma-engine.ts'

export interface MysqlCrmOptions extends CrmDatabaseOptions {
  /** `mysql://user:password@host:port/database`. */
  url: string
}

/** Connections of one process: reads run side by side, writes one after another. */
const READERS = 8
const WRITERS = 2
/** A read that takes longer than 20 s is of no use to who asked. Each server has its own word for it, and skips the other's. */
const READ_LIMIT_SQL =
  'SET SESSION wait_timeout = @@SESSION.wait_timeout /*!50700 , max_execution_time = 20000 */ /*M!100100 , max_statement_time = 20 */'
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
      const reader = new PrismaClient({
        adapter: searching(
          new PrismaMariaDb(
            { ...poolOptions(address), connectionLimit: READERS, initSql: [...SESSION_SQL, READ_LIMIT_SQL] },
            { database: address.database },
          ),
        ),
      })
      const writer = new PrismaClient({
        adapter: new PrismaMariaDb(
          { ...poolOptions(address), connectionLimit: WRITERS },
          { database: address.database },
        ),
      })
      await reader.$connect()
      await writer.$connect()
      return {
        reader: reader as unknown as PrismaClientLike,
        writer: writer as unknown as PrismaClientLike,
        dbNull: Prisma.DbNull,
      }
    },
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

/**
 * People search without a thought for capitals, and columns are compared by bytes: what Prisma makes of `contains` and
 * `startsWith` is given a collation that knows neither case nor accents.
 */
function searching(factory: PrismaMariaDb): PrismaMariaDb {
  const connect = factory.connect.bind(factory)
  factory.connect = async () => {
    const adapter = await connect()
    const queryRaw = adapter.queryRaw.bind(adapter)
    adapter.queryRaw = (query) =>
      queryRaw({
        ...query,
        sql: query.sql.replaceAll(' LIKE CONCAT(', ' COLLATE utf8mb4_unicode_520_ci LIKE CONCAT('),
      })
    return adapter
  }
  return factory
}
