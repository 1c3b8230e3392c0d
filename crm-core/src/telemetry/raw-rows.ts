/** Raw readings as the fold takes them, straight from the store. */
import type {
  DataScope,
  DeviceId,
  Metrics,
  QualityFlag,
  Sql,
  TenantId,
  Warehouse,
} from '@heliograph/crm-core/contracts'
import type { FoldReading } from './device-fold.ts'
import { METRIC_NAMES_OF_FOLD } from './fold-columns.ts'
import type { Range } from './near-ranges.ts'
import { id, instant, list, sql } from './sql.ts'

/** Whose right the rows are read by. */
export interface RawSource {
  warehouse: Warehouse
  tenantId: TenantId
  scope: DataScope | 'system'
}

interface StoredReading {
  d: string
  t: number
  v: (number | null)[]
  q: string[]
}
/** More than a month of one device at one reading a second. */
const MAX_ROWS = 5_000_000
const TIMEOUT_MS = 300_000
/** How far a neighbour is looked for: nearly always it is the other side of a night. */
const NEAR_REACH_MS = 2 * 86_400_000
/** Further only where one is known to be. */
const FAR_REACHES_MS = [40 * 86_400_000, 4000 * 86_400_000]
const COUNTED: Sql = sql`(energy_total_wh IS NOT NULL OR import_total_wh IS NOT NULL OR export_total_wh IS NOT NULL OR energy_day_wh IS NOT NULL OR energy_interval_wh IS NOT NULL)`

const COLUMNS: Sql = sql`device_id AS d, toUnixTimestamp64Milli(ts) AS t, ${METRIC_NAMES_OF_FOLD.columns} AS v, quality AS q`

function toFold(row: StoredReading): FoldReading {
  const metrics: Metrics = {}
  for (const [index, name] of METRIC_NAMES_OF_FOLD.names.entries()) {
    const value = row.v[index]
    if (value !== null && value !== undefined) metrics[name] = value
  }
  return row.q.length > 0 ? { ts: row.t, metrics, quality: row.q as QualityFlag[] } : { ts: row.t, metrics }
}

/** Readings of some devices in a window, in order of time per device. */
export async function readWindow(
  { warehouse, tenantId, scope }: RawSource,
  deviceIds: readonly DeviceId[],
  window: Range,
  take: (deviceId: DeviceId, reading: FoldReading) => void,
): Promise<void> {
  const query = sql`SELECT ${COLUMNS} FROM readings FINAL
    WHERE tenant_id = ${id(tenantId)} AND device_id IN ${list(deviceIds)}
      AND ts >= ${instant(window.from)} AND ts < ${instant(window.to)}
    ORDER BY device_id, ts`
  for await (const rows of warehouse.stream<StoredReading>(query, {
    scope,
    lane: 'heavy',
    maxRows: MAX_ROWS,
    timeoutMs: TIMEOUT_MS,
  }))
    for (const row of rows) take(row.d as DeviceId, toFold(row))
}

export interface Neighbourhood {
  at: number
  side: 'before' | 'after'
  count: number
}
/**
 * The counter readings next to an instant, in order of time per device: so many of each counter, and the last reading of a
 * day counter or interval. Devices without any are left out.
 */
export async function readNeighbours(
  source: RawSource,
  deviceIds: readonly DeviceId[],
  where: Neighbourhood,
): Promise<Map<DeviceId, FoldReading[]>> {
  const found = new Map<DeviceId, FoldReading[]>()
  let missing = [...deviceIds]
  const look = async (reach: number): Promise<void> => {
    for (const [device, readings] of await withinReach(source, missing, where, reach)) found.set(device, readings)
    // Whoever has enough of one counter is done; the others are looked for further away.
    missing = missing.filter((device) => !isEnough(found.get(device) ?? [], where.count))
  }
  await look(NEAR_REACH_MS)
  if (missing.length === 0) return found
  // New devices and those without counters have nothing there: asked once, not reach by reach.
  const further = await readFurther(source, missing, where, NEAR_REACH_MS)
  for (const reach of FAR_REACHES_MS) {
    missing = missing.filter((device) => further.has(device))
    if (missing.some((device) => further.get(device)! <= reach)) await look(reach)
  }
  return found
}

/** How far away from an instant, beyond a reach, the nearest counter reading lies; of devices that have one there. */
async function readFurther(
  { warehouse, tenantId, scope }: RawSource,
  deviceIds: readonly DeviceId[],
  { at, side }: Neighbourhood,
  reach: number,
): Promise<Map<DeviceId, number>> {
  const [nearest, beyond] =
    side === 'before'
      ? [sql`max(r.ts)`, sql`r.ts < ${instant(at - reach)}`]
      : [sql`min(r.ts)`, sql`r.ts >= ${instant(at + reach)}`]
  const rows = await warehouse.query<{ d: DeviceId; t: number }>(
    sql`SELECT device_id AS d, toUnixTimestamp64Milli(${nearest}) AS t FROM readings AS r
      WHERE tenant_id = ${id(tenantId)} AND device_id IN ${list(deviceIds)} AND ${beyond} AND ${COUNTED} GROUP BY device_id`,
    { scope, lane: 'heavy', maxRows: deviceIds.length, timeoutMs: TIMEOUT_MS },
  )
  return new Map(rows.map(({ d, t }) => [d, Math.abs(at - t)]))
}

async function withinReach(
  { warehouse, tenantId, scope }: RawSource,
  deviceIds: readonly DeviceId[],
  { at, side, count }: Neighbourhood,
  reach: number,
): Promise<Map<DeviceId, FoldReading[]>> {
  const window = side === 'before' ? { from: at - reach, to: at } : { from: at, to: at + reach }
  const order = side === 'before' ? sql`DESC` : sql`ASC`
  // One pass: the counters a row has decide which limit it counts against. A row of the lifetime counter that also has
  // the others serves all of them.
  const kind = sql`multiIf(energy_total_wh IS NOT NULL, 1, import_total_wh IS NOT NULL OR export_total_wh IS NOT NULL, 2, 3)`
  const rows = await warehouse.query<StoredReading>(
    sql`SELECT ${COLUMNS} FROM readings FINAL
      WHERE tenant_id = ${id(tenantId)} AND device_id IN ${list(deviceIds)} AND ts >= ${instant(window.from)} AND ts < ${instant(window.to)}
        AND ${COUNTED}
      ORDER BY device_id, ts ${order} LIMIT ${count} BY device_id, ${kind}`,
    { scope, lane: 'heavy', maxRows: deviceIds.length * count * 3, timeoutMs: TIMEOUT_MS },
  )
  const found = new Map<DeviceId, Map<number, FoldReading>>()
  for (const row of rows) {
    const device = row.d as DeviceId
    const readings = found.get(device) ?? new Map<number, FoldReading>()
    readings.set(row.t, toFold(row))
    found.set(device, readings)
  }
  return new Map([...found].map(([device, readings]) => [device, [...readings.values()].sort((a, b) => a.ts - b.ts)]))
}

/** Whether so many readings of each counter that a device has are among these. */
export function isEnough(readings: readonly FoldReading[], count: number): boolean {
  const has = (name: keyof Metrics): number => readings.filter(({ metrics }) => metrics[name] !== undefined).length
  const counters = (['energy_total_wh', 'import_total_wh', 'export_total_wh'] as const).map(has).filter((n) => n > 0)
  // A device without counters has nothing further away that matters, once it is known to speak otherwise.
  return counters.length > 0 ? counters.every((n) => n >= count) : readings.length > 0
}
