/**
 * One chDB session: runs one statement at a time with exactly the settings it was given, as a request to a ClickHouse
 * server would. Settings of an earlier statement never leak into a later one.
 */
import { createHash } from 'node:crypto'
import { accessSync, constants, mkdirSync, rmSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Session } from 'chdb'

export interface Statement {
  sql: string
  database?: string
  settings: ReadonlyMap<string, string>
  /** Format of an answer whose SQL names none. */
  format?: string
  /** Data of an insert. */
  data?: Buffer
}
export interface StatementResult {
  bytes: Uint8Array
  rowsRead: number
  bytesRead: number
  rowsWritten: number
}

export const identifierPattern = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/
const quote = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

export interface ChdbSession {
  run(statement: Statement): Promise<StatementResult>
  close(): void
}

/**
 * Folder for the data of inserts on its way into the engine, in memory where the machine has a memory file system. Made
 * empty at start: a process that was killed leaves its last blocks behind.
 */
export function openSpool(dataDir: string): string {
  const name = `heliograph-spool-${createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 16)}`
  const shared = '/dev/shm'
  let parent = tmpdir()
  try {
    accessSync(shared, constants.W_OK)
    parent = shared
  } catch {
    // No memory file system here.
  }
  const folder = join(parent, name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}
let spooled = 0

/** @param path data directory; one per process, shared by all sessions of the process */
export function openSession(path: string, spool: string, engineArguments: readonly string[] = []): ChdbSession {
  const session = new Session(path, { connectionArgs: engineArguments })
  let currentDatabase = 'default'
  /** Names whose value may differ from the engine's default in this session. */
  const changed = new Set<string>()
  /** The settings text that is certainly in force; undefined after a failure in between. */
  let inForce: string | undefined = ''

  async function useDatabase(database: string): Promise<void> {
    if (database === currentDatabase) return
    if (!identifierPattern.test(database))
      throw new Error('Code: 81. DB::Exception: Bad database name. (UNKNOWN_DATABASE)')
    await session.queryAsync(`USE ${database}`)
    currentDatabase = database
  }
  function checkNames(settings: ReadonlyMap<string, string>): void {
    for (const name of settings.keys())
      if (!identifierPattern.test(name))
        throw new Error(`Code: 115. DB::Exception: Setting name is not valid. (UNKNOWN_SETTING)`)
  }

  async function insert(statement: Statement, data: Buffer): Promise<StatementResult> {
    const text = statement.sql.trim()
    const at = /\sFORMAT\s+\w+$/i.exec(text)?.index
    if (at === undefined)
      throw new Error('Code: 62. DB::Exception: An insert with data must end with its FORMAT. (SYNTAX_ERROR)')
    const list = [...statement.settings].map(([name, value]) => `${name} = ${quote(value)}`).join(', ')
    // By a file and not inline: the engine takes a blank line for the end of inline data, and a block may hold any bytes.
    const file = join(spool, `${process.pid}-${++spooled}`)
    try {
      await writeFile(file, data)
      await session.queryAsync(
        `${text.slice(0, at)} FROM INFILE ${quote(file)} COMPRESSION 'none'${list === '' ? '' : ` SETTINGS ${list}`}${text.slice(at)}`,
      )
    } finally {
      await rm(file, { force: true })
    }
    return { bytes: new Uint8Array(), rowsRead: 0, bytesRead: data.length, rowsWritten: 0 }
  }

  async function select(statement: Statement): Promise<StatementResult> {
    const wanted = [...statement.settings].map(([name, value]) => `${name} = ${quote(value)}`).join(', ')
    if (wanted !== inForce) {
      const resets = [...changed].filter((name) => !statement.settings.has(name)).map((name) => `${name} = DEFAULT`)
      for (const name of statement.settings.keys()) changed.add(name)
      inForce = undefined
      const all = [...resets, ...(wanted === '' ? [] : [wanted])].join(', ')
      // Apart from the query itself: were both one text, a failing SET could not be told from a failing query.
      if (all !== '') await session.queryAsync(`SET ${all}`)
      changed.clear()
      for (const name of statement.settings.keys()) changed.add(name)
      inForce = wanted
    }
    const result = await session.queryAsync(statement.sql, { format: statement.format ?? 'TabSeparated' })
    return { bytes: result.bytes(), rowsRead: result.rowsRead, bytesRead: result.bytesRead, rowsWritten: 0 }
  }

  return {
    async run(statement) {
      checkNames(statement.settings)
      await useDatabase(statement.database ?? 'default')
      return statement.data ? insert(statement, statement.data) : select(statement)
    },
    close: () => session.close(),
  }
}
