/** How far an import has come, so that it can go on after it was cut off. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export interface ResumePoint {
  /** Rows that an earlier run brought in; 0 for a new one. */
  rows: number
  save(rows: number): Promise<void>
  finish(): Promise<void>
}

/** @param identity what makes it the same import beside the file: the instance, the site, the options */
export async function resumePoint(file: string, identity: readonly unknown[]): Promise<ResumePoint> {
  const { size, mtimeMs } = await stat(file)
  const key = createHash('sha256')
    .update(JSON.stringify([resolve(file), size, mtimeMs, process.getuid?.(), ...identity]))
    .digest('hex')
    .slice(0, 32)
  const path = join(tmpdir(), `heliograph-import-${key}.json`)
  return {
    rows: readRows(path),
    async save(rows) {
      await writeFile(`${path}.part`, JSON.stringify({ rows }), { mode: 0o600 })
      await rename(`${path}.part`, path)
    },
    finish: () => rm(path, { force: true }),
  }
}

function readRows(path: string): number {
  try {
    const { rows } = JSON.parse(readFileSync(path, 'utf8')) as { rows: unknown }
    return typeof rows === 'number' && Number.isSafeInteger(rows) && rows > 0 ? rows : 0
  } catch {
    return 0
  }
}
