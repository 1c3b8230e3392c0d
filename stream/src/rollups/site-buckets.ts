/** A site's five-minute rows from those of its devices, by what counts once. */
import { setImmediate as turn } from 'node:timers/promises'
import {
  BUCKET_MS,
  bucketOf,
  combineSite,
  deviceBuckets,
  id,
  list,
  localDate,
  second,
  siteAt,
  sql,
  type DeviceValues,
  type Range,
} from '@heliograph/crm-core'
import type {
  DeviceId,
  RegistryDevice,
  RegistrySite,
  SiteId,
  TenantId,
  Warehouse,
} from '@heliograph/crm-core/contracts'
import type { FreshRows, HeardBucket } from './fresh-rows.ts'
import { GAUGES, siteBucketRow, valuesOfBucket, type RollupRow, type StoredBucket } from './rows.ts'

/**
 * Devices that speak every quarter of an hour fill one bucket of three; in the others their last power still holds. Beyond
 * this a device without a word has no power that anybody knows.
 */
export const CARRY_MS = 4 * BUCKET_MS
const OPTIONS = { scope: 'system', lane: 'heavy', maxRows: 3_000_000, timeoutMs: 120_000 } as const

export interface SiteJob {
  site: RegistrySite
  devices: readonly RegistryDevice[]
  range: Range
}

/** By device and start of the five minutes. */
type Buckets = Map<DeviceId, Map<number, HeardBucket>>

/**
 * Rows of sites of one tenant whose ranges lie close together; rows that are no more come as deleted.
 * @param fresh rows of devices that need not be read: the store has them since a moment ago
 */
export async function siteRows(
  warehouse: Warehouse,
  tenantId: TenantId,
  jobs: readonly SiteJob[],
  version: number,
  fresh: FreshRows,
): Promise<RollupRow[]> {
  const from = Math.min(...jobs.map(({ range }) => bucketOf(range.from)))
  const to = Math.max(...jobs.map(({ range }) => range.to))
  const siteIds = jobs.map(({ site }) => site.id)
  const stored = await bucketsOfDevices(warehouse, tenantId, jobs, fresh)
  const before = await warehouse.query<{ site_id: SiteId; ts: number }>(
    sql`SELECT site_id, toUnixTimestamp(r.ts) * 1000 AS ts FROM rollup_site_5m AS r FINAL
      WHERE tenant_id = ${id(tenantId)} AND site_id IN ${list(siteIds)} AND r.ts >= ${second(from)} AND r.ts < ${second(to)}`,
    OPTIONS,
  )
  const old = new Map<SiteId, number[]>()
  for (const { site_id, ts } of before) {
    const list_ = old.get(site_id) ?? []
    list_.push(ts)
    old.set(site_id, list_)
  }
  const rows: RollupRow[] = []
  for (const job of jobs) {
    for (const row of rowsOfSite(job, stored, old.get(job.site.id) ?? [], version)) rows.push(row)
    await turn()
  }
  return rows
}

/** What the jobs' devices say in the jobs' ranges, and before them as far as it still holds. */
async function bucketsOfDevices(
  warehouse: Warehouse,
  tenantId: TenantId,
  jobs: readonly SiteJob[],
  fresh: FreshRows,
): Promise<Buckets> {
  const windows = new Map<DeviceId, Range>()
  for (const { devices, range } of jobs)
    for (const { id } of devices) {
      const known = windows.get(id)
      windows.set(id, {
        from: Math.min(known?.from ?? Infinity, bucketOf(range.from) - CARRY_MS),
        to: Math.max(known?.to ?? 0, range.to),
      })
    }
  const found: Buckets = new Map()
  const whole: Lack[] = []
  const heads: Lack[] = []
  const tails: Lack[] = []
  for (const [deviceId, window] of windows) {
    const stretch = fresh.covering(deviceId, window)
    if (!stretch) {
      whole.push({ deviceId, ...window })
      continue
    }
    found.set(deviceId, new Map(stretch.rows.map((row) => [row.ts, row])))
    const { from, to } = stretch.range
    if (from > window.from) heads.push({ deviceId, from: window.from, to: from })
    if (to < window.to) tails.push({ deviceId, from: to, to: window.to })
  }
  for (const lacks of [whole, heads, tails]) await fill(warehouse, tenantId, lacks, found)
  return found
}
interface Lack extends Range {
  deviceId: DeviceId
}
async function fill(warehouse: Warehouse, tenantId: TenantId, lacks: readonly Lack[], found: Buckets): Promise<void> {
  if (lacks.length === 0) return
  const lackOf = new Map(lacks.map((lack) => [lack.deviceId, lack]))
  const from = Math.min(...lacks.map((lack) => lack.from))
  const to = Math.max(...lacks.map((lack) => lack.to))
  const query = sql`SELECT device_id, site_id, toUnixTimestamp(r.ts) * 1000 AS ts, energy_wh, energy_method, estimated_wh,
      import_wh, export_wh, samples, ${GAUGES} AS gauges
    FROM ${deviceBuckets(tenantId, [...lackOf.keys()], { from, to })}`
  for await (const rows of warehouse.stream<StoredBucket>(query, OPTIONS))
    for (const row of rows) {
      const lack = lackOf.get(row.device_id)!
      if (row.ts < lack.from || row.ts >= lack.to) continue
      const buckets = found.get(row.device_id) ?? new Map<number, HeardBucket>()
      buckets.set(row.ts, { ...valuesOfBucket(row), samples: row.samples })
      found.set(row.device_id, buckets)
    }
}

function rowsOfSite(
  { site, devices, range }: SiteJob,
  stored: Buckets,
  old: readonly number[],
  version: number,
): RollupRow[] {
  const from = bucketOf(range.from)
  const bucketsOf = new Map(devices.map((device) => [device, stored.get(device.id) ?? NO_BUCKETS]))
  const starts = new Set<number>()
  for (const [device, buckets] of bucketsOf)
    for (const ts of buckets.keys()) if (ts >= from && ts < range.to && siteAt(device, ts) === site.id) starts.add(ts)
  const rows: RollupRow[] = []
  for (const ts of starts) {
    const present = devices.filter((device) => siteAt(device, ts) === site.id)
    const samples = present.reduce((sum, device) => sum + (bucketsOf.get(device)?.get(ts)?.samples ?? 0), 0)
    const values = combineSite(present, ts, (device) => bucketValues(bucketsOf.get(device)!, ts))
    rows.push(siteBucketRow(site, ts, localDate(site.timezone, ts), values, samples, version))
  }
  for (const ts of old)
    if (ts >= from && ts < range.to && !starts.has(ts))
      rows.push({
        tenant_id: site.tenantId,
        site_id: site.id,
        ts,
        date: localDate(site.timezone, ts),
        version,
        is_deleted: 1,
      })
  return rows
}
const NO_BUCKETS: ReadonlyMap<number, HeardBucket> = new Map()

function bucketValues(buckets: ReadonlyMap<number, HeardBucket>, ts: number): DeviceValues | undefined {
  const own = buckets.get(ts)
  if (own && own.samples > 0) return own
  const earlier = lastSpoken(buckets, ts)
  if (!own) return earlier && Object.keys(earlier.gauges).length > 0 ? { gauges: earlier.gauges } : undefined
  return earlier ? { ...own, gauges: earlier.gauges } : own
}
function lastSpoken(buckets: ReadonlyMap<number, HeardBucket>, ts: number): HeardBucket | undefined {
  for (let at = ts - BUCKET_MS; at >= ts - CARRY_MS; at -= BUCKET_MS) {
    const bucket = buckets.get(at)
    if (bucket && bucket.samples > 0) return bucket
  }
  return undefined
}
