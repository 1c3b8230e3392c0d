/**
 * Applies `infra/migrations/mysql/NNNN-*.sql`, in order, once. These servers commit at every CREATE and ALTER, so that a file
 * cannot be taken back as a whole: each statement that ran is written down, and a start after a crash goes on behind it.
 * Of several starters one applies, under a named lock of the server that ends with its connection; the others wait.
 */
import { fileURLToPath } from 'node:url'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { MigrationError, readMigrations } from './migrations.ts'
import { versionOf } from './mysql-connection.ts'

export const MYSQL_MIGRATIONS = fileURLToPath(new URL('../../migrations/mysql/', import.meta.url))
/** Seconds a starter waits for another one to finish. */
const LOCK_WAIT_S = 60
/** Statements that meet what they would make, after a crash between the making and the writing down. */
const MADE_ALREADY = new Set([
  'ER_TABLE_EXISTS_ERROR',
  'ER_DUP_KEYNAME',
  'ER_DUP_FIELDNAME',
  'ER_FK_DUP_NAME',
  'ER_CANT_DROP_FIELD_OR_KEY',
])

/**
 * @returns names of the migrations that this call finished
 * @throws MigrationError where the database is of a newer release, a file was edited after it ran, or one fails
 */
export async function migrateMysql(connection: Connection, directory: string = MYSQL_MIGRATIONS): Promise<string[]> {
  const migrations = await readMigrations(directory)
  const [[database]] = await connection.query<RowDataPacket[]>('SELECT DATABASE() AS name')
  // Names of locks are the server's, not the database's, and at most 64 letters long.
  const lock = `helio:${String(database!.name).slice(-58)}`
  const [[got]] = await connection.query<RowDataPacket[]>('SELECT GET_LOCK(?, ?) AS got', [lock, LOCK_WAIT_S])
  if (Number(got!.got) !== 1)
    throw new MigrationError('migration_locked', 'another process has been migrating the CRM database for a minute')
  try {
    return await applyAll(connection, migrations)
  } finally {
    await connection.query('SELECT RELEASE_LOCK(?)', [lock]).catch(() => undefined)
  }
}

async function applyAll(
  connection: Connection,
  migrations: Awaited<ReturnType<typeof readMigrations>>,
): Promise<string[]> {
  const collation = await binaryCollation(connection)
  const table = `ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE ${collation}`
  await connection.query(
    `CREATE TABLE IF NOT EXISTS \`_migration\` (\`name\` VARCHAR(200) NOT NULL PRIMARY KEY, \`checksum\` CHAR(64) NOT NULL, \`statements\` INTEGER NOT NULL, \`appliedAt\` BIGINT NULL) ${table}`,
  )
  // One row that every writing transaction holds, and the newest transaction of every writing process (see mysql.ts).
  await connection.query(`CREATE TABLE IF NOT EXISTS \`_writer\` (\`id\` INTEGER NOT NULL PRIMARY KEY) ${table}`)
  await connection.query('INSERT IGNORE INTO `_writer` VALUES (1)')
  await connection.query(
    `CREATE TABLE IF NOT EXISTS \`_commit\` (\`holder\` VARCHAR(64) NOT NULL PRIMARY KEY, \`token\` VARCHAR(64) NOT NULL, \`at\` BIGINT NOT NULL) ${table}`,
  )
  const [rows] = await connection.query<RowDataPacket[]>('SELECT * FROM `_migration` ORDER BY `name`')
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
  const begun = new Map(rows.map((row) => [row.name as string, row as { statements: number; appliedAt: unknown }]))
  const finished: string[] = []
  for (const { name, sql, checksum } of migrations) {
    const before = begun.get(name)
    if (before?.appliedAt) continue
    const statements = splitStatements(sql).map((text) =>
      text.replace(/\bCOLLATE utf8mb4_\w+/g, `COLLATE ${collation}`),
    )
    await connection.query('INSERT IGNORE INTO `_migration` VALUES (?, ?, 0, NULL)', [name, checksum])
    for (let at = before?.statements ?? 0; at < statements.length; at++) {
      try {
        await connection.query(statements[at]!)
      } catch (error) {
        const { code, message } = error as { code?: string; message: string }
        // Only of the one statement that was under way when a start was cut off.
        if (!(at === before?.statements && isMade(code, message)))
          throw new MigrationError('migration_failed', `migration ${name} failed at statement ${at + 1}: ${message}`, {
            cause: error,
          })
      }
      await connection.query('UPDATE `_migration` SET `statements` = ? WHERE `name` = ?', [at + 1, name])
    }
    await connection.query('UPDATE `_migration` SET `appliedAt` = ? WHERE `name` = ?', [Date.now(), name])
    finished.push(name)
  }
  return finished
}

const isMade = (code: string | undefined, message: string): boolean =>
  MADE_ALREADY.has(code ?? '') || (code === 'ER_CANT_CREATE_TABLE' && message.includes('errno: 121 '))

/**
 * Text is compared by its bytes, as SQLite does: with a collation that knows no case, `AB1` and `ab1` would be one device, and
 * with one that pads, so would `AB1` and `AB1 `. The one that does neither has another name on each server.
 */
async function binaryCollation(connection: Connection): Promise<string> {
  return (await versionOf(connection)).isMariaDb ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin'
}

/** Our files: comments on lines of their own, a semicolon at the end of a statement's last line, none inside of texts. */
export const splitStatements = (sql: string): string[] =>
  sql
    .replace(/^--.*$/gm, '')
    .split(/;[ \t]*$/m)
    .map((text) => text.trim())
    .filter((text) => text !== '')
