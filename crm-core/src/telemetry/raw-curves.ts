/** Raw curves from the warehouse's raw table, which has them all. */
import type { CurvePoint, CurveRequest, DataScope, Warehouse } from '@heliograph/crm-core/contracts'
import { id, identifier, instant, sql } from './sql.ts'

/** More than any chart asks for. */
const MAX_POINTS = 100_000

export async function warehouseCurve(
  warehouse: Warehouse,
  scope: DataScope,
  { tenantId, deviceId, metric, from, to, stepMs }: CurveRequest,
): Promise<CurvePoint[]> {
  const value = identifier(metric)
  const rows = await warehouse.query<{ at: number; avg: number; min: number; max: number }>(
    sql`SELECT toUnixTimestamp64Milli(min(r.ts)) AS at, avg(${value}) AS avg, min(${value}) AS min, max(${value}) AS max
      FROM readings AS r FINAL
      WHERE tenant_id = ${id(tenantId)} AND device_id = ${id(deviceId)} AND r.ts >= ${instant(from)} AND r.ts < ${instant(to)} AND ${value} IS NOT NULL
      GROUP BY intDiv(toUnixTimestamp64Milli(r.ts) - ${from}, ${stepMs}) ORDER BY at`,
    { scope, lane: 'light', maxRows: MAX_POINTS },
  )
  return rows.map(({ at, avg, min, max }) => ({ ts: at, avg, min, max }))
}
