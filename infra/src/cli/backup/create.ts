/**
 * `heliograph backup`: a copy of a running instance that another one can go on from. Nothing is stopped; devices are served
 * all the while. What makes the copy whole is the order, against the stream: first the consumers' offsets, then the stores
 * they wrote to, then the database, last the log they read from, `raw` behind everything that came of it. So a saved offset
 * is never ahead of its store, and a store never ahead of its log: what lies between is decoded and stored again after the
 * restore, as after a crash, and changes nothing. The other way round messages would be skipped, or their offsets be given
 * anew to others.
 *
 * Domain events go from the database to the log, the other way: they wait while both are copied. Replays go past the log into
 * the store: those that were under way meanwhile are asked for again in the copy.
 */
import { existsSync } from 'node:fs'
import { copyFile, cp, mkdir, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { ExportedTable } from '@heliograph/api'
import { TOPICS } from '@heliograph/crm-core/contracts'
import { readSettings } from '../../settings.ts'
import { type Client, CliError } from '../client.ts'
import { sqliteFile } from '../../crm/index.ts'
import { note, printJson, progress } from '../output.ts'
import { productVersion } from '../version.ts'
import { copyDatabase } from './copy-database.ts'
import { copyOffsets, copyTopic } from './copy-log.ts'
import { writeManifest } from './manifest.ts'

/** Copied together with the database, while nothing goes from one to the other. */
const BESIDE_DATABASE: string[] = [TOPICS.events, TOPICS.anchors]

/** @throws CliError where the folder is not empty or the instance cannot be copied from here */
export async function backupCommand(client: Client, dir: string): Promise<void> {
  if (client.byKey) throw new CliError('a backup is made at the machine itself: unset HELIO_API_KEY')
  const settings = readSettings()
  if (!settings.engineUrls.log.startsWith('lmdb:'))
    throw new CliError(
      'HELIO_LOG_URL: a backup copies the embedded log; back up the engine of this log with its own tools',
    )
  const begun = Date.now()
  const target = resolve(dir)
  const made = await emptyFolder(target)
  try {
    const log = join(settings.dataDir, 'log')
    const logTarget = join(target, 'log')
    // Stopped before, it came up for this alone: what was still to be done is done first.
    if (client.isPrivate) {
      note('what is not decoded or stored yet …')
      await client.call('POST', '/api/v1/status/settle')
    }
    note('offsets …')
    await copyOffsets(log, logTarget)
    note('warehouse …')
    await mkdir(join(target, 'warehouse'))
    const warehouse = await client.call<{ tables: ExportedTable[]; migrations: string[] }>(
      'POST',
      '/api/v1/operations/warehouse-export',
      {
        folder: join(target, 'warehouse'),
      },
    )
    note('database …')
    await client.call('POST', '/api/v1/operations/hold-events')
    let crmMigrations: string[]
    try {
      for (const topic of BESIDE_DATABASE) await copyTopic(log, topic, logTarget)
      crmMigrations = copyDatabase(sqliteFile(settings.crmUrl), join(target, 'crm.sqlite'), begun)
      if (existsSync(join(settings.dataDir, 'demo.json')))
        await copyFile(join(settings.dataDir, 'demo.json'), join(target, 'demo.json'))
      if (existsSync(join(settings.dataDir, 'files')))
        await cp(join(settings.dataDir, 'files'), join(target, 'files'), { recursive: true })
    } finally {
      await client.call('POST', '/api/v1/operations/release-events')
    }
    const rest = Object.values<string>(TOPICS).filter(
      (topic) => topic !== TOPICS.raw && !BESIDE_DATABASE.includes(topic),
    )
    for (const topic of [...rest, TOPICS.raw]) {
      progress(`log: ${topic} …`)
      await copyTopic(log, topic, logTarget)
    }
    note('checksums …')
    const manifest = await writeManifest(target, {
      version: productVersion(),
      createdAt: new Date().toISOString(),
      quiet: client.isPrivate,
      warehouse,
      crmMigrations,
    })
    const rows =
      warehouse.tables.find(({ name }) => name === 'readings')?.partitions.reduce((sum, part) => sum + part.rows, 0) ??
      0
    printJson({
      folder: target,
      files: manifest.files.length,
      bytes: manifest.files.reduce((sum, file) => sum + file.bytes, 0),
      readings: rows,
    })
    note('secrets of connections open only with the HELIO_SECRET of this instance: keep it beside the backup')
  } catch (error) {
    // Half a backup must not be taken for a whole one.
    for (const name of await readdir(target)) await rm(join(target, name), { recursive: true, force: true })
    if (made) await rm(target, { recursive: true, force: true })
    throw error
  }
}

/** @returns whether it was made here */
async function emptyFolder(target: string): Promise<boolean> {
  const made = !existsSync(target)
  try {
    // Holds secrets and people: for nobody else's eyes.
    await mkdir(target, { recursive: true, mode: 0o700 })
    if ((await readdir(target)).length > 0) throw new CliError(`${target} is not empty`)
  } catch (error) {
    if (error instanceof CliError) throw error
    throw new CliError(`${target}: ${error instanceof Error ? error.message : String(error)}`)
  }
  return made
}
