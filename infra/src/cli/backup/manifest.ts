/** What a backup holds: written last, so that a folder without it is no backup. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { CliError } from '../cli-error.ts'

export const MANIFEST = 'manifest.json'
/** Grows when a release cannot read what an earlier one wrote, or the other way round. */
export const FORMAT = 1

const manifestSchema = z.object({
  product: z.literal('heliograph'),
  format: z.int(),
  /** Of the release that wrote it. */
  version: z.string(),
  createdAt: z.string(),
  /** Of an instance that was stopped: everything in its log is decoded and stored, and nothing came after. */
  quiet: z.boolean().default(false),
  /** What the warehouse's files are. */
  warehouse: z.object({
    migrations: z.array(z.string()),
    tables: z.array(
      z.object({
        name: z.string(),
        columns: z.array(z.string()),
        partitions: z.array(z.object({ file: z.string(), rows: z.int() })),
      }),
    ),
  }),
  /** Migrations of the CRM database. */
  crmMigrations: z.array(z.string()),
  /** Every file but this one, relative, with `/`. */
  files: z.array(
    z.object({
      // Nothing a manifest says may lead out of its folder.
      path: z.string().regex(/^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$)).+$/),
      bytes: z.int(),
      sha256: z.string().length(64),
    }),
  ),
})
export type Manifest = z.infer<typeof manifestSchema>

/** All files under a folder, relative, in order. */
export async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
async function toDisk(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes the manifest of what lies in a folder; when it is there, everything it names is on disk. */
export async function writeManifest(
  folder: string,
  about: Omit<Manifest, 'files' | 'product' | 'format'>,
): Promise<Manifest> {
  const files: Manifest['files'] = []
  for (const path of await filesUnder(folder)) {
    const full = join(folder, path)
    await toDisk(full)
    files.push({ path, bytes: (await stat(full)).size, sha256: await sha256(full) })
  }
  const manifest: Manifest = { product: 'heliograph', format: FORMAT, ...about, files }
  const target = join(folder, MANIFEST)
  const handle = await open(`${target}.part`, 'w', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(manifest, undefined, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${target}.part`, target)
  await toDisk(folder)
  return manifest
}

/** @throws CliError where the folder is no backup, of another format, or not what was written */
export async function readManifest(folder: string, progress: (path: string) => void): Promise<Manifest> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => undefined)
  if (text === undefined) throw new CliError(`${folder} is no backup: it has no ${MANIFEST}`)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new CliError(`${MANIFEST} of the backup is damaged`)
  }
  const { format } = z.looseObject({ format: z.unknown() }).catch({ format: undefined }).parse(json)
  if (format !== FORMAT) throw new CliError(`the backup is of format ${String(format)}, this release reads ${FORMAT}`)
  const parsed = manifestSchema.safeParse(json)
  if (!parsed.success) throw new CliError(`${MANIFEST} of the backup is damaged`)
  for (const { path, bytes, sha256: wanted } of parsed.data.files) {
    progress(path)
    const full = join(folder, path)
    const found = await stat(full).catch(() => undefined)
    if (!found) throw new CliError(`the backup is damaged: ${path} is missing`)
    if (found.size !== bytes || (await sha256(full)) !== wanted)
      throw new CliError(`the backup is damaged: ${path} is not what was written`)
  }
  return parsed.data
}
