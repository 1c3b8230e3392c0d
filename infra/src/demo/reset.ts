/** Takes the demo's data away, of an instance that holds nothing else. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isSharedCrm, sqliteFile } from '../crm/index.ts'
import type { Settings } from '../settings.ts'
import { DEMO_TENANTS } from './plan.ts'
import { seedMark } from './reset-request.ts'
import { demoFile } from './state.ts'

/** What an instance makes in its data directory. Anything else there is somebody's own and stays. */
const OURS = ['log', 'warehouse', 'files', 'demo.json', 'demo-seeding', 'running', 'admin.sock']
/** Made beside the demo where an administrator is set. */
const DEFAULT_TENANT = 'default'

/** Why the demo cannot be taken away; undefined where it can. */
export function whyNoReset(settings: Settings): string | undefined {
  if (!existsSync(demoFile(settings))) return `there is no demo in ${settings.dataDir}; nothing was removed`
  if (isSharedCrm(settings.crmUrl) || settings.warehouseUrl !== undefined)
    return 'the CRM or the warehouse is on a server: drop its database, and the data directory, by hand'
  const strangers = tenantsBesideDemo(sqliteFile(settings.crmUrl))
  return strangers.length === 0
    ? undefined
    : `this instance holds more than the demo (${strangers.slice(0, 3).join(', ')}); nothing was removed`
}

/** Nothing may run on the data directory. */
export function removeDemo(settings: Settings): void {
  const database = sqliteFile(settings.crmUrl)
  for (const name of OURS) rmSync(join(settings.dataDir, name), { recursive: true, force: true })
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${database}${suffix}`, { force: true })
}

/**
 * A demo whose making was cut off is half of one: sites without devices, and connections whose secrets nobody has. It is taken away,
 * so that it is made whole; what holds more than the demo stays as it is. Nothing may run on the data directory.
 * @returns whether there was one
 */
export function removeHalfDemo(settings: Settings): boolean {
  if (!existsSync(seedMark(settings)) || existsSync(demoFile(settings))) return false
  if (isSharedCrm(settings.crmUrl) || settings.warehouseUrl !== undefined) return false
  if (tenantsBesideDemo(sqliteFile(settings.crmUrl)).length > 0) return false
  removeDemo(settings)
  return true
}

function tenantsBesideDemo(file: string): string[] {
  if (!existsSync(file)) return []
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const demo = new Set<string>([DEFAULT_TENANT, ...Object.values(DEMO_TENANTS).map(({ name }) => name as string)])
    const rows = database.prepare('SELECT "name" FROM "Tenant"').all() as { name: string }[]
    return rows.map(({ name }) => name).filter((name) => !demo.has(name))
  } finally {
    database.close()
  }
}
