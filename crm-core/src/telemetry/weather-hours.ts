/** Hours of weather that a service told of a site's place; what the site measures itself is among its readings. */
import type { DataScope, SiteId, TenantId, Warehouse, WeatherHour } from '@heliograph/crm-core/contracts'
import { id, second, sql } from './sql.ts'

const HOUR_MS = 3_600_000
export const MAX_WEATHER_MS = 32 * 86_400_000

/** Whole hours that touch the window, in order of time; none where no service is asked. @param request UTC ms, `to` exclusive */
export async function weatherHours(
  warehouse: Warehouse,
  scope: DataScope,
  request: { tenantId: TenantId; siteId: SiteId; from: number; to: number },
): Promise<WeatherHour[]> {
  const { tenantId, siteId, from, to } = request
  const rows = await warehouse.query<{ at: number; ghi: number; ambient: number | null; wind: number | null }>(
    sql`SELECT toUnixTimestamp(r.ts) * 1000 AS at, ghi_wm2 AS ghi, ambient_c AS ambient, wind_ms AS wind
      FROM weather_hours AS r FINAL
      WHERE tenant_id = ${id(tenantId)} AND site_id = ${id(siteId)} AND r.ts > ${second(from - HOUR_MS)} AND r.ts < ${second(to + 999)}
      ORDER BY at`,
    { scope, lane: 'light', maxRows: MAX_WEATHER_MS / HOUR_MS + 2 },
  )
  return rows.map(({ at, ghi, ambient, wind }) => ({
    ts: Number(at),
    ghiWm2: ghi,
    ...(ambient !== null && { ambientC: ambient }),
    ...(wind !== null && { windMs: wind }),
  }))
}
