/** Up to when a worker's roll-ups contain all that was stored, so that a crash between the store and the roll-up is made good. */
import { second, sql, type Range } from '@heliograph/crm-core'
import type { DeviceId, Warehouse } from '@heliograph/crm-core/contracts'

const OPTIONS = { scope: 'system', lane: 'heavy', timeoutMs: 300_000, maxRows: 5_000_000 } as const

/** UTC milliseconds; 0 when the worker never completed a flush. */
export async function readMark(warehouse: Warehouse, worker: string): Promise<number> {
  const [row] = await warehouse.query<{ at: number }>(
    sql`SELECT toUnixTimestamp(max(at)) * 1000 AS at FROM rollup_marks WHERE worker = ${worker}`,
    OPTIONS,
  )
  return row?.at ?? 0
}
export async function writeMark(warehouse: Warehouse, worker: string, at: number): Promise<void> {
  await warehouse.insert('rollup_marks', [{ worker, at: Math.max(0, at) }])
}

/** What came into the store since an instant, by device and day of its time. */
export async function storedSince(warehouse: Warehouse, since: number): Promise<({ deviceId: DeviceId } & Range)[]> {
  const rows = await warehouse.query<{ device_id: DeviceId; from_ms: number; to_ms: number }>(
    sql`SELECT device_id, toUnixTimestamp64Milli(min(ts)) AS from_ms, toUnixTimestamp64Milli(max(ts)) AS to_ms
      FROM readings WHERE stored_at >= ${second(since)} GROUP BY tenant_id, device_id, toDate(ts)`,
    OPTIONS,
  )
  return rows.map(({ device_id, from_ms, to_ms }) => ({ deviceId: device_id, from: from_ms, to: to_ms + 1 }))
}
