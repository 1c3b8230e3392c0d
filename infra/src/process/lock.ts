/**
 * One instance per data directory: an exclusive lock that the kernel gives back when the process is gone, however it went.
 * SQLite's own file lock serves, because Node has no `flock`.
 */
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { readFileSync, writeFileSync } from 'node:fs'

export class LockedError extends Error {}

/** How long a part waits for the one that played its role under a supervisor that was killed. */
const PART_WAIT_MS = 20_000
/** Held until the process ends: a handle that is collected would give its lock back. */
const held = new Set<DatabaseSync>()

/**
 * One process per role and data directory. The parts of a supervisor that was killed end by themselves, yet perhaps a
 * moment after the next supervisor has started: two writers of one log must never meet. Blocks while it waits.
 * @throws LockedError where the role is still played after the wait
 */
export function lockPart(dir: string, role: string): void {
  const database = new DatabaseSync(join(dir, `${role}.lock`))
  try {
    database.exec(`PRAGMA busy_timeout = ${PART_WAIT_MS}; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE`)
  } catch {
    database.close()
    throw new LockedError(`another process still works as ${role} on ${dir}`)
  }
  held.add(database)
}

/** @throws LockedError where another process holds the directory */
export function lockDataDir(dir: string): { release(): void } {
  const database = new DatabaseSync(join(dir, 'instance.lock'))
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
  } catch {
    database.close()
    const pid = holderOf(dir)
    throw new LockedError(
      `another Heliograph${pid === undefined ? '' : ` (pid ${pid})`} is running on ${dir}; stop it, or set HELIO_DATA_DIR`,
    )
  }
  writeFileSync(join(dir, 'instance.pid'), String(process.pid))
  return {
    release() {
      database.exec('ROLLBACK')
      database.close()
    },
  }
}

/** Pid of the process that holds the directory or held it last. */
export function holderOf(dir: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(dir, 'instance.pid'), 'utf8').trim())
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined
  } catch {
    return undefined
  }
}
