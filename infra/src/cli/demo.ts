/** `heliograph demo reset`: away with the demo's data, so that the next start makes it anew. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DEMO_TENANTS } from '../demo/plan.ts'
import { demoFile } from '../demo/seed.ts'
import { lockDataDir, LockedError } from '../process/lock.ts'
import { readSettings } from '../settings.ts'
import { sqliteFile } from '../crm/index.ts'
import { CliError } from './cli-error.ts'
import { note } from './output.ts'

/** What an instance makes in its data directory. Anything else there is somebody's own and stays. */
const OURS = ['log', 'warehouse', 'files', 'demo.json', 'running', 'admin.sock']
/** Made beside the demo where an administrator is set. */
const DEFAULT_TENANT = 'default'

/** @throws CliError where it runs, holds no demo, or holds more than the demo */
export function demoResetCommand(): void {
  const settings = readSettings()
  if (!existsSync(demoFile(settings)))
    throw new CliError(`there is no demo in ${settings.dataDir}; nothing was removed`)
  let lock: ReturnType<typeof lockDataDir>
  try {
    lock = lockDataDir(settings.dataDir)
  } catch (error) {
    if (error instanceof LockedError) throw new CliError(`${error.message}; nothing was removed`)
    throw error
  }
  try {
    const database = sqliteFile(settings.crmUrl)
    const strangers = tenantsBesideDemo(database)
    if (strangers.length > 0)
      throw new CliError(
        `this instance holds more than the demo (${strangers.slice(0, 3).join(', ')}); nothing was removed`,
      )
    for (const name of OURS) rmSync(join(settings.dataDir, name), { recursive: true, force: true })
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${database}${suffix}`, { force: true })
  } finally {
    lock.release()
  }
  note('the demo’s data is gone; the next start makes it anew')
}

function tenantsBesideDemo(file: string): string[] {
  if (!existsSync(file)) return []
  const database = new DatabaseSync(file)
  try {
    const demo = new Set<string>([DEFAULT_TENANT, ...Object.values(DEMO_TENANTS).map(({ name }) => name as string)])
    const rows = database.prepare('SELECT "name" FROM "Tenant"').all() as { name: string }[]
    return rows.map(({ name }) => name).filter((name) => !demo.has(name))
  } finally {
    database.close()
  }
}
