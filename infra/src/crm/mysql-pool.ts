/** Sessions for reading, set up as all are, each used again while it is sound. */
import { createPool, type PoolConnection } from 'mysql2/promise'
import { type MysqlAddress, SESSION_SQL } from './mysql-address.ts'
import { mysqlOptions } from './mysql-connection.ts'
import { POOL_FULL } from './mysql-errors.ts'

export interface MysqlPoolOptions {
  connections: number
  /** Reads that wait for a session; beyond, the next is refused rather than piled up. */
  maxWaiting: number
  /** Waiting for a session, milliseconds. */
  acquireMs: number
  /** Said at the beginning of a session beside what all say. */
  sql?: readonly string[]
}
export interface MysqlPool {
  /** @throws what the driver throws; the session of a failed `work` is closed: nobody knows what it is in the middle of */
  using<R>(work: (connection: PoolConnection) => Promise<R>): Promise<R>
  end(): Promise<void>
}

/** Below the time after which the server ends a silent session. */
const IDLE_MS = 30_000
const SETUP_MS = 10_000
/** Per session; a server keeps 16 000 for all of them by default. */
const PREPARED = 200

export function createMysqlPool(address: MysqlAddress, options: MysqlPoolOptions): MysqlPool {
  const pool = createPool({
    ...mysqlOptions(address),
    connectionLimit: options.connections,
    maxIdle: options.connections,
    idleTimeout: IDLE_MS,
    queueLimit: options.maxWaiting,
    maxPreparedStatements: PREPARED,
    enableKeepAlive: true,
  })
  const prepared = new WeakSet<object>()

  async function acquire(): Promise<PoolConnection> {
    const connection = pool.getConnection().catch((error: Error) => {
      throw error.message.startsWith('Queue limit') ? Object.assign(error, { code: POOL_FULL }) : error
    })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        // Nobody waits for it any more.
        connection.then(
          (each) => each.release(),
          () => undefined,
        )
        reject(Object.assign(new Error(`no session within ${options.acquireMs} ms`), { code: 'ETIMEDOUT' }))
      }, options.acquireMs)
    })
    try {
      return await Promise.race([connection, late])
    } finally {
      clearTimeout(timer)
    }
  }
  async function prepare(connection: PoolConnection): Promise<void> {
    if (prepared.has(connection.connection)) return
    for (const sql of [...SESSION_SQL, ...(options.sql ?? [])]) await connection.query({ sql, timeout: SETUP_MS })
    prepared.add(connection.connection)
  }

  return {
    async using(work) {
      const connection = await acquire()
      try {
        await prepare(connection)
        const result = await work(connection)
        connection.release()
        return result
      } catch (error) {
        connection.destroy()
        throw error
      }
    },
    end: () => pool.end().catch(() => undefined),
  }
}
