import type { DataScope, SiteId, TenantId, Warehouse } from '@heliograph/crm-core/contracts'
import { localDate } from './local-time.ts'
import { allOf, id, list, second, sql } from './sql.ts'

/**
 * Production of each site's own local day so far, Wh; sites of which nothing is known are missing.
 * @param sites with their zones
 */
export async function fleetEnergyToday(
  warehouse: Warehouse,
  scope: DataScope | 'system',
  request: { tenantId: TenantId; sites: readonly { id: SiteId; timezone: string }[]; now: number },
): Promise<Map<SiteId, number>> {
  const zones = new Map(request.sites.map(({ id: siteId, timezone }) => [siteId, timezone]))
  const rows = await warehouse.query<{ site_id: SiteId; date: string; wh: number }>(
    sql`SELECT site_id, toString(date) AS date, sum(energy_wh) AS wh FROM rollup_site_5m AS r FINAL
      WHERE ${allOf([
        sql`tenant_id = ${id(request.tenantId)}`,
        sql`site_id IN ${list([...zones.keys()])}`,
        // A local day began at most 25 hours ago.
        sql`r.ts >= ${second(request.now - 25 * 3_600_000)}`,
        sql`energy_wh IS NOT NULL`,
      ])} GROUP BY site_id, r.date`,
    { scope, lane: 'light', maxRows: zones.size * 3 + 1 },
  )
  const today = new Map<SiteId, number>()
  for (const { site_id, date, wh } of rows) {
    const timezone = zones.get(site_id)
    if (timezone && localDate(timezone, request.now) === date) today.set(site_id, wh)
  }
  return today
}
