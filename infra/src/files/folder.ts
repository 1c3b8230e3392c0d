/** Files as files: the bytes under their key, the content type beside them. Each is written apart, synced, and put in place at once. */
import { randomBytes } from 'node:crypto'
import { access, constants, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileKeyPattern, type FileStore } from '@heliograph/crm-core/contracts'

/** Ends no key that is ours to give: types and unfinished files lie beside what they belong to. */
const TYPE = '.~type'
const UNFINISHED = '.~new'

export function createFolderFiles({ dir }: { dir: string }): FileStore {
  const pathOf = (key: string): string => {
    if (!fileKeyPattern.test(key) || key.endsWith('/')) throw new Error('not a key of a file')
    return join(dir, key)
  }
  async function write(path: string, bytes: Uint8Array): Promise<void> {
    const part = `${path}.${randomBytes(6).toString('hex')}${UNFINISHED}`
    try {
      const file = await open(part, 'wx')
      try {
        await file.writeFile(bytes)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(part, path)
      await syncFolder(dirname(path))
    } catch (error) {
      await rm(part, { force: true })
      throw error
    }
  }

  return {
    async start() {
      await mkdir(dir, { recursive: true })
    },
    stop: () => Promise.resolve(),
    async health() {
      try {
        await access(dir, constants.R_OK | constants.W_OK | constants.X_OK)
        return { ok: true }
      } catch (error) {
        return { ok: false, detail: `the folder of files cannot be used: ${(error as NodeJS.ErrnoException).code}` }
      }
    },
    async put(key, bytes, contentType) {
      const path = pathOf(key)
      await mkdir(dirname(path), { recursive: true })
      // The type first: whoever finds the bytes finds what they are.
      await write(`${path}${TYPE}`, Buffer.from(contentType))
      await write(path, bytes)
    },
    async get(key) {
      const path = pathOf(key)
      try {
        const [bytes, type] = await Promise.all([readFile(path), readFile(`${path}${TYPE}`, 'utf8')])
        return { bytes, contentType: type }
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    },
    async delete(key) {
      const path = pathOf(key)
      await rm(path, { force: true })
      await rm(`${path}${TYPE}`, { force: true })
    },
    async *list(prefix) {
      // The pattern allows no way up, so a prefix cannot either.
      if (prefix !== '' && !fileKeyPattern.test(prefix)) throw new Error('not the beginning of a key')
      const folder = prefix.includes('/') ? prefix.slice(0, prefix.lastIndexOf('/')) : ''
      for (const key of await walk(dir, folder)) if (key.startsWith(prefix)) yield key
    },
  }
}

/** Keys under a folder in order; none where it is not there. */
async function walk(dir: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(dir, folder), { withFileTypes: true, recursive: true }).catch((error: unknown) => {
    if (isMissing(error)) return []
    throw error
  })
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith(TYPE) && !entry.name.endsWith(UNFINISHED))
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort()
}

const isMissing = (error: unknown): boolean => {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** A name is on disk only once its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
