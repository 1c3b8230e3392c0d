/** The sky that a weather service tells: fetched now and then, kept in the store, read back as an index of the clear sky. */
import {
  BUCKET_MS,
  id,
  list,
  MAX_SKY_INDEX,
  second,
  solarGeometry,
  sql,
  type Range,
  type SkyIndex,
} from '@heliograph/crm-core'
import type { RegistrySite, SiteId, TenantId, Warehouse, WeatherService } from '@heliograph/crm-core/contracts'

const HOUR_MS = 3_600_000
/** Below this clear-sky mean an hour says too little. */
const MIN_CLEAR_WM2 = 50

export interface WeatherIndex extends SkyIndex {
  ambientC?: number
  windMs?: number
}

/** By site and start of the hour. */
export async function weatherIndices(
  warehouse: Warehouse,
  tenantId: TenantId,
  sites: readonly RegistrySite[],
  range: Range,
): Promise<Map<SiteId, Map<number, WeatherIndex>>> {
  const rows = await warehouse.query<{
    site: SiteId
    at: number
    ghi: number
    ambient: number | null
    wind: number | null
  }>(
    sql`SELECT site_id AS site, toUnixTimestamp(r.ts) * 1000 AS at, ghi_wm2 AS ghi, ambient_c AS ambient, wind_ms AS wind
      FROM weather_hours AS r FINAL WHERE tenant_id = ${id(tenantId)} AND site_id IN ${list(sites.map((site) => site.id))}
        AND r.ts >= ${second(range.from - HOUR_MS)} AND r.ts < ${second(range.to)}`,
    { scope: 'system', lane: 'heavy', maxRows: 1_000_000, timeoutMs: 60_000 },
  )
  const byId = new Map(sites.map((site) => [site.id, site]))
  const found = new Map<SiteId, Map<number, WeatherIndex>>()
  for (const { site: siteId, at, ghi, ambient, wind } of rows) {
    const site = byId.get(siteId)
    if (site?.latitude === undefined || site.longitude === undefined) continue
    let clear = 0
    for (let ts = at + BUCKET_MS / 2; ts < at + HOUR_MS; ts += BUCKET_MS)
      clear += solarGeometry(ts, site.latitude, site.longitude).clearGhi / (HOUR_MS / BUCKET_MS)
    if (clear < MIN_CLEAR_WM2) continue
    const hours = found.get(siteId) ?? new Map<number, WeatherIndex>()
    hours.set(at, {
      index: Math.min(MAX_SKY_INDEX, Math.max(0, ghi / clear)),
      spread: 0,
      ...(ambient !== null && { ambientC: ambient }),
      ...(wind !== null && { windMs: wind }),
    })
    found.set(siteId, hours)
  }
  return found
}

/** Sites within this many degrees share an answer; a service's own grid is no finer. */
const CELL_DEG = 0.1
const AGAIN_MS = HOUR_MS
const AFTER_TROUBLE_MS = 10 * 60_000
/** How far back the first answer of a place is taken, and every later one. */
const FIRST_REACH_MS = 7 * 24 * HOUR_MS
const LATER_REACH_MS = 26 * HOUR_MS
/** Places asked in one round. */
const MAX_ASKED = 20

export interface WeatherFeed {
  /** Asks for places whose answer is old, a few at a time, and stores it. @returns whose hours changed */
  round(sites: Iterable<RegistrySite>, now: number, version: number): Promise<({ siteId: SiteId } & Range)[]>
}

export function createWeatherFeed(deps: {
  warehouse: Warehouse
  service: WeatherService
  onError(error: unknown): void
}): WeatherFeed {
  const next = new Map<string, number>()
  return {
    async round(sites, now, version) {
      const cells = new Map<string, RegistrySite[]>()
      for (const site of sites) {
        if (site.latitude === undefined || site.longitude === undefined) continue
        const key = `${Math.round(site.latitude / CELL_DEG)}/${Math.round(site.longitude / CELL_DEG)}`
        const list_ = cells.get(key)
        if (list_) list_.push(site)
        else cells.set(key, [site])
      }
      for (const key of next.keys()) if (!cells.has(key)) next.delete(key)
      const due = [...cells].filter(([key]) => (next.get(key) ?? 0) <= now).slice(0, MAX_ASKED)
      const changed: ({ siteId: SiteId } & Range)[] = []
      for (const [key, members] of due) {
        try {
          const [{ latitude, longitude }] = members as [RegistrySite]
          const told = await deps.service.recent({ latitude: latitude!, longitude: longitude! })
          const since = now - (next.has(key) ? LATER_REACH_MS : FIRST_REACH_MS)
          // An hour that is not over is a forecast.
          const hours = told.filter(({ ts }) => ts + HOUR_MS <= now && ts >= since)
          const rows = members.flatMap((site) =>
            hours.map(({ ts, ghiWm2, ambientC, windMs }) => ({
              tenant_id: site.tenantId,
              site_id: site.id,
              ts,
              ghi_wm2: ghiWm2,
              ambient_c: ambientC,
              wind_ms: windMs,
              version,
            })),
          )
          await deps.warehouse.insert('weather_hours', rows)
          if (hours.length > 0)
            for (const { id: siteId } of members)
              changed.push({ siteId, from: hours[0]!.ts, to: hours.at(-1)!.ts + HOUR_MS })
          next.set(key, now + AGAIN_MS)
        } catch (error) {
          next.set(key, now + AFTER_TROUBLE_MS)
          deps.onError(error)
          // A service that is down is not asked for the next place as well.
          break
        }
      }
      return changed
    },
  }
}
