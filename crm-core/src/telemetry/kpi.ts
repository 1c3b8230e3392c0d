/**
 * The figures of a site over a stretch of time. Short stretches are counted from the raw readings, long ones from the
 * roll-ups, which hold the same numbers.
 */
import {
  ProblemError,
  type DataScope,
  type DeviceId,
  type RegistryDevice,
  type RegistrySite,
  type Warehouse,
} from '@heliograph/crm-core/contracts'
import { medianSpacing, powerSteps, type BucketRow, type EnergyMethod, type FoldReading } from './device-fold.ts'
import { addDays, dayStart, localDate, localDay } from './local-time.ts'
import { siteAt } from '../registry/registry.ts'
import { recompute } from './recompute.ts'
import { combineSite, productionSources, roleAt, type DeviceValues } from './site-production.ts'
import { allOf, id, instant, list, second, sql } from './sql.ts'

export interface KpiRequest {
  site: RegistrySite
  /** All that stand or stood on the site. */
  devices: readonly RegistryDevice[]
  /** UTC milliseconds, `to` exclusive. */
  from: number
  to: number
  now: number
}
export interface KpiDay {
  date: string
  energyWh: number
  coverage: number
}
/** Contract section 7. Absent figures are not known. */
export interface Kpi {
  siteId: string
  from: number
  to: number
  timezone: string
  /** Readings of the devices that make the production. */
  rows: number
  method: 'counter' | 'power'
  energyWh: number
  peakAcPowerW?: number
  specificYieldKwhPerKwp?: number
  insolationWhM2?: number
  /** IEC 61724-1: final yield over reference yield at 1 000 W/m². */
  performanceRatio?: number
  coverage: number
  /** Days that have readings. */
  days: KpiDay[]
}

/** More readings than this are not brought here: the roll-ups answer. */
const MAX_RAW_ROWS = 400_000
/** Irradiance at which a plant's rating holds, W/m². */
const STANDARD_WM2 = 1000

export async function kpi(warehouse: Warehouse, scope: DataScope, request: KpiRequest): Promise<Kpi> {
  if (!(request.to > request.from)) throw new ProblemError('invalid_request', '`to` must be later than `from`')
  const total = await countRows(warehouse, scope, request)
  return total <= MAX_RAW_ROWS ? fromRaw(warehouse, scope, request) : fromRollups(warehouse, scope, request)
}

function siteWhere({ site, devices, from, to }: KpiRequest, ids = devices.map((device) => device.id)) {
  return allOf([
    sql`tenant_id = ${id(site.tenantId)}`,
    sql`device_id IN ${list(ids)}`,
    sql`site_id = ${id(site.id)}`,
    sql`ts >= ${instant(from)} AND ts < ${instant(to)}`,
  ])
}
async function countRows(warehouse: Warehouse, scope: DataScope, request: KpiRequest): Promise<number> {
  const [row] = await warehouse.query<{ n: number }>(
    sql`SELECT count() AS n FROM readings FINAL WHERE ${siteWhere(request)}`,
    {
      scope,
      lane: 'light',
    },
  )
  return row?.n ?? 0
}

interface DeviceDays {
  device: RegistryDevice
  buckets: Map<number, BucketRow>
  readings: FoldReading[]
}

async function fromRaw(warehouse: Warehouse, scope: DataScope, request: KpiRequest): Promise<Kpi> {
  const { site, devices, from, to } = request
  const range = { from: localDay(site.timezone, from).start, to: localDay(site.timezone, to - 1).end }
  const found: DeviceDays[] = []
  const jobs = devices.map((device) => ({ device, site, range, keepReadings: true }))
  for (const result of await recompute({ warehouse, tenantId: site.tenantId, scope }, jobs)) {
    const here = ({ ts }: { ts: number }): boolean => ts >= from && ts < to && siteAt(result.device, ts) === site.id
    const readings = result.readings.filter(here)
    if (readings.length === 0) continue
    found.push({
      device: result.device,
      readings,
      buckets: new Map(result.rows.filter(here).map((row) => [row.ts, row])),
    })
  }
  const energy = energyByDay(site, found, request)
  const makers = productionDevices(found, from, to)
  const members = makers.length > 0 ? found.filter(({ device }) => makers.includes(device)) : found
  const coverage = coverageByDay(site.timezone, members, request)
  const insolation = insolationOf(site.timezone, found, from)
  const peak = peakOf(members)
  const days = [...new Set([...energy.days.keys(), ...coverage.days.keys()])]
    .filter((date) => coverage.days.has(date))
    .sort()
    .map((date) => ({ date, energyWh: energy.days.get(date) ?? 0, coverage: coverage.days.get(date)! }))
  return finish(request, makers, {
    rows: members.reduce((sum, { readings }) => sum + readings.length, 0),
    method: energy.methods.has('counter') || energy.methods.has('interval') ? 'counter' : 'power',
    energyWh: energy.total,
    ...(peak === undefined ? {} : { peakAcPowerW: peak }),
    ...(insolation === undefined ? {} : { insolationWhM2: insolation }),
    coverage: coverage.total,
    days,
  })
}

/** Adds what follows from the rest. */
function finish(
  request: KpiRequest,
  makers: readonly RegistryDevice[],
  figures: Omit<Kpi, 'siteId' | 'from' | 'to' | 'timezone'>,
): Kpi {
  const { site, from, to } = request
  const rated = makers.reduce((sum, device) => sum + (device.peakPowerW ?? 0), 0)
  const peakPowerW = site.peakPowerW ?? (rated > 0 ? rated : undefined)
  const result: Kpi = { siteId: site.id, from, to, timezone: site.timezone, ...figures }
  if (peakPowerW) {
    result.specificYieldKwhPerKwp = figures.energyWh / peakPowerW
    if (figures.insolationWhM2)
      result.performanceRatio = result.specificYieldKwhPerKwp / (figures.insolationWhM2 / STANDARD_WM2)
  }
  return result
}

function energyByDay(site: RegistrySite, found: readonly DeviceDays[], { from, to }: KpiRequest) {
  const starts = new Set<number>()
  for (const { buckets } of found) for (const ts of buckets.keys()) starts.add(ts)
  const devices = found.map(({ device }) => device)
  const byDevice = new Map(found.map(({ device, buckets }) => [device, buckets]))
  const days = new Map<string, number>()
  const methods = new Set<EnergyMethod | 'mixed'>()
  let total = 0
  for (const ts of [...starts].sort((a, b) => a - b)) {
    if (ts < from || ts >= to) continue
    const combined = combineSite(devices, ts, (device) => bucketValues(byDevice.get(device)?.get(ts)))
    if (combined.energyWh === undefined) continue
    total += combined.energyWh
    // A method that only ever gave nothing (the night before the first reading) is not how the energy was counted.
    if (combined.method && combined.energyWh > 0) methods.add(combined.method === 'mixed' ? 'counter' : combined.method)
    const date = localDate(site.timezone, ts)
    days.set(date, (days.get(date) ?? 0) + combined.energyWh)
  }
  return { total, days, methods }
}
function bucketValues(row: BucketRow | undefined): DeviceValues | undefined {
  return row && { ...row }
}

/** The devices of the level that made the site's production in this stretch. */
function productionDevices(found: readonly DeviceDays[], from: number, to: number): RegistryDevice[] {
  const has = new Set(
    found
      .filter(({ readings }) =>
        readings.some(
          ({ metrics }) =>
            metrics.ac_power_w !== undefined ||
            metrics.pv_power_w !== undefined ||
            metrics.energy_total_wh !== undefined ||
            metrics.energy_day_wh !== undefined ||
            metrics.energy_interval_wh !== undefined,
        ),
      )
      .map(({ device }) => device),
  )
  const middle = (from + to) / 2
  return productionSources([...has], middle, (device) => has.has(device))?.devices ?? []
}

/** Readings present over readings expected; each device speaks every so often, by the middle distance of its readings. */
function coverageByDay(timezone: string, members: readonly DeviceDays[], { from, to, now }: KpiRequest) {
  const end = Math.min(to, now)
  const present = new Map<string, number>()
  const spacings: number[] = []
  let presentTotal = 0
  let expectedTotal = 0
  for (const { readings } of members) {
    const nominal = medianSpacing(readings.map(({ ts }) => ts))
    if (!nominal) continue
    spacings.push(nominal)
    const slots = new Set(readings.map(({ ts }) => Math.floor((ts - from) / nominal + 1e-6)))
    presentTotal += slots.size
    expectedTotal += Math.max(1, Math.round((end - from) / nominal))
    for (const slot of slots) {
      const date = localDate(timezone, from + slot * nominal)
      present.set(date, (present.get(date) ?? 0) + 1)
    }
  }
  const days = new Map<string, number>()
  for (const [date, count] of present) {
    const length = Math.min(dayStart(timezone, addDays(date, 1)), end) - Math.max(dayStart(timezone, date), from)
    const expected = spacings.reduce((sum, nominal) => sum + length / nominal, 0)
    days.set(date, share(count, Math.max(1, expected)))
  }
  return { total: expectedTotal > 0 ? share(presentTotal, expectedTotal) : 0, days }
}
const share = (part: number, whole: number): number => Math.min(1, Math.round((part / whole) * 10_000) / 10_000)

/** Irradiance over time like power, of the devices that measure it: those of that role, else weather stations, else any. */
function insolationOf(timezone: string, found: readonly DeviceDays[], at: number): number | undefined {
  const measuring = found.filter(({ readings }) => readings.some(({ metrics }) => metrics.irradiance_wm2 !== undefined))
  const levels = [
    measuring.filter(({ device }) => roleAt(device, at) === 'irradiance'),
    measuring.filter(({ device }) => device.kind === 'weather'),
    measuring,
  ]
  const used = levels.find((level) => level.length > 0)
  if (!used) return undefined
  const amounts = used.map(({ readings }) => {
    const days = new Map<string, { ts: number[]; value: number[] }>()
    for (const { ts, metrics } of readings) {
      if (metrics.irradiance_wm2 === undefined) continue
      const date = localDate(timezone, ts)
      const day = days.get(date) ?? { ts: [], value: [] }
      day.ts.push(ts)
      day.value.push(metrics.irradiance_wm2)
      days.set(date, day)
    }
    let amount = 0
    for (const [date, { ts, value }] of days)
      for (const { wh } of powerSteps(ts, value, dayStart(timezone, addDays(date, 1)))) amount += wh
    return amount
  })
  return amounts.reduce((sum, amount) => sum + amount, 0) / amounts.length
}

/** One device: its largest reading. Several: the largest sum at equal instants. */
function peakOf(members: readonly DeviceDays[]): number | undefined {
  const sums = new Map<number, number>()
  for (const { readings } of members)
    for (const { ts, metrics } of readings) {
      const power = metrics.ac_power_w ?? metrics.pv_power_w
      if (power !== undefined) sums.set(ts, (sums.get(ts) ?? 0) + power)
    }
  let peak: number | undefined
  for (const value of sums.values()) if (peak === undefined || value > peak) peak = value
  return peak
}

interface DayRow {
  date: string
  wh: number | null
  slots: number
  expected: number
  irradiance: number | null
  method: string
}
async function fromRollups(warehouse: Warehouse, scope: DataScope, request: KpiRequest): Promise<Kpi> {
  const { site, devices, from, to } = request
  const heavy = { scope, lane: 'heavy', maxRows: 100_000 } as const
  const firstDate = localDate(site.timezone, from)
  const lastDate = localDate(site.timezone, to - 1)
  const rows = await warehouse.query<DayRow>(
    sql`SELECT toString(date) AS date, sum(energy_wh) AS wh, sum(slots) AS slots, sum(expected) AS expected,
        sum(irradiance_wm2_avg * slots * if(expected > 0, 86400 / expected, 300)) / 3600 AS irradiance,
        anyIf(energy_method, energy_method != '') AS method
      FROM rollup_site_1d AS r FINAL WHERE tenant_id = ${id(site.tenantId)} AND site_id = ${id(site.id)}
        AND r.ts >= ${second(from - 2 * 86_400_000)} AND r.ts < ${second(to)} AND r.date >= toDate(${firstDate}) AND r.date <= toDate(${lastDate})
      GROUP BY r.date ORDER BY date`,
    heavy,
  )
  // The parts of days at both ends, and the whole, from the buckets themselves.
  const buckets = await warehouse.query<{ date: string; wh: number | null }>(
    sql`SELECT toString(date) AS date, sum(energy_wh) AS wh FROM rollup_site_5m AS r FINAL
      WHERE tenant_id = ${id(site.tenantId)} AND site_id = ${id(site.id)} AND r.ts >= ${second(from)} AND r.ts < ${second(to)} GROUP BY r.date`,
    heavy,
  )
  const whByDay = new Map(buckets.map(({ date, wh }) => [date, wh ?? 0]))
  const speaking = await warehouse.query<{ device_id: DeviceId; n: number }>(
    sql`SELECT device_id, count() AS n FROM readings FINAL WHERE ${siteWhere(request)} AND (ac_power_w IS NOT NULL OR pv_power_w IS NOT NULL OR energy_total_wh IS NOT NULL OR energy_day_wh IS NOT NULL OR energy_interval_wh IS NOT NULL) GROUP BY device_id`,
    heavy,
  )
  const counts = new Map(speaking.map(({ device_id, n }) => [device_id, n]))
  const makers = productionSources(devices, (from + to) / 2, (device) => counts.has(device.id))?.devices ?? []
  const members = makers.length > 0 ? makers : devices
  const [peak] = await warehouse.query<{ peak: number | null }>(
    sql`SELECT max(total) AS peak FROM (SELECT sum(coalesce(ac_power_w, pv_power_w)) AS total FROM readings FINAL
      WHERE ${siteWhere(
        request,
        members.map((device) => device.id),
      )} GROUP BY ts)`,
    heavy,
  )
  const days = rows.map(({ date, slots, expected }) => ({
    date,
    energyWh: whByDay.get(date) ?? 0,
    coverage: share(slots, Math.max(1, expected)),
  }))
  const slots = rows.reduce((sum, row) => sum + row.slots, 0)
  const perDay = rows.length > 0 ? rows.reduce((sum, row) => sum + row.expected, 0) / rows.length : 288
  const allDays = Math.max(1, (Math.min(to, request.now) - from) / 86_400_000)
  const insolation = rows.reduce((sum, row) => sum + (row.irradiance ?? 0), 0)
  return finish(request, makers, {
    rows: members.reduce((sum, device) => sum + (counts.get(device.id) ?? 0), 0),
    method: rows.some(({ method }) => method === 'counter' || method === 'interval' || method === 'mixed')
      ? 'counter'
      : 'power',
    energyWh: days.reduce((sum, day) => sum + day.energyWh, 0),
    ...(peak?.peak === null || peak?.peak === undefined ? {} : { peakAcPowerW: peak.peak }),
    ...(insolation > 0 ? { insolationWhM2: insolation } : {}),
    coverage: share(slots, perDay * allDays),
    days,
  })
}
