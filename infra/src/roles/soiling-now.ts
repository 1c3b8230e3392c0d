/** How dirty each site's modules are, for the rules: looked at again when days have got new figures. */
import { setImmediate as turn } from 'node:timers/promises'
import {
  addDays,
  type CalibrationDay,
  localDate,
  neighboursOf,
  PEER_KM,
  type Registry,
  sql,
  type Soiling,
  SOILING_DAYS,
  soilingOf,
} from '@heliograph/crm-core'
import type { RegistrySite, SiteId, Warehouse } from '@heliograph/crm-core/contracts'
import { createLooks, type Looks } from './looks.ts'

const EVERY_MS = 60_000
const MAX_PEERS = 12
const MAX_ROWS = 10_000_000
/** Sites judged between two turns of the loop. */
const AT_ONCE = 50

export interface SoilingNow extends Looks {
  of(siteId: SiteId): Soiling | undefined
}

export function createSoilingNow(deps: {
  warehouse: Warehouse
  registry: Registry
  onError(error: unknown): void
  now?: () => number
}): SoilingNow {
  const now = deps.now ?? Date.now
  let sites = new Map<SiteId, Soiling>()
  let seen = ''

  async function read(): Promise<void> {
    const from = addDays(localDate('UTC', now()), -SOILING_DAYS - 1)
    const [newest] = await deps.warehouse.query<{ version: number | null }>(
      sql`SELECT max(version) AS version FROM calibration_days AS r WHERE r.date >= toDate(${from})`,
      { scope: 'system', lane: 'light', maxRows: 1 },
    )
    // A new day speaks of the same figures anew.
    const state = `${newest?.version ?? 0}|${from}`
    if (state === seen) return
    const rows = await deps.warehouse.query<CalibrationDay & { site: SiteId }>(
      sql`SELECT site_id AS site, toString(r.date) AS date, ratio, intervals, basis FROM calibration_days AS r FINAL WHERE r.date >= toDate(${from})`,
      { scope: 'system', lane: 'heavy', maxRows: MAX_ROWS, timeoutMs: 60_000 },
    )
    const days = Map.groupBy(rows, ({ site }) => site)
    const found = new Map<SiteId, Soiling>()
    let looked = 0
    // A neighbour is one of the same tenant: nobody learns of another's plants.
    for (const own of Map.groupBy(deps.registry.sites(), ({ tenantId }) => tenantId).values()) {
      const near = neighboursOf(own.flatMap(placeOf), PEER_KM, MAX_PEERS)
      for (const site of own) {
        const figures = days.get(site.id)
        if (!figures) continue
        if (looked++ % AT_ONCE === 0) await turn()
        const peers = (near.get(site.id) ?? []).flatMap((id) => {
          const of = days.get(id)
          return of ? [of] : []
        })
        const judged = soilingOf(localDate(site.timezone, now()), figures, peers)
        if (judged) found.set(site.id, judged)
      }
    }
    sites = found
    seen = state
  }

  return {
    ...createLooks(read, EVERY_MS, deps.onError),
    of: (siteId) => sites.get(siteId),
  }
}

const placeOf = ({ id, latitude, longitude }: RegistrySite): { id: SiteId; latitude: number; longitude: number }[] =>
  latitude === undefined || longitude === undefined ? [] : [{ id, latitude, longitude }]
