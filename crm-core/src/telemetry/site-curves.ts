/** Curves of what is inside a site: its devices beside each other, the DC inputs of one of them, and in what state the site was. */
import type {
  Channel,
  DataScope,
  DeviceId,
  EXPECTED_STATES,
  SiteId,
  TenantId,
  Warehouse,
} from '@heliograph/crm-core/contracts'
import { deviceBuckets } from './device-buckets.ts'
import { median } from './expected.ts'
import { BUCKET_MS, bucketOf } from './spread.ts'
import { id, instant, list, second, sql } from './sql.ts'

const DAY_MS = 86_400_000
/** Devices beside each other: more lines tell nothing, and the answer stays within a megabyte or two. */
export const MAX_COMPARED = 120
const MAX_CURVE_ROWS = 120_000
/** Longest window of inputs, which are kept raw only. */
export const MAX_STRINGS_MS = 8 * DAY_MS
/** Stripes over a longer time would be too thin to tell anything. */
export const MAX_STATES_MS = 32 * DAY_MS

interface Window {
  tenantId: TenantId
  /** UTC milliseconds, `to` exclusive. */
  from: number
  to: number
  /** Points that fit. */
  width: number
}
/** Width of a bucket that makes at most `width` of them, in whole steps. */
const stepOf = ({ from, to, width }: Window, least: number): number =>
  Math.max(1, Math.ceil((to - from) / Math.max(1, width) / least)) * least

export interface DeviceCurve {
  deviceId: DeviceId
  /** Wh within the window; absent where nothing was counted. */
  energyWh?: number
  points: { ts: number; avg: number }[]
}

/** Mean AC power of several devices in the same buckets, and the energy of each. Devices without data are missing. */
export async function deviceCurves(
  warehouse: Warehouse,
  scope: DataScope,
  request: Window & { deviceIds: readonly DeviceId[] },
): Promise<{ stepMs: number; curves: DeviceCurve[] }> {
  const deviceIds = request.deviceIds.slice(0, MAX_COMPARED)
  const stepMs = stepOf(request, BUCKET_MS)
  if (deviceIds.length === 0) return { stepMs, curves: [] }
  const { tenantId, from, to } = request
  const where = sql`tenant_id = ${id(tenantId)} AND device_id IN ${list(deviceIds)}
    AND r.ts >= ${second(bucketOf(from))} AND r.ts < ${second(to + 999)}`
  const options = { scope, lane: 'light', maxRows: MAX_CURVE_ROWS } as const
  const [points, sums] = await Promise.all([
    warehouse.query<{ device_id: DeviceId; slot: number; w: number }>(
      sql`SELECT device_id, intDiv(toInt64(toUnixTimestamp(r.ts)) * 1000, ${stepMs}) * ${stepMs} AS slot, avg(ac_power_w_avg) AS w
        FROM rollup_device_5m AS r FINAL WHERE ${where} AND ac_power_w_avg IS NOT NULL GROUP BY device_id, slot ORDER BY slot`,
      options,
    ),
    warehouse.query<{ device_id: DeviceId; wh: number }>(
      sql`SELECT device_id, sum(energy_wh) AS wh FROM ${deviceBuckets(tenantId, deviceIds, { from: bucketOf(from), to: to + 999 })}
        WHERE energy_wh IS NOT NULL GROUP BY device_id`,
      options,
    ),
  ])
  const curves = new Map<DeviceId, DeviceCurve>()
  for (const { device_id, wh } of sums) curves.set(device_id, { deviceId: device_id, energyWh: wh, points: [] })
  for (const { device_id, slot, w } of points) {
    let curve = curves.get(device_id)
    if (curve === undefined) curves.set(device_id, (curve = { deviceId: device_id, points: [] }))
    curve.points.push({ ts: Number(slot), avg: w })
  }
  return { stepMs, curves: deviceIds.flatMap((deviceId) => curves.get(deviceId) ?? []) }
}

export interface NeighbourCurve {
  /** How many neighbours have said anything in the window. */
  sites: number
  /** Wh per Wp of the window, the median; absent where nothing was counted. */
  yieldHours?: number
  /** W per Wp, the median of those that say something then. */
  points: { ts: number; avg: number }[]
}
/**
 * What is usual around a site: sites by their own rating, in the middle of each other. A neighbour that is dead, in the shade or
 * rated wrongly moves a median by little.
 * @param request `sites` with their rating, W, above zero
 */
export async function neighbourCurve(
  warehouse: Warehouse,
  scope: DataScope,
  request: Window & { sites: readonly { siteId: SiteId; peakPowerW: number }[] },
): Promise<NeighbourCurve> {
  const { tenantId, from, to, sites } = request
  if (sites.length === 0) return { sites: 0, points: [] }
  const stepMs = stepOf(request, BUCKET_MS)
  const rows = await warehouse.query<{ site: SiteId; slot: number; w: number | null; wh: number | null }>(
    sql`SELECT site_id AS site, intDiv(toInt64(toUnixTimestamp(r.ts)) * 1000, ${stepMs}) * ${stepMs} AS slot,
        avg(ac_power_w_avg) AS w, sum(energy_wh) AS wh
      FROM rollup_site_5m AS r FINAL WHERE tenant_id = ${id(tenantId)} AND site_id IN ${list(sites.map(({ siteId }) => siteId))}
        AND r.ts >= ${second(bucketOf(from))} AND r.ts < ${second(to + 999)} GROUP BY site, slot ORDER BY slot`,
    { scope, lane: 'light', maxRows: MAX_CURVE_ROWS },
  )
  const peaks = new Map(sites.map(({ siteId, peakPowerW }) => [siteId, peakPowerW]))
  const slots = new Map<number, number[]>()
  const energies = new Map<SiteId, number>()
  const heard = new Set<SiteId>()
  for (const { site, slot, w, wh } of rows) {
    const peak = peaks.get(site)!
    if (wh !== null) energies.set(site, (energies.get(site) ?? 0) + wh / peak)
    if (w === null) continue
    heard.add(site)
    const at = Number(slot)
    const powers = slots.get(at)
    if (powers) powers.push(w / peak)
    else slots.set(at, [w / peak])
  }
  return {
    sites: heard.size,
    ...(energies.size > 0 && { yieldHours: median([...energies.values()]) }),
    points: [...slots].map(([ts, powers]) => ({ ts, avg: median(powers) })),
  }
}

export interface StringCurve {
  /** Counted from 1. */
  input: number
  points: ({ ts: number } & Channel)[]
}

/** The DC inputs of one device: mean current, voltage and power of each in the same buckets. Empty where it tells of none. */
export async function stringCurves(
  warehouse: Warehouse,
  scope: DataScope,
  request: Window & { deviceId: DeviceId },
): Promise<{ stepMs: number; strings: StringCurve[] }> {
  const { tenantId, deviceId, from, to } = request
  const stepMs = stepOf(request, 60_000)
  const rows = await warehouse.query<{
    slot: number
    input: number
    a: number | null
    v: number | null
    w: number | null
  }>(
    sql`SELECT intDiv(toUnixTimestamp64Milli(r.ts), ${stepMs}) * ${stepMs} AS slot, input,
        avg(dc_currents_a[input]) AS a, avg(dc_voltages_v[input]) AS v, avg(dc_powers_w[input]) AS w
      FROM (SELECT ts, dc_currents_a, dc_voltages_v, dc_powers_w, arrayJoin(arrayEnumerate(dc_voltages_v)) AS input FROM readings FINAL
        WHERE tenant_id = ${id(tenantId)} AND device_id = ${id(deviceId)} AND ts >= ${instant(from)} AND ts < ${instant(to)}) AS r
      GROUP BY slot, input ORDER BY slot, input`,
    { scope, lane: 'light', maxRows: MAX_CURVE_ROWS },
  )
  const strings = new Map<number, StringCurve>()
  for (const { slot, input, a, v, w } of rows) {
    const at = Number(input)
    let curve = strings.get(at)
    if (curve === undefined) strings.set(at, (curve = { input: at, points: [] }))
    if (a === null && v === null && w === null) continue
    curve.points.push({
      ts: Number(slot),
      ...(v === null ? {} : { voltage_v: v }),
      ...(a === null ? {} : { current_a: a }),
      ...(w === null ? {} : { power_w: w }),
    })
  }
  return { stepMs, strings: [...strings.values()].sort((one, other) => one.input - other.input) }
}

/** The states that a chart marks: the others are told by the curve itself. */
const MARKED = [
  'curtailed',
  'clipped',
  'under',
  'no-contact',
] as const satisfies readonly (typeof EXPECTED_STATES)[number][]
export interface StateSpan {
  from: number
  to: number
  state: (typeof MARKED)[number]
}

/** When a site was held back, at its limit, under its expectation or out of contact. Neighbouring buckets of a state are one span. */
export async function siteStates(
  warehouse: Warehouse,
  scope: DataScope,
  request: { tenantId: TenantId; siteId: SiteId; from: number; to: number },
): Promise<StateSpan[]> {
  const { tenantId, siteId, from, to } = request
  const rows = await warehouse.query<{ at: number; state: StateSpan['state'] }>(
    sql`SELECT toUnixTimestamp(r.ts) * 1000 AS at, state FROM expected_site_5m AS r FINAL
      WHERE tenant_id = ${id(tenantId)} AND site_id = ${id(siteId)} AND r.ts >= ${second(bucketOf(from))} AND r.ts < ${second(to + 999)}
        AND state IN ${list(MARKED)} ORDER BY at`,
    { scope, lane: 'light', maxRows: MAX_STATES_MS / BUCKET_MS + 1 },
  )
  const spans: StateSpan[] = []
  for (const { at, state } of rows) {
    const start = Number(at)
    const last = spans.at(-1)
    if (last?.state === state && last.to === start) last.to = start + BUCKET_MS
    else spans.push({ from: start, to: start + BUCKET_MS, state })
  }
  return spans
}

export interface MessageOfDevice {
  partition: number
  offset: number
  receivedAt: number
  /** How many readings of this device it gave, and the newest of their times. */
  readings: number
  ts: number
}

/** The messages that a device's newest readings came from, newest first; imports are none. */
export async function messagesOfDevice(
  warehouse: Warehouse,
  scope: DataScope,
  request: { tenantId: TenantId; deviceId: DeviceId; limit: number; now: number },
): Promise<MessageOfDevice[]> {
  const { tenantId, deviceId, limit, now } = request
  // Nearly every device was heard within the day; the long look back is for the silent ones.
  for (const reach of [DAY_MS, 32 * DAY_MS]) {
    const rows = await warehouse.query<Record<'p' | 'o' | 'received' | 'n' | 'at', number>>(
      sql`SELECT raw_partition AS p, raw_offset AS o, toUnixTimestamp64Milli(max(received_at)) AS received, count() AS n,
          toUnixTimestamp64Milli(max(r.ts)) AS at
        FROM readings AS r FINAL
        WHERE tenant_id = ${id(tenantId)} AND device_id = ${id(deviceId)} AND connection_id != 'import'
          AND r.ts >= ${instant(now - reach)} AND r.ts < ${instant(now + DAY_MS)}
        GROUP BY p, o ORDER BY received DESC, o DESC LIMIT ${limit}`,
      { scope, lane: 'light', maxRows: limit },
    )
    if (rows.length > 0)
      return rows.map(({ p, o, received, n, at }) => ({
        partition: Number(p),
        offset: Number(o),
        receivedAt: Number(received),
        readings: Number(n),
        ts: Number(at),
      }))
  }
  return []
}
