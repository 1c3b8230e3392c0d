/** A site's five-minute rows from those of its devices, by what counts once. */
import {
  BUCKET_MS,
  bucketOf,
  combineSite,
  identifier,
  id,
  join,
  list,
  localDate,
  second,
  siteAt,
  sql,
  type DeviceValues,
  type Range,
} from '@heliograph/crm-core'
import type { RegistryDevice, RegistrySite, SiteId, TenantId, Warehouse } from '@heliograph/crm-core/contracts'
import { GAUGE_COLUMNS, siteBucketRow, valuesOfBucket, type RollupRow, type StoredBucket } from './rows.ts'

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
      import_wh, export_wh, samples, [${join(GAUGE_COLUMNS.map(identifier))}] AS gauges
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
  return jobs.flatMap((job) => rowsOfSite(job, stored, old.get(job.site.id) ?? [], version))
}

function rowsOfSite(
  { site, devices, range }: SiteJob,
  stored: ReadonlyMap<string, ReadonlyMap<number, StoredBucket>>,
  old: readonly number[],
  version: number,
): RollupRow[] {
  const from = bucketOf(range.from)
  const starts = new Set<number>()
  for (const device of devices)
    for (const ts of stored.get(device.id)?.keys() ?? [])
      if (ts >= from && ts < range.to && siteAt(device, ts) === site.id) starts.add(ts)
  const rows: RollupRow[] = []
  for (const ts of starts) {
    const present = devices.filter((device) => siteAt(device, ts) === site.id)
    const samples = present.reduce((sum, device) => sum + (stored.get(device.id)?.get(ts)?.samples ?? 0), 0)
    const values = combineSite(present, ts, (device) => bucketValues(stored.get(device.id), ts))
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

function bucketValues(buckets: ReadonlyMap<number, StoredBucket> | undefined, ts: number): DeviceValues | undefined {
  if (!buckets) return undefined
  const own = buckets.get(ts)
  const values: DeviceValues = own ? valuesOfBucket(own) : { gauges: {} }
  if (!own || own.samples === 0)
    for (let at = ts - BUCKET_MS; at >= ts - CARRY_MS; at -= BUCKET_MS) {
      const earlier = buckets.get(at)
      if (!earlier || earlier.samples === 0) continue
      values.gauges = valuesOfBucket(earlier).gauges
      break
    }
  return own || Object.keys(values.gauges).length > 0 ? values : undefined
}
