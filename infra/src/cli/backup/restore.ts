/** `heliograph restore`: puts a backup into an empty data directory. */
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { dataDirProblem } from '../../process/data-dir.ts'
import { lockDataDir } from '../../process/lock.ts'
import { readSettings, type Settings } from '../../settings.ts'
import { createClickhouseWarehouse } from '../../warehouse/clickhouse.ts'
import { readMigrations } from '../../warehouse/migrate.ts'
import { spawnWarehouse } from '../../warehouse/spawn-warehouse.ts'
import { sqliteFile } from '../../crm/index.ts'
import { readMigrations as readCrmMigrations, SQLITE_MIGRATIONS } from '../../crm/migrations.ts'
import { CliError } from '../cli-error.ts'
import { note, printJson, progress } from '../output.ts'
import { type Manifest, readManifest } from './manifest.ts'
import { importWarehouse } from './warehouse-files.ts'

/** What an instance that was tried and stopped leaves behind without any data. */
const HARMLESS = /\.(?:lock|lock-journal|pid)$/

/** @throws CliError where the directory holds anything, or the backup is damaged or of a later release */
export async function restoreCommand(dir: string): Promise<void> {
  const settings = readSettings()
  const source = resolve(dir)
  await refuseData(settings)
  note('checksums …')
  const manifest = await readManifest(source, (path) => progress(path))
  await refuseLater(manifest)
  const unwritable = dataDirProblem(settings.dataDir)
  if (unwritable !== undefined) throw new CliError(unwritable)
  const lock = lockDataDir(settings.dataDir)
  try {
    await place(manifest, source, settings)
    await fillWarehouse(manifest, source, settings)
  } catch (error) {
    for (const name of await readdir(settings.dataDir))
      if (!HARMLESS.test(name)) await rm(join(settings.dataDir, name), { recursive: true, force: true })
    await rm(sqliteFile(settings.crmUrl), { force: true })
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
  if (existsSync(sqliteFile(crmUrl))) throw new CliError(`there is a database already: ${sqliteFile(crmUrl)}`)
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

async function place({ files }: Manifest, source: string, { dataDir, crmUrl }: Settings): Promise<void> {
  for (const { path } of files) {
    if (path.startsWith('warehouse/')) continue
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
