/**
 * Forward-only schema of the warehouse: SQL files applied once, in order of their numbers. Several processes may start at
 * once: the one that creates the lock table migrates, the others wait until it is gone.
 */
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { WarehouseError } from '@heliograph/crm-core/contracts'

export interface MigrationRunner {
  run(sql: string): Promise<void>
  rows<Row extends object>(sql: string): Promise<Row[]>
}
export interface Migration {
  name: string
  statements: string[]
}

const filePattern = /^\d{4}-[a-z0-9-]+\.sql$/
/** A holder that died leaves its lock; after this long it is taken from it. Every statement here takes milliseconds. */
const LOCK_EXPIRY_S = 60

export async function readMigrations(folder: URL): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => filePattern.test(name)).sort()
  return Promise.all(
    names.map(async (name) => {
      const text = (await readFile(new URL(name, folder), 'utf8')).replace(/^\s*--.*$/gm, '')
      const statements = text.split(/;\s*$/m).map((statement) => statement.trim())
      return { name: name.replace(/\.sql$/, ''), statements: statements.filter((statement) => statement !== '') }
    }),
  )
}

/**
 * Brings the schema up to date. Returns the names applied by this call.
 * @throws Error when the schema was made by a later version of the product than this one
 */
export async function migrate(runner: MigrationRunner, migrations: readonly Migration[]): Promise<string[]> {
  await runner.run(
    'CREATE TABLE IF NOT EXISTS schema_migrations (name String, applied_at DateTime64(3)) ENGINE = MergeTree ORDER BY name',
  )
  if ((await pending(runner, migrations)).length === 0) return []
  await lock(runner)
  try {
    const applied: string[] = []
    // Judged again under the lock: somebody else may have migrated while this one waited.
    for (const { name, statements } of await pending(runner, migrations)) {
      // A run that died half way left some of its tables behind; everything here may be said twice.
      for (const statement of statements)
        await runner.run(statement.replace(/^CREATE TABLE (?!IF NOT EXISTS)/i, 'CREATE TABLE IF NOT EXISTS '))
      await runner.run(`INSERT INTO schema_migrations SELECT '${name}', now64(3)`)
      applied.push(name)
    }
    return applied
  } finally {
    await runner.run('DROP TABLE IF EXISTS schema_migrations_lock SYNC')
  }
}

async function pending(runner: MigrationRunner, migrations: readonly Migration[]): Promise<Migration[]> {
  const done = new Set(
    (await runner.rows<{ name: string }>('SELECT name FROM schema_migrations')).map(({ name }) => name),
  )
  const known = new Set(migrations.map(({ name }) => name))
  const later = [...done].filter((name) => !known.has(name))
  if (later.length > 0)
    throw new WarehouseError(
      'warehouse_bad_query',
      `the warehouse has migrations this version does not know: ${later.join(', ')}`,
    )
  return migrations.filter(({ name }) => !done.has(name))
}

async function lock(runner: MigrationRunner): Promise<void> {
  for (;;) {
    try {
      await runner.run('CREATE TABLE schema_migrations_lock (at DateTime) ENGINE = TinyLog')
      return
    } catch (error) {
      const [held] = await runner.rows<{ age: number }>(
        "SELECT dateDiff('second', metadata_modification_time, now()) AS age FROM system.tables WHERE database = currentDatabase() AND name = 'schema_migrations_lock'",
      )
      if (!held) {
        // Released in between, or creating it fails for another reason.
        if (!/TABLE_ALREADY_EXISTS|already exists/.test(String(error))) throw error
      } else if (held.age > LOCK_EXPIRY_S) {
        await runner.run('DROP TABLE IF EXISTS schema_migrations_lock SYNC')
      }
      await sleep(150)
    }
  }
}
