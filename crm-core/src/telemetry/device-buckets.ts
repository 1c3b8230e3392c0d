/**
 * Five-minute rows of devices as one asks for them. Of what is long past the store keeps the time between two readings as one row: a
 * device that speaks once an hour would otherwise have eleven rows beside each that says something, all with the same share of its
 * energy. Such a run lies within an hour (UTC), a local day and a site, so hours, days and months add up rows as they are; whoever
 * looks at single buckets reads them through here.
 */
import type { DeviceId, Sql, TenantId } from '@heliograph/crm-core/contracts'
import type { Range } from './near-ranges.ts'
import { id, list, second, sql } from './sql.ts'
import { BUCKET_MS } from './spread.ts'

const HOUR_MS = 3_600_000
export const hourOf = (ts: number): number => Math.floor(ts / HOUR_MS) * HOUR_MS
export const hourAfter = (ts: number): number => Math.ceil(ts / HOUR_MS) * HOUR_MS

/**
 * What to select from instead of `rollup_device_5m`, known as `r`: every bucket by itself, with its share of the energies.
 * @param range UTC milliseconds, `to` exclusive; whole buckets
 */
export function deviceBuckets(tenantId: TenantId, deviceIds: readonly DeviceId[], { from, to }: Range): Sql {
  // Columns that are told anew under their own name are told apart by an alias for the table.
  const start = sql`d.ts + part * ${BUCKET_MS / 1000}`
  return sql`(SELECT * REPLACE (${start} AS ts, d.energy_wh / d.run AS energy_wh, d.estimated_wh / d.run AS estimated_wh,
      d.import_wh / d.run AS import_wh, d.export_wh / d.run AS export_wh)
    FROM rollup_device_5m AS d FINAL ARRAY JOIN range(d.run) AS part
    WHERE d.tenant_id = ${id(tenantId)} AND d.device_id IN ${list(deviceIds)} AND d.ts >= ${second(hourOf(from))} AND d.ts < ${second(to)}
      AND ${start} >= ${second(from)} AND ${start} < ${second(to)}) AS r`
}
