/** The folder that everything of an instance lies in, made where it is missing. */
import { accessSync, constants, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** @returns the line that says why nothing can be kept there; undefined where it can */
export function dataDirProblem(dir: string): string | undefined {
  try {
    makeFolder(dir)
    accessSync(dir, constants.W_OK)
    return undefined
  } catch (error) {
    return `HELIO_DATA_DIR: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** Folder by folder: Node's own `recursive` never returns below folders that take no others without saying so, as those of /proc. */
function makeFolder(dir: string): void {
  try {
    mkdirSync(dir)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && statSync(dir).isDirectory()) return
    if (code !== 'ENOENT' || dirname(dir) === dir) throw error
    makeFolder(dirname(dir))
    mkdirSync(dir)
  }
}
