/** A site's five-minute rows from those of its devices, by what counts once. */
import { setImmediate as turn } from 'node:timers/promises'
import {
  BUCKET_MS,
  bucketOf,
  combineSite,
  id,
  list,
  localDate,
  second,
  siteAt,
  sql,
  type DeviceValues,
  type Range,
} from '@heliograph/crm-core'
import type { RegistryDevice, RegistrySite, SiteId, TenantId, Warehouse } from '@heliograph/crm-core/contracts'
import { GAUGES, siteBucketRow, valuesOfBucket, type RollupRow, type StoredBucket } from './rows.ts'

/**
 * Devices that speak every quarter of an hour fill one bucket of three; in the others their last power still holds. Beyond
 * this a device without a word has no power that anybody knows.
 */
export const CARRY_MS = 4 * BUCKET_MS
const MAX_ROWS = 3_000_000

export interface SiteJob {
  site: RegistrySite
  devices: readonly RegistryDevice[]
  range: Range
}

/** Rows of sites of one tenant whose ranges lie close together; rows that are no more come as deleted. */
export async function siteRows(
  warehouse: Warehouse,
  tenantId: TenantId,
  jobs: readonly SiteJob[],
  version: number,
): Promise<RollupRow[]> {
  const from = Math.min(...jobs.map(({ range }) => bucketOf(range.from)))
  const to = Math.max(...jobs.map(({ range }) => range.to))
  const siteIds = jobs.map(({ site }) => site.id)
  const deviceIds = jobs.flatMap(({ devices }) => devices.map((device) => device.id))
  const options = { scope: 'system', lane: 'heavy', maxRows: MAX_ROWS, timeoutMs: 120_000 } as const

  const stored = new Map<string, Map<number, StoredBucket>>()
  const query = sql`SELECT device_id, site_id, toUnixTimestamp(ts) * 1000 AS ts, energy_wh, energy_method, estimated_wh,
      import_wh, export_wh, samples, ${GAUGES} AS gauges
    FROM rollup_device_5m AS r FINAL
    WHERE tenant_id = ${id(tenantId)} AND device_id IN ${list(deviceIds)} AND r.ts >= ${second(from - CARRY_MS)} AND r.ts < ${second(to)}`
  for await (const rows of warehouse.stream<StoredBucket>(query, options))
    for (const row of rows) {
      const buckets = stored.get(row.device_id) ?? new Map<number, StoredBucket>()
      buckets.set(row.ts, row)
      stored.set(row.device_id, buckets)
    }
  const before = await warehouse.query<{ site_id: SiteId; ts: number }>(
    sql`SELECT site_id, toUnixTimestamp(r.ts) * 1000 AS ts FROM rollup_site_5m AS r FINAL
      WHERE tenant_id = ${id(tenantId)} AND site_id IN ${list(siteIds)} AND r.ts >= ${second(from)} AND r.ts < ${second(to)}`,
    options,
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

function rowsOfSite(
  { site, devices, range }: SiteJob,
  stored: ReadonlyMap<string, ReadonlyMap<number, StoredBucket>>,
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
const NO_BUCKETS: ReadonlyMap<number, StoredBucket> = new Map()

function bucketValues(buckets: ReadonlyMap<number, StoredBucket>, ts: number): DeviceValues | undefined {
  const own = buckets.get(ts)
  if (own && own.samples > 0) return valuesOfBucket(own)
  const earlier = lastSpoken(buckets, ts)
  if (!own) return earlier && earlier.gauges.length > 0 ? { gauges: valuesOfBucket(earlier).gauges } : undefined
  const values = valuesOfBucket(own)
  if (earlier) values.gauges = valuesOfBucket(earlier).gauges
  return values
}
function lastSpoken(buckets: ReadonlyMap<number, StoredBucket>, ts: number): StoredBucket | undefined {
  for (let at = ts - BUCKET_MS; at >= ts - CARRY_MS; at -= BUCKET_MS) {
    const bucket = buckets.get(at)
    if (bucket && bucket.samples > 0) return bucket
  }
  return undefined
}
