import path from 'node:path'
import { createClient, type Client, type Config, type InStatement, type Transaction } from '@libsql/client/sqlite3'

/** Milliseconds a statement waits for another process's lock. In the configuration, since the pragma is lost on new connections. */
const LOCK_TIMEOUT_MS = 5_000

export const sqliteConfig = (file: string): Config => ({ url: `file:${path.resolve(file)}`, timeout: LOCK_TIMEOUT_MS })

/**
 * A transaction that holds the write lock from its beginning, on the client's own connection: nothing else may use the client
 * until it ends. (The client's own `transaction` takes the connection along and leaves closing it to the garbage collector.)
 */
export async function beginWriting(client: Client): Promise<Transaction> {
  // FULL (sync at every commit) is this build's default; said again, because the promise of the outbox hangs on it.
  await client.execute('PRAGMA synchronous = FULL')
  await client.execute('BEGIN IMMEDIATE')
  let closed = false
  const end = async (statement: 'COMMIT' | 'ROLLBACK'): Promise<void> => {
    if (closed) return
    closed = true
    try {
      await client.execute(statement)
    } catch (error) {
      // A commit that fails (disk full) leaves the transaction open, and the connection of no use to the next one.
      await client.execute('ROLLBACK').catch(() => undefined)
      throw error
    }
  }
  return {
    execute: (statement: InStatement) => client.execute(statement),
    batch: async (statements) => {
      const results = []
      for (const statement of statements)
        results.push(
          await client.execute(Array.isArray(statement) ? { sql: statement[0], args: statement[1] ?? [] } : statement),
        )
      return results
    },
    // The client ends an open transaction after a script, whatever the script says.
    executeMultiple: () => Promise.reject(new Error('a script cannot be part of this transaction')),
    commit: () => end('COMMIT'),
    rollback: () => end('ROLLBACK'),
    close() {
      if (!closed) client.execute('ROLLBACK').catch(() => undefined)
      closed = true
    },
    get closed() {
      return closed
    },
  }
}

/** Copies by `VACUUM INTO`: one read transaction, a compact file, no lock that a writer would feel. */
export async function backupSqlite(file: string, target: string): Promise<void> {
  const client = createClient(sqliteConfig(file))
  try {
    await client.execute({ sql: 'VACUUM INTO ?', args: [path.resolve(target)] })
  } finally {
    client.close()
  }
}
