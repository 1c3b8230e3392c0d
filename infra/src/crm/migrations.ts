/**
 * Applies `infra/migrations/sqlite/NNNN-*.sql`, in order, once. Everything that is pending runs in one transaction that
 * holds the database's write lock: of two starters one applies, the other waits and finds nothing to do; a failing file
 * leaves the database as it was.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import path from 'node:path'
import type { Client, Transaction } from '@libsql/client/sqlite3'

export const SQLITE_MIGRATIONS = fileURLToPath(new URL('../../migrations/sqlite/', import.meta.url))
const FILE_NAME = /^\d{4}-[a-z0-9-]+\.sql$/
/** How long a starter waits for another one to finish. */
const LOCK_WAIT_MS = 60_000

export class MigrationError extends Error {
  readonly code: 'migration_changed' | 'migration_unknown' | 'migration_failed' | 'migration_locked'
  constructor(code: MigrationError['code'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'MigrationError'
    this.code = code
  }
}
export interface Migration {
  name: string
  sql: string
  checksum: string
}

/** @throws Error where a file's name does not fit or a number is used twice */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort()
  const migrations: Migration[] = []
  for (const [index, name] of names.entries()) {
    if (!FILE_NAME.test(name) || Number(name.slice(0, 4)) !== index + 1)
      throw new MigrationError('migration_failed', `migration ${name} should be number ${index + 1} of its folder`)
    const sql = await readFile(path.join(directory, name), 'utf8')
    migrations.push({ name, sql, checksum: createHash('sha256').update(sql).digest('hex') })
  }
  return migrations
}

/**
 * @returns names of the migrations that this call applied
 * @throws MigrationError where the database is of a newer release, a file was edited after it ran, or one fails
 */
export async function migrateSqlite(client: Client, directory: string = SQLITE_MIGRATIONS): Promise<string[]> {
  const migrations = await readMigrations(directory)
  // Tables are rebuilt by copying, which foreign keys would forbid; the pragma is ignored inside a transaction.
  await client.execute('PRAGMA foreign_keys = OFF')
  const tx = await locked(client)
  try {
    await tx.execute(
      'CREATE TABLE IF NOT EXISTS "_migration" ("name" TEXT NOT NULL PRIMARY KEY, "checksum" TEXT NOT NULL, "appliedAt" INTEGER NOT NULL)',
    )
    const { rows } = await tx.execute('SELECT "name", "checksum" FROM "_migration" ORDER BY "name"')
    const known = new Map(migrations.map((migration) => [migration.name, migration]))
    for (const row of rows) {
      const migration = known.get(row.name as string)
      if (migration === undefined)
        throw new MigrationError(
          'migration_unknown',
          `the CRM database was upgraded by a newer release (${String(row.name)}); start that release instead`,
        )
      if (migration.checksum !== row.checksum)
        throw new MigrationError('migration_changed', `migration ${migration.name} was edited after it was applied`)
    }
    const applied = new Set(rows.map((row) => row.name))
    const pending = migrations.filter(({ name }) => !applied.has(name))
    for (const { name, sql, checksum } of pending) {
      try {
        await tx.executeMultiple(sql)
      } catch (error) {
        throw new MigrationError('migration_failed', `migration ${name} failed: ${(error as Error).message}`, {
          cause: error,
        })
      }
      await tx.execute({ sql: 'INSERT INTO "_migration" VALUES (?, ?, ?)', args: [name, checksum, Date.now()] })
    }
    if (pending.length > 0) {
      const broken = await tx.execute('PRAGMA foreign_key_check')
      if (broken.rows.length > 0)
        throw new MigrationError(
          'migration_failed',
          `migrations left ${broken.rows.length} rows without what they refer to`,
        )
    }
    await tx.commit()
    return pending.map(({ name }) => name)
  } finally {
    tx.close()
  }
}

async function locked(client: Client): Promise<Transaction> {
  const until = Date.now() + LOCK_WAIT_MS
  for (;;) {
    try {
      return await client.transaction('write')
    } catch (error) {
      if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY') !== true) throw error
      if (Date.now() > until)
        throw new MigrationError('migration_locked', 'another process holds the CRM database', { cause: error })
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
