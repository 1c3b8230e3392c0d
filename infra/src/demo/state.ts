/** What history and simulator need to know of the seeded instance; kept beside its data. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TenantId } from '@heliograph/crm-core/contracts'
import type { Settings } from '../settings.ts'
import { DEMO_SITES } from './sites.ts'

export interface DemoConnection {
  /** Index into the plan's sites. */
  site: number
  part: string
  id: string
  username: string
  secret: string
}
export interface DemoState {
  /** Of the plan it was made by; a demo of another one is left as it is. */
  plan: number
  /** UTC milliseconds. */
  seededAt: number
  /** Days of the past that it begins with. */
  days: number
  /** Jobs of the history that are done; absent: whole. */
  historyJob?: number
  connections: DemoConnection[]
  /** Device ids by serial. */
  devices: Record<string, { id: string; tenantId: TenantId }>
}
/** Counts up with changes of the sites after which an older demo would be misread. */
export const PLAN_VERSION = 2

export const demoFile = (settings: Pick<Settings, 'dataDir'>): string => join(settings.dataDir, 'demo.json')

/** @returns undefined where there is none, or one that another release made: its data stay, and nothing plays its devices */
export function readDemo(settings: Pick<Settings, 'dataDir'>): DemoState | undefined {
  try {
    const state = JSON.parse(readFileSync(demoFile(settings), 'utf8')) as DemoState
    return state.plan === PLAN_VERSION ? state : undefined
  } catch {
    return undefined
  }
}
export function writeDemo(settings: Pick<Settings, 'dataDir'>, state: DemoState): void {
  mkdirSync(settings.dataDir, { recursive: true })
  // Holds secrets of demo connections: for nobody else's eyes. Whole or not at all, however the process ends.
  const fresh = `${demoFile(settings)}.new`
  writeFileSync(fresh, JSON.stringify(state), { mode: 0o600 })
  renameSync(fresh, demoFile(settings))
}

export const siteOf = ({ site }: DemoConnection) => DEMO_SITES[site]!
export const devicesOf = (connection: DemoConnection) =>
  siteOf(connection).devices.filter(({ part }) => part === connection.part)
