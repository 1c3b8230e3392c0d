/** For tests: a disk in memory that is soon full, for whoever may mount one. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Why a small disk cannot be made here; undefined where it can. */
export function whyNoSmallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'helio-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'pipe' })
    execFileSync('umount', [folder])
    return undefined
  } catch (error) {
    return `mounting needs rights that this user lacks: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export interface SmallDisk {
  /** Takes what is left, to the last byte. */
  fill(): void
  /** Gives back what `fill` took. */
  makeRoom(): void
  remove(): void
}

/** @param folder where it is mounted; made where it is missing */
export function mountSmallDisk(folder: string, megabytes: number): SmallDisk {
  const filler = join(folder, 'filler')
  mkdirSync(folder, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder])
  return {
    fill() {
      const file = openSync(filler, 'a')
      try {
        for (let size = 1024 * 1024; size >= 1; size = size >> 4)
          try {
            for (;;) writeSync(file, Buffer.alloc(size))
          } catch {
            // No room for so much; perhaps for less.
          }
      } finally {
        closeSync(file)
      }
    },
    makeRoom: () => rmSync(filler, { force: true }),
    remove: () => void execFileSync('umount', ['-l', folder]),
  }
}
