/** What expectations are computed from: sites' five minutes with what is known of their devices in them. */
import {
  BUCKET_MS,
  bucketOf,
  deviceBuckets,
  id,
  instant,
  list,
  productionSources,
  second,
  siteAt,
  sql,
  type ProductionSource,
  type Range,
  type SiteBucket,
} from '@heliograph/crm-core'
import type {
  DeviceId,
  DeviceKind,
  RegistryDevice,
  RegistrySite,
  SiteId,
  TenantId,
  Warehouse,
} from '@heliograph/crm-core/contracts'

const OPTIONS = { scope: 'system', lane: 'heavy', maxRows: 2_000_000, timeoutMs: 120_000 } as const
const KIND_OF: Record<ProductionSource, DeviceKind> = { meter: 'meter', inverters: 'inverter', gateway: 'gateway' }

export interface InputSite {
  site: RegistrySite
  /** All that stand or stood on it. */
  devices: readonly RegistryDevice[]
}
/** When each device was first heard: before that it is not missing. Kept between rounds. */
export type FirstHeard = Map<DeviceId, number>

interface SiteRow {
  site: SiteId
  at: number
  source: string
  wh: number | null
  power: number | null
  samples: number
  irradiance: number | null
  ambient: number | null
  wind: number | null
  module: number | null
}

/** Buckets by start, of sites of one tenant. */
export async function siteInputs(
  warehouse: Warehouse,
  tenantId: TenantId,
  sites: readonly InputSite[],
  range: Range,
  firstHeard: FirstHeard,
): Promise<Map<SiteId, Map<number, SiteBucket>>> {
  const from = bucketOf(range.from)
  const siteIds = sites.map(({ site }) => site.id)
  const makers = sites.flatMap(({ devices }) => devices).filter((device) => mayProduce(device))
  const deviceIds = [...new Set(makers.map((device) => device.id))]
  await learnFirstHeard(warehouse, tenantId, deviceIds, firstHeard)
  const window = sql`tenant_id = ${id(tenantId)} AND r.ts >= ${second(from)} AND r.ts < ${second(range.to)}`
  const rows = await warehouse.query<SiteRow>(
    sql`SELECT site_id AS site, toUnixTimestamp(r.ts) * 1000 AS at, source, energy_wh AS wh, ac_power_w_avg AS power, samples,
        irradiance_wm2_avg AS irradiance, ambient_temp_c_avg AS ambient, wind_ms_avg AS wind, module_temp_c_avg AS module
      FROM rollup_site_5m AS r FINAL WHERE ${window} AND site_id IN ${list(siteIds)} ORDER BY site, at`,
    OPTIONS,
  )
  if (rows.length === 0) return new Map()
  const [presence, flags] = [
    await devicePresence(warehouse, tenantId, deviceIds, { from, to: range.to }),
    await limitsAndFaults(warehouse, tenantId, deviceIds, { from, to: range.to }),
  ]
  const bySite = new Map(sites.map((input) => [input.site.id, input]))
  const found = new Map<SiteId, Map<number, SiteBucket>>()
  for (const row of rows) {
    const { devices } = bySite.get(row.site)!
    const present = devices.filter((device) => siteAt(device, row.at) === row.site)
    const buckets = found.get(row.site) ?? new Map<number, SiteBucket>()
    buckets.set(row.at, bucketFrom(row, present, presence, flags, firstHeard))
    found.set(row.site, buckets)
  }
  return found
}

function bucketFrom(
  row: SiteRow,
  devices: readonly RegistryDevice[],
  presence: ReadonlyMap<string, number>,
  flags: ReadonlyMap<string, number>,
  firstHeard: FirstHeard,
): SiteBucket {
  const { at } = row
  const kind = KIND_OF[row.source as ProductionSource] as DeviceKind | undefined
  const heardBefore = (device: RegistryDevice) => (firstHeard.get(device.id) ?? Infinity) < at + BUCKET_MS
  const needed =
    productionSources(
      devices.filter((device) => device.kind === kind),
      at,
      heardBefore,
    )?.devices ?? []
  const bitsOf = (device: RegistryDevice) => presence.get(`${device.id}/${at}`) ?? 0
  const whole =
    needed.length === 0
      ? 'no'
      : needed.every((device) => bitsOf(device) & HEARD)
        ? 'power'
        : needed.every((device) => bitsOf(device) & COUNTED)
          ? 'energy'
          : 'no'
  let marks = 0
  for (const device of devices) marks |= flags.get(`${device.id}/${at}`) ?? 0
  return {
    ts: at,
    heard: row.samples > 0,
    whole: whole === 'power' && row.power === null ? 'energy' : whole,
    ...(row.power !== null && { powerW: row.power }),
    ...(row.wh !== null && { energyWh: row.wh }),
    ...(row.irradiance !== null && row.samples > 0 && { irradianceWm2: row.irradiance }),
    ...(row.ambient !== null && { ambientC: row.ambient }),
    ...(row.wind !== null && { windMs: row.wind }),
    ...(row.module !== null && { moduleC: row.module }),
    ...((marks & LIMITED) > 0 && { limited: true }),
    ...((marks & FAULTED) > 0 && { faulted: true }),
  }
}

const mayProduce = ({ roles }: RegistryDevice): boolean => roles.some(({ role }) => role === 'production')

async function learnFirstHeard(
  warehouse: Warehouse,
  tenantId: TenantId,
  deviceIds: readonly DeviceId[],
  firstHeard: FirstHeard,
): Promise<void> {
  const unknown = deviceIds.filter((deviceId) => !firstHeard.has(deviceId))
  if (unknown.length === 0) return
  const rows = await warehouse.query<{ device: DeviceId; at: number }>(
    sql`SELECT device_id AS device, toUnixTimestamp(min(r.ts)) * 1000 AS at FROM rollup_device_5m AS r FINAL
      WHERE tenant_id = ${id(tenantId)} AND device_id IN ${list(unknown)} AND samples > 0 GROUP BY device`,
    OPTIONS,
  )
  for (const { device, at } of rows) firstHeard.set(device, at)
}

const HEARD = 1
/** Its counter tells of that time; power that is carried on does not. */
const COUNTED = 2
async function devicePresence(
  warehouse: Warehouse,
  tenantId: TenantId,
  deviceIds: readonly DeviceId[],
  range: Range,
): Promise<Map<string, number>> {
  const rows = await warehouse.query<{ device: string; at: number; bits: number }>(
    sql`SELECT device_id AS device, toUnixTimestamp(r.ts) * 1000 AS at,
        (samples > 0) * ${HEARD} + (energy_wh IS NOT NULL AND energy_method != 'power') * ${COUNTED} AS bits
      FROM ${deviceBuckets(tenantId, deviceIds, range)}`,
    OPTIONS,
  )
  return new Map(rows.map(({ device, at, bits }) => [`${device}/${at}`, bits]))
}

const LIMITED = 1
const FAULTED = 2
async function limitsAndFaults(
  warehouse: Warehouse,
  tenantId: TenantId,
  deviceIds: readonly DeviceId[],
  { from, to }: Range,
): Promise<Map<string, number>> {
  const limited = sql`(has(quality, 'curtailed') OR power_limit_pct < 99.5)`
  const faulted = sql`(status IN ('fault', 'unreachable') OR faults NOT IN ('', '[]'))`
  const rows = await warehouse.query<{ device: string; at: number; bits: number }>(
    sql`SELECT device_id AS device, intDiv(toUnixTimestamp64Milli(r.ts), ${BUCKET_MS}) * ${BUCKET_MS} AS at,
        max(ifNull(${limited}, 0)) * ${LIMITED} + max(ifNull(${faulted}, 0)) * ${FAULTED} AS bits
      FROM readings AS r FINAL
      WHERE tenant_id = ${id(tenantId)} AND device_id IN ${list(deviceIds)} AND r.ts >= ${instant(from)} AND r.ts < ${instant(to)}
        AND (ifNull(${limited}, 0) OR ${faulted}) GROUP BY device, at`,
    OPTIONS,
  )
  return new Map(rows.map(({ device, at, bits }) => [`${device}/${at}`, bits]))
}
