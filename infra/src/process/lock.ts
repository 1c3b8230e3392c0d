/**
 * One instance per data directory: an exclusive lock that the kernel gives back when the process is gone, however it went.
 * SQLite's own file lock serves, because Node has no `flock`.
 */
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { readFileSync, writeFileSync } from 'node:fs'

export class LockedError extends Error {}

/** @throws LockedError where another process holds the directory */
export function lockDataDir(dir: string): { release(): void } {
  const database = new DatabaseSync(join(dir, 'instance.lock'))
  const holder = join(dir, 'instance.pid')
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
  } catch {
    database.close()
    throw new LockedError(`another Heliograph${readHolder(holder)} is running on ${dir}; stop it, or set HELIO_DATA_DIR`)
  }
  writeFileSync(holder, String(process.pid))
  return {
    release() {
      database.exec('ROLLBACK')
      database.close()
    },
  }
}

function readHolder(file: string): string {
  try {
    return ` (pid ${readFileSync(file, 'utf8').trim()})`
  } catch {
    return ''
  }
}
