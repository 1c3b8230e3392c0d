/** Compares roll-ups with raw readings over random windows: the proof that what pages show is what devices sent. */
import {
  BUCKET_MS,
  bucketOf,
  combineSite,
  day as dayLiteral,
  deviceBuckets,
  id,
  identifier,
  instant,
  localDay,
  second,
  siteAt,
  sql,
  type DeviceValues,
  recompute,
} from '@heliograph/crm-core'
import type { DeviceId, RegistryDevice, RegistrySite, TenantId, Warehouse } from '@heliograph/crm-core/contracts'
import type { RollupRegistry } from './rollups.ts'
import { GAUGES, valuesOfBucket, type StoredBucket } from './rows.ts'

export interface VerifyOptions {
  warehouse: Warehouse
  registry: RollupRegistry
  /** How many (device, day) windows. */
  windows: number
  /** 0 <= x < 1, passed in so that a run can be repeated. */
  random: () => number
  /** Only windows that end before this, UTC milliseconds: newer ones may still be on their way. */
  before: number
}
export interface Difference {
  table: 'rollup_device_5m' | 'rollup_site_5m' | 'rollup_device_1d' | 'rollup_site_1d'
  key: string
  /** Start of the bucket, UTC milliseconds. */
  ts: number
  column: string
  stored: number | null
  expected: number | null
}
export interface VerifyResult {
  windows: number
  buckets: number
  differences: Difference[]
}

const OPTIONS = { scope: 'system', lane: 'heavy', timeoutMs: 300_000, maxRows: 3_000_000 } as const
const DAY_MS = 86_400_000
/** Sums of floats in another order differ in their last digits. */
const same = (a: number | null, b: number | null): boolean =>
  a === null || b === null ? a === b : Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a), Math.abs(b))
/** Differences told; a broken roll-up would fill the memory otherwise. */
const MAX_DIFFERENCES = 1000

export async function verifyRollups({
  warehouse,
  registry,
  windows,
  random,
  before,
}: VerifyOptions): Promise<VerifyResult> {
  const result: VerifyResult = { windows: 0, buckets: 0, differences: [] }
  const spans = await warehouse.query<{ device_id: DeviceId; first: number; last: number }>(
    sql`SELECT device_id, toUnixTimestamp64Milli(min(ts)) AS first, toUnixTimestamp64Milli(max(ts)) AS last
      FROM readings FINAL WHERE ts < ${instant(before)} GROUP BY tenant_id, device_id ORDER BY device_id`,
    OPTIONS,
  )
  if (spans.length === 0) return result
  for (let index = 0; index < windows && result.differences.length < MAX_DIFFERENCES; index++) {
    const span = spans[Math.floor(random() * spans.length)]!
    const device = registry.device(span.device_id)
    const at = span.first + Math.floor(random() * Math.max(1, Math.min(span.last, before) - span.first))
    const site = device && registry.site(siteAt(device, at))
    if (!device || !site) continue
    result.windows += 1
    await verifyDevice(warehouse, device, site, at, before, result)
    await verifySite(warehouse, registry, site, at, before, result)
  }
  return result
}

function compare(result: VerifyResult, difference: Difference): void {
  if (!same(difference.stored, difference.expected) && result.differences.length < MAX_DIFFERENCES)
    result.differences.push(difference)
}
const COMPARED = ['energy_wh', 'estimated_wh', 'import_wh', 'export_wh', 'samples'] as const

async function verifyDevice(
  warehouse: Warehouse,
  device: RegistryDevice,
  site: RegistrySite,
  at: number,
  before: number,
  result: VerifyResult,
): Promise<void> {
  const from = bucketOf(at)
  const [computed] = await recompute({ warehouse, tenantId: device.tenantId, scope: 'system' }, [
    { device, site, range: { from, to: from + DAY_MS / 4 } },
  ])
  const range = {
    from: Math.max(computed!.range.from, from - DAY_MS),
    to: Math.min(computed!.range.to, bucketOf(before), from + 2 * DAY_MS),
  }
  const stored = await storedBuckets(warehouse, device.tenantId, [device.id], range.from, range.to)
  const expected = new Map(computed!.rows.map((row) => [row.ts, row]))
  const rows = new Map(stored.map((row) => [row.ts, row]))
  for (const ts of new Set([...expected.keys(), ...rows.keys()])) {
    if (ts < range.from || ts >= range.to) continue
    result.buckets += 1
    const want = expected.get(ts)
    const have = rows.get(ts)
    const wanted: Record<(typeof COMPARED)[number], number | null> = {
      energy_wh: want?.energyWh ?? null,
      estimated_wh: want ? want.estimatedWh : null,
      import_wh: want?.importWh ?? null,
      export_wh: want?.exportWh ?? null,
      samples: want?.samples ?? null,
    }
    for (const column of COMPARED)
      compare(result, {
        table: 'rollup_device_5m',
        key: device.id,
        ts,
        column,
        stored: have?.[column] ?? null,
        expected: wanted[column],
      })
    const gauges = have ? valuesOfBucket(have).gauges : {}
    for (const [name, gauge] of Object.entries(want?.gauges ?? {}))
      for (const part of ['avg', 'min', 'max'] as const)
        compare(result, {
          table: 'rollup_device_5m',
          key: device.id,
          ts,
          column: `${name}_${part}`,
          stored: gauges[name as keyof typeof gauges]?.[part] ?? null,
          expected: gauge[part],
        })
  }
}

/** The site's buckets against those of its devices, and its day against its buckets. */
async function verifySite(
  warehouse: Warehouse,
  registry: RollupRegistry,
  site: RegistrySite,
  at: number,
  before: number,
  result: VerifyResult,
): Promise<void> {
  const from = bucketOf(at)
  const to = Math.min(from + DAY_MS / 4, bucketOf(before))
  const devices = registry.devicesOfSite(site.id)
  const rows = await storedBuckets(
    warehouse,
    site.tenantId,
    devices.map((device) => device.id),
    from,
    to,
  )
  const byDevice = new Map<string, Map<number, DeviceValues>>()
  for (const row of rows) {
    const buckets = byDevice.get(row.device_id) ?? new Map<number, DeviceValues>()
    buckets.set(row.ts, valuesOfBucket(row))
    byDevice.set(row.device_id, buckets)
  }
  const stored = await warehouse.query<{ ts: number; energy_wh: number | null }>(
    sql`SELECT toUnixTimestamp(r.ts) * 1000 AS ts, energy_wh FROM rollup_site_5m AS r FINAL
      WHERE tenant_id = ${id(site.tenantId)} AND site_id = ${id(site.id)} AND r.ts >= ${second(from)} AND r.ts < ${second(to)}`,
    OPTIONS,
  )
  const have = new Map(stored.map((row) => [row.ts, row.energy_wh]))
  for (let ts = from; ts < to; ts += BUCKET_MS) {
    const present = devices.filter((device) => siteAt(device, ts) === site.id)
    const expected = combineSite(present, ts, (device) => byDevice.get(device.id)?.get(ts)).energyWh ?? null
    compare(result, {
      table: 'rollup_site_5m',
      key: site.id,
      ts,
      column: 'energy_wh',
      stored: have.get(ts) ?? null,
      expected,
    })
  }
  for (const scope of ['device', 'site'] as const) await verifyDays(warehouse, scope, site, at, before, result)
}

/** The local day's row against its five-minute rows. */
async function verifyDays(
  warehouse: Warehouse,
  scope: 'device' | 'site',
  site: RegistrySite,
  at: number,
  before: number,
  result: VerifyResult,
): Promise<void> {
  const { date, start, end } = localDay(site.timezone, at)
  // The day that is still going on grows while it is looked at.
  if (end > before) return
  const key = identifier(`${scope}_id`)
  const rows = (table: string) => sql`SELECT ${key} AS key, sum(energy_wh) AS wh FROM ${identifier(table)} AS r FINAL
    WHERE tenant_id = ${id(site.tenantId)} AND site_id = ${id(site.id)} AND r.ts >= ${second(start)} AND r.ts < ${second(end)} AND date = ${dayLiteral(date)} GROUP BY key`
  const [stored, expected] = await Promise.all(
    ['1d', '5m'].map((bucket) =>
      warehouse.query<{ key: string; wh: number | null }>(rows(`rollup_${scope}_${bucket}`), OPTIONS),
    ),
  )
  const wanted = new Map(expected!.map(({ key: entity, wh }) => [entity, wh]))
  const have = new Map(stored!.map(({ key: entity, wh }) => [entity, wh]))
  for (const entity of new Set([...wanted.keys(), ...have.keys()]))
    compare(result, {
      table: `rollup_${scope}_1d`,
      key: entity,
      ts: start,
      column: 'energy_wh',
      stored: have.get(entity) ?? null,
      expected: wanted.get(entity) ?? null,
    })
}

function storedBuckets(
  warehouse: Warehouse,
  tenantId: TenantId,
  deviceIds: readonly DeviceId[],
  from: number,
  to: number,
): Promise<StoredBucket[]> {
  return warehouse.query<StoredBucket>(
    sql`SELECT device_id, site_id, toUnixTimestamp(r.ts) * 1000 AS ts, energy_wh, energy_method, estimated_wh, import_wh, export_wh, samples,
        ${GAUGES} AS gauges
      FROM ${deviceBuckets(tenantId, deviceIds, { from, to })}`,
    OPTIONS,
  )
}
