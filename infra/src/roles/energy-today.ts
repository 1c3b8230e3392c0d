/** Energy of each site's local day so far, for the live list: read from the roll-ups now and then, not per reading. */
import { localDate, sql, type Registry } from '@heliograph/crm-core'
import type { SiteId, Warehouse } from '@heliograph/crm-core/contracts'
import { createLooks, type Looks } from './looks.ts'

const EVERY_MS = 5_000
const MAX_SITES = 100_000

export interface EnergyToday extends Looks {
  of(siteId: SiteId): number | undefined
}

export function createEnergyToday(deps: {
  warehouse: Warehouse
  registry: Pick<Registry, 'site'>
  onError(error: unknown): void
}): EnergyToday {
  let energy = new Map<string, { date: string; wh: number }>()

  async function read(): Promise<void> {
    // A day that is not over began at most 25 hours ago, and is at least the date of the westernmost zone.
    const rows = await deps.warehouse.query<{ site_id: string; date: string; wh: number }>(
      sql`SELECT site_id, toString(r.date) AS date, sum(energy_wh) AS wh FROM rollup_site_5m AS r FINAL
          WHERE r.ts >= now() - INTERVAL 26 HOUR AND r.date >= toDate(now() - INTERVAL 12 HOUR, 'UTC') AND energy_wh IS NOT NULL
          GROUP BY site_id, r.date`,
      { scope: 'system', lane: 'light', maxRows: MAX_SITES * 4 },
    )
    const newest = new Map<string, { date: string; wh: number }>()
    for (const { site_id, date, wh } of rows)
      if (!newest.has(site_id) || newest.get(site_id)!.date < date) newest.set(site_id, { date, wh })
    energy = newest
  }

  return {
    ...createLooks(read, EVERY_MS, deps.onError),
    of(siteId) {
      const site = deps.registry.site(siteId)
      const known = energy.get(siteId)
      return site && known?.date === localDate(site.timezone, Date.now()) ? known.wh : undefined
    },
  }
}
