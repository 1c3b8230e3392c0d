/**
 * `heliograph restore`: puts a backup where the settings say: into an empty data directory, and what they name another engine for into
 * that engine, which must be empty too. So an instance moves from one machine to engines that several share.
 */
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { dataDirProblem } from '../../process/data-dir.ts'
import { lockDataDir } from '../../process/lock.ts'
import { readSettings, type Settings } from '../../settings.ts'
import { createClickhouseWarehouse } from '../../warehouse/clickhouse.ts'
import { readMigrations } from '../../warehouse/migrate.ts'
import { spawnWarehouse } from '../../warehouse/spawn-warehouse.ts'
import { isSharedCrm, sqliteFile } from '../../crm/index.ts'
import { readMigrations as readCrmMigrations, SQLITE_MIGRATIONS } from '../../crm/migrations.ts'
import { type EngineContext, isEmbedded, openEngine, PORTS } from '../../engines.ts'
import { createLogger } from '../../process/logger.ts'
import { startFaults } from '../../start-faults.ts'
import { CliError } from '../cli-error.ts'
import { note, printJson, progress } from '../output.ts'
import { type Manifest, readManifest } from './manifest.ts'
import { moveDatabase } from './move-database.ts'
import { moveLog } from './move-log.ts'
import { moveWarehouse } from './move-warehouse.ts'
import { importWarehouse } from './warehouse-files.ts'

/** What an instance that was tried and stopped leaves behind without any data. */
const HARMLESS = /\.(?:lock|lock-journal|pid)$/

/** @throws CliError where the directory holds anything, or the backup is damaged or of a later release */
export async function restoreCommand(dir: string): Promise<void> {
  const settings = readSettings()
  const source = resolve(dir)
  const elsewhere = elsewhereOf(settings)
  await refuseData(settings)
  note('checksums …')
  const manifest = await readManifest(source, (path) => progress(path))
  await refuseLater(manifest)
  if (elsewhere.log && !manifest.quiet)
    throw new CliError(
      'the backup was made while the instance ran: messages that it took since would be left behind. Stop it, run "heliograph backup" once more, and restore that one',
    )
  const context = { dataDir: settings.dataDir, logger: createLogger('restore', 'error'), publicUrl: settings.publicUrl }
  const faults = await startFaults(settings, context)
  if (faults.length > 0) throw new CliError(faults.join('\n'))
  const unwritable = dataDirProblem(settings.dataDir)
  if (unwritable !== undefined) throw new CliError(unwritable)
  const lock = lockDataDir(settings.dataDir)
  try {
    await place(manifest, source, settings, elsewhere)
    if (elsewhere.log) await intoLog(source, settings, context)
    if (elsewhere.files) await intoStore(source, settings, context)
    if (elsewhere.warehouse)
      await moveWarehouse(settings.warehouseUrl!, join(source, 'warehouse'), manifest.warehouse.tables, (file) =>
        progress(`warehouse: ${file}`),
      )
    else await fillWarehouse(manifest, source, settings)
    // Last, in one transaction: what a role finds there is whole.
    if (elsewhere.crm)
      await moveDatabase(join(source, 'crm.sqlite'), settings.crmUrl, (table) => progress(`database: ${table}`))
  } catch (error) {
    for (const name of await readdir(settings.dataDir))
      if (!HARMLESS.test(name)) await rm(join(settings.dataDir, name), { recursive: true, force: true })
    if (!elsewhere.crm) await rm(sqliteFile(settings.crmUrl), { force: true })
    throw error
  } finally {
    lock.release()
  }
  const readings = manifest.warehouse.tables.find(({ name }) => name === 'readings')?.partitions ?? []
  printJson({
    dataDir: settings.dataDir,
    createdAt: manifest.createdAt,
    version: manifest.version,
    readings: readings.reduce((sum, { rows }) => sum + rows, 0),
  })
}

async function refuseData({ dataDir, crmUrl }: Settings): Promise<void> {
  const found = existsSync(dataDir) ? (await readdir(dataDir)).filter((name) => !HARMLESS.test(name)) : []
  if (found.length > 0)
    throw new CliError(
      `${dataDir} is not empty (${found.slice(0, 3).join(', ')}${found.length > 3 ? ', …' : ''}); restore into an empty HELIO_DATA_DIR`,
    )
  if (!isSharedCrm(crmUrl) && existsSync(sqliteFile(crmUrl)))
    throw new CliError(`there is a database already: ${sqliteFile(crmUrl)}`)
}

/** An earlier release's data is upgraded at the next start; a later one's is not understood. */
async function refuseLater({ version, warehouse, crmMigrations }: Manifest): Promise<void> {
  const known = new Set([
    ...(await readMigrations(new URL('../../warehouse/migrations/', import.meta.url))).map(({ name }) => name),
    ...(await readCrmMigrations(SQLITE_MIGRATIONS)).map(({ name }) => name),
  ])
  const unknown = [...warehouse.migrations, ...crmMigrations].find((name) => !known.has(name))
  if (unknown !== undefined)
    throw new CliError(
      `the backup was made by release ${version}, later than this one (${unknown}); restore it with that release`,
    )
}

/** What is no part of the data directory, by the settings. */
interface Elsewhere {
  log: boolean
  files: boolean
  warehouse: boolean
  crm: boolean
}
const elsewhereOf = ({ engineUrls, warehouseUrl, crmUrl }: Settings): Elsewhere => ({
  log: !isEmbedded(PORTS.log, engineUrls.log),
  files: !isEmbedded(PORTS.files, engineUrls.files),
  warehouse: warehouseUrl !== undefined,
  crm: isSharedCrm(crmUrl),
})

async function intoLog(source: string, { engineUrls }: Settings, context: EngineContext): Promise<void> {
  progress('log')
  const log = await openEngine(PORTS.log, engineUrls.log, context)
  await log.start()
  try {
    await moveLog(join(source, 'log'), log)
  } finally {
    await log.stop()
  }
}
async function intoStore(source: string, { engineUrls }: Settings, context: EngineContext): Promise<void> {
  const from = await openEngine(PORTS.files, `${PORTS.files.standard}:`, { ...context, dataDir: source })
  const to = await openEngine(PORTS.files, engineUrls.files, context)
  await from.start()
  await to.start()
  try {
    for await (const key of from.list('')) {
      progress(`files: ${key}`)
      const file = await from.get(key)
      if (file) await to.put(key, file.bytes, file.contentType)
    }
  } finally {
    await from.stop()
    await to.stop()
  }
}

async function place(
  { files }: Manifest,
  source: string,
  { dataDir, crmUrl }: Settings,
  elsewhere: Elsewhere,
): Promise<void> {
  const left = [
    'warehouse/',
    ...(elsewhere.log ? ['log/'] : []),
    ...(elsewhere.files ? ['files/'] : []),
    ...(elsewhere.crm ? ['crm.sqlite'] : []),
  ]
  for (const { path } of files) {
    if (left.some((start) => path.startsWith(start))) continue
    const target = path === 'crm.sqlite' ? sqliteFile(crmUrl) : join(dataDir, path)
    progress(path)
    await mkdir(dirname(target), { recursive: true })
    await copyFile(join(source, path), target)
  }
}

async function fillWarehouse(
  { warehouse: { tables } }: Manifest,
  source: string,
  { dataDir }: Settings,
): Promise<void> {
  const engine = await spawnWarehouse(join(dataDir, 'warehouse'))
  try {
    const warehouse = createClickhouseWarehouse(engine.connection)
    await warehouse.start()
    try {
      await importWarehouse(warehouse, join(source, 'warehouse'), tables, (file) => progress(`warehouse: ${file}`))
    } finally {
      await warehouse.stop()
    }
  } finally {
    await engine.stop()
  }
}
