/** How good the data of each device is: what is missing, and what was marked as doubtful when it came in. */
import {
  qualityFlagSchema,
  type DataScope,
  type DeviceId,
  type QualityFlag,
  type SiteId,
  type TenantId,
  type Warehouse,
} from '@heliograph/crm-core/contracts'
import { daylightMs } from '../solar/index.ts'
import { id, instant, join, list, second, sql } from './sql.ts'

const DAY_MS = 86_400_000
/** Longest window: raw readings are counted, and a week tells what a device is like. */
export const MAX_QUALITY_MS = 8 * DAY_MS
/** Devices answered at most, the worst first. */
export const MAX_QUALITY_DEVICES = 2000
/** Gaps of one device that are looked at; who has more has trouble enough. */
const MAX_GAPS = 50
/** Shorter than this is no gap, and less than three times the usual distance neither. */
const LEAST_GAP_S = 900
const FLAGS = qualityFlagSchema.options

export interface DeviceQuality {
  deviceId: DeviceId
  siteId: SiteId
  readings: number
  /** UTC milliseconds of the newest. */
  lastAt: number
  /** Stretches of daylight in which nothing was heard although something should have been. */
  gaps: number
  /** Daylight within the longest of them and within all of them, milliseconds. */
  longestGapMs: number
  missingMs: number
  /** How many readings carry each mark; marks that none carries are missing. */
  flags: Partial<Record<QualityFlag, number>>
}
/** Where the sun is judged; without it the whole gap counts. */
export interface QualityPlace {
  timezone: string
  latitude?: number
  longitude?: number
}

/**
 * Counts per device over a window of at most eight days, the worst first. Imports are left out: nobody delivered them late. A
 * night in which an inverter sleeps is no gap.
 * @param request.to UTC milliseconds, exclusive
 */
export async function dataQuality(
  warehouse: Warehouse,
  scope: DataScope,
  request: { tenantId: TenantId; siteIds?: readonly SiteId[]; from: number; to: number },
  place: (siteId: SiteId) => QualityPlace | undefined,
): Promise<DeviceQuality[]> {
  const { tenantId, siteIds, from, to } = request
  const sites = siteIds === undefined ? sql`` : sql` AND site_id IN ${list(siteIds)}`
  const counts = FLAGS.map((flag) => sql`countIf(has(quality, ${flag}))`)
  const options = { scope, lane: 'heavy', maxRows: 200_000 } as const
  const [rows, gaps] = await Promise.all([
    warehouse.query<{ d: DeviceId; s: SiteId; n: number; at: number; f: number[] }>(
      sql`SELECT device_id AS d, argMax(site_id, r.ts) AS s, count() AS n, toUnixTimestamp64Milli(max(r.ts)) AS at, [${join(counts)}] AS f
        FROM readings AS r FINAL
        WHERE tenant_id = ${id(tenantId)} AND r.ts >= ${instant(from)} AND r.ts < ${instant(to)} AND NOT has(quality, 'backfill')${sites}
        GROUP BY d`,
      options,
    ),
    warehouse.query<{ d: DeviceId; found: [number, number][] }>(
      sql`SELECT d, arraySlice(arraySort(pair -> pair.1 - pair.2,
            arrayFilter(pair -> pair.2 - pair.1 >= greatest(${LEAST_GAP_S}, 3 * usual), arrayZip(arrayPopBack(times), arrayPopFront(times)))), 1, ${MAX_GAPS}) AS found
        FROM (SELECT device_id AS d, arraySort(groupArray(toInt64(toUnixTimestamp(r.ts)))) AS times,
            ifNotFinite(arrayReduce('quantileExact', arrayPopFront(arrayDifference(times))), 300) AS usual
          FROM rollup_device_5m AS r FINAL
          WHERE tenant_id = ${id(tenantId)} AND r.ts >= ${second(from)} AND r.ts < ${second(to)} AND slots > 0${sites}
          GROUP BY d HAVING length(times) > 1)`,
      options,
    ),
  ])
  const gapsOf = new Map(gaps.map(({ d, found }) => [d, found]))
  const judge = ({ d, s, n, at, f }: (typeof rows)[number]): DeviceQuality => {
    const site = place(s)
    // A bucket holds what came within its five minutes: what lies between two of them is counted from the end of the first.
    const missing = (gapsOf.get(d) ?? []).flatMap(([start, end]) => {
      const [first, last] = [Number(start) * 1000 + 300_000, Number(end) * 1000]
      const dark = site === undefined ? last - first : daylightMs(first, last, site)
      return dark >= LEAST_GAP_S * 1000 ? [dark] : []
    })
    return {
      deviceId: d,
      siteId: s,
      readings: Number(n),
      lastAt: Number(at),
      gaps: missing.length,
      longestGapMs: Math.max(0, ...missing),
      missingMs: missing.reduce((sum, each) => sum + each, 0),
      flags: Object.fromEntries(
        FLAGS.flatMap((flag, index) => (Number(f[index]) > 0 ? [[flag, Number(f[index])]] : [])),
      ),
    }
  }
  const judged: DeviceQuality[] = []
  for (const [index, row] of rows.entries()) {
    judged.push(judge(row))
    // Every gap asks for the sun's path: thousands of them at once would hold up whoever else is served here.
    if (index % 100 === 99) await new Promise((resolve) => setImmediate(resolve))
  }
  return judged.sort((a, b) => badness(b, to - from) - badness(a, to - from)).slice(0, MAX_QUALITY_DEVICES)
}

/** Marks that say something is wrong with the data, rather than with the sun or the grid. */
const TROUBLE: readonly QualityFlag[] = ['stale', 'spike', 'stuck', 'clock_suspect', 'counter_reset']

/** Doubtful share plus missing share: 0 is perfect. A counter that jumped back counts once, however much came after it. */
function badness({ readings, missingMs, flags }: DeviceQuality, windowMs: number): number {
  const doubtful = TROUBLE.reduce((sum, flag) => sum + (flags[flag] ?? 0), 0)
  return doubtful / Math.max(1, readings) + missingMs / windowMs + (flags.counter_reset ? 0.1 : 0)
}
