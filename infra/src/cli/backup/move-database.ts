/** The CRM of a backup into the database of a MySQL or MariaDB server. */
import { DatabaseSync } from 'node:sqlite'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { mysqlAddress } from '../../crm/mysql-address.ts'
import { openMysql } from '../../crm/mysql-connection.ts'
import { migrateMysql } from '../../crm/mysql-migrations.ts'
import { CliError } from '../cli-error.ts'

/** What is true of the old instance alone: how far its log was read, who held a lease, our own book-keeping. */
const LEFT_BEHIND = new Set(['ConsumerOffset', 'Lease', 'IdempotencyKey'])
const ROWS_AT_ONCE = 500
/** Replays read the old log, and the new one begins empty. */
const REPLAY_ENDED = 'the instance was moved to another log'

type Value = string | number | Date | Uint8Array | null

/**
 * All of it or nothing.
 * @param file a database of SQLite that this release made or upgrades
 * @returns rows that were moved
 * @throws CliError where the target holds a company already
 */
export async function moveDatabase(file: string, url: string, progress: (table: string) => void): Promise<number> {
  const connection = await openMysql(mysqlAddress(url))
  const source = new DatabaseSync(file, { readOnly: true })
  try {
    await migrateMysql(connection)
    const [[held]] = await connection.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM `Tenant`')
    if (Number(held!['n']) > 0)
      throw new CliError('HELIO_CRM_URL: the database holds companies already; restore into an empty one')
    await connection.query('SET SESSION foreign_key_checks = 0')
    await connection.query('BEGIN')
    let moved = 0
    for (const table of tablesOf(source)) {
      progress(table)
      moved += await moveTable(source, connection, table)
    }
    await connection.query(
      "UPDATE `Replay` SET `state` = 'failed', `error` = ? WHERE `state` IN ('queued', 'running')",
      [REPLAY_ENDED],
    )
    await connection.query('COMMIT')
    return moved
  } finally {
    source.close()
    // What was not committed is undone by its end.
    connection.destroy()
  }
}

function tablesOf(source: DatabaseSync): string[] {
  const rows = source
    .prepare(
      `SELECT "name" FROM sqlite_master WHERE "type" = 'table' AND "name" NOT LIKE '\\_%' ESCAPE '\\' ORDER BY "name"`,
    )
    .all() as { name: string }[]
  return rows.map(({ name }) => name).filter((name) => !LEFT_BEHIND.has(name) && !name.startsWith('sqlite_'))
}

async function moveTable(source: DatabaseSync, connection: Connection, table: string): Promise<number> {
  const [columns] = await connection.query<RowDataPacket[]>(
    'SELECT COLUMN_NAME AS name, DATA_TYPE AS type FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION',
    [table],
  )
  if (columns.length === 0) throw new CliError(`the backup has a table ${table} that this release does not know`)
  const names = columns.map(({ name }) => String(name))
  const isTime = columns.map(({ type }) => String(type).toLowerCase() === 'datetime')
  const insert = `INSERT INTO \`${table}\` (${names.map((name) => `\`${name}\``).join(', ')}) VALUES ?`
  let moved = 0
  let waiting: Value[][] = []
  const flush = async (): Promise<void> => {
    if (waiting.length > 0) await connection.query(insert, [waiting])
    moved += waiting.length
    waiting = []
  }
  // SQLite keeps instants as UTC milliseconds, the server as its own kind; text of JSON is text in both.
  for (const row of source.prepare(`SELECT ${names.map((name) => `"${name}"`).join(', ')} FROM "${table}"`).iterate()) {
    waiting.push(
      names.map((name, at) => {
        const value = (row as Record<string, Value>)[name] ?? null
        return isTime[at] && value !== null ? new Date(value as number) : value
      }),
    )
    if (waiting.length >= ROWS_AT_ONCE) await flush()
  }
  await flush()
  const [[found]] = await connection.query<RowDataPacket[]>(`SELECT COUNT(*) AS n FROM \`${table}\``)
  if (Number(found!['n']) !== moved) throw new Error(`${table} has ${found!['n']} rows, ${moved} were sent`)
  return moved
}
