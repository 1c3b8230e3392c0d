/** The CRM database of a running instance, as of one instant, ready to go on elsewhere. */
import { existsSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { CliError } from '../cli-error.ts'

const LOCK_WAIT_MS = 10_000
/** As long as the column of ids. */
const MAX_ID = 64

/**
 * Copies it while it is being written to.
 * @param begun when the first of the backup was copied, UTC milliseconds
 * @returns the migrations it was made by
 * @throws CliError where there is none, or the copy is damaged
 */
export function copyDatabase(source: string, target: string, begun: number): string[] {
  if (!existsSync(source)) throw new CliError(`there is no database ${source}`)
  const database = new DatabaseSync(source, { timeout: LOCK_WAIT_MS })
  try {
    database.prepare('VACUUM INTO ?').run(target)
  } finally {
    database.close()
  }
  const copy = new DatabaseSync(target)
  try {
    const [check] = copy.prepare('PRAGMA quick_check').all() as { quick_check: string }[]
    if (check?.quick_check !== 'ok') throw new CliError(`the copy of the database is damaged: ${check?.quick_check}`)
    askForReplaysAgain(copy, begun)
    return (copy.prepare('SELECT "name" FROM "_migration" ORDER BY "name"').all() as { name: string }[]).map(
      ({ name }) => name,
    )
  } finally {
    copy.close()
  }
}

/**
 * A replay writes to the store by itself, and the store was copied before: what it wrote since is not in the copy. So every
 * replay that was under way since is asked for once more, under an id of its own, which no word in the log calls done.
 */
export function askForReplaysAgain(copy: DatabaseSync, begun: number): void {
  const replays = copy
    .prepare(`SELECT * FROM "Replay" WHERE "updatedAt" >= ? OR "state" IN ('queued', 'running') ORDER BY "revision"`)
    .all(begun) as Record<string, SQLInputValue>[]
  copy.exec('BEGIN')
  for (const replay of replays) {
    const next = copy
      .prepare(`UPDATE "Sequence" SET "value" = "value" + 1 WHERE "name" = 'replay' RETURNING "value"`)
      .get() as { value: number }
    const again: Record<string, SQLInputValue> = {
      ...replay,
      id: `${String(replay['id']).slice(0, MAX_ID - 12)}-${next.value}`,
      revision: next.value,
      state: 'queued',
      done: 0,
      total: 0,
      error: null,
    }
    const columns = Object.keys(again)
    copy
      .prepare(
        `INSERT INTO "Replay" (${columns.map((name) => `"${name}"`).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
      )
      .run(...Object.values(again))
  }
  copy.exec('COMMIT')
}
