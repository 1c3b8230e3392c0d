import { BUCKET_MS, id, list, second, sql, type Recomputed } from '@heliograph/crm-core'
import type { DeviceId, SiteId, TenantId, Warehouse } from '@heliograph/crm-core/contracts'

export interface ExistingRow {
  ts: number
  /** Where the buckets end that it tells of. */
  to: number
  siteId: SiteId
}

/** The device rows that the store holds within what was recomputed, and the sites they are counted to. */
export async function existingRows(
  warehouse: Warehouse,
  tenantId: TenantId,
  results: readonly Pick<Recomputed, 'device' | 'range'>[],
): Promise<Map<DeviceId, ExistingRow[]>> {
  const found = new Map<DeviceId, ExistingRow[]>()
  if (results.length === 0) return found
  const from = Math.min(...results.map(({ range }) => range.from))
  const to = Math.max(...results.map(({ range }) => range.to))
  const query = sql`SELECT device_id, site_id, toUnixTimestamp(r.ts) * 1000 AS ts, run FROM rollup_device_5m AS r FINAL
    WHERE tenant_id = ${id(tenantId)} AND device_id IN ${list(results.map(({ device }) => device.id))}
      AND r.ts >= ${second(from)} AND r.ts < ${second(to)}`
  const options = { scope: 'system', lane: 'heavy', maxRows: 5_000_000, timeoutMs: 120_000 } as const
  for await (const rows of warehouse.stream<{ device_id: DeviceId; site_id: SiteId; ts: number; run: number }>(
    query,
    options,
  ))
    for (const row of rows) {
      const list_ = found.get(row.device_id) ?? []
      list_.push({ ts: row.ts, to: row.ts + row.run * BUCKET_MS, siteId: row.site_id })
      found.set(row.device_id, list_)
    }
  return found
}
