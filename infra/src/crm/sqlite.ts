import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { createClient, type Client, type Config } from '@libsql/client/sqlite3'
import { PrismaLibSql } from '@prisma/adapter-libsql'
import { createCrmDatabase, type CrmDatabaseOptions } from '@heliograph/crm-core'
import type { CrmDatabase } from '@heliograph/crm-core/contracts'
import { Prisma, PrismaClient } from './generated/sqlite/client.ts'
import { migrateSqlite } from './migrations.ts'
import { createPrismaEngine, prismaReader, type PrismaClientLike } from './prisma-engine.ts'
import { beginWriting, sqliteConfig } from './sqlite-connection.ts'

export interface SqliteCrmOptions extends CrmDatabaseOptions {
  /** Path of the database file; its folder is made when missing. */
  file: string
}

/** What SQLite takes in one statement since 3.32 (https://sqlite.org/limits.html); Prisma goes by the 999 of before. */
const MAX_BIND_VALUES = 32_766

/** Of this machine, as that of everybody who has the file. */
const CLOCK_SQL = `SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) AS at`

class WideLibSql extends PrismaLibSql {
  override async connect(): ReturnType<PrismaLibSql['connect']> {
    const adapter = await super.connect()
    return Object.assign(adapter, {
      getConnectionInfo: () => ({ maxBindValues: MAX_BIND_VALUES, supportsRelationJoins: false }),
    })
  }
}

/**
 * The writing client's transactions, changed in two ways. They begin with the write lock: begun as a reader (the adapter's
 * way), one that writes later can fail at once when another process wrote in between, and no time-out helps there. And they
 * stay on one connection: the client's own give each transaction a new one, left to the garbage collector to close.
 */
class WritingLibSql extends WideLibSql {
  override createClient(config: Config): Client {
    const client = createClient(config)
    client.transaction = () => beginWriting(client)
    return client
  }
}

/** The CRM on SQLite, by Prisma over libSQL. One process writes; others read by `openCrmReader`. */
export function createSqliteCrm({ file, ...options }: SqliteCrmOptions): CrmDatabase {
  const engine = createPrismaEngine({
    async open() {
      await mkdir(path.dirname(path.resolve(file)), { recursive: true })
      const setup = createClient(sqliteConfig(file))
      try {
        await setup.execute('PRAGMA journal_mode = WAL')
        await migrateSqlite(setup)
      } finally {
        setup.close()
      }
      const format = { timestampFormat: 'unixepoch-ms' } as const
      const reader = new PrismaClient({ adapter: new WideLibSql(sqliteConfig(file), format) })
      const writer = new PrismaClient({ adapter: new WritingLibSql(sqliteConfig(file), format) })
      await reader.$connect()
      await writer.$connect()
      return {
        reader: prismaReader(reader as unknown as PrismaClientLike, CLOCK_SQL),
        writer: writer as unknown as PrismaClientLike,
        dbNull: Prisma.DbNull,
      }
    },
    clockSql: CLOCK_SQL,
  })
  return createCrmDatabase(engine, options)
}
