/** Raw readings of one device, and the last reading of many: always bounded, always one row per instant. */
import {
  ProblemError,
  type DataScope,
  type DeviceId,
  type Reading,
  type Sql,
  type TenantId,
  type Warehouse,
} from '@heliograph/crm-core/contracts'
import { READING_COLUMNS, readingFromRow, type SelectedReading } from './reading-row.ts'
import { id, instant, list, sql } from './sql.ts'

export const MAX_READINGS_PAGE = 5000
/** How far back a last reading is looked for; beyond it a device counts as never heard. */
const LATEST_WINDOW_MS = 400 * 86_400_000

export interface ReadingsRequest {
  tenantId: TenantId
  deviceId: DeviceId
  /** UTC milliseconds, `from` inclusive, `to` exclusive. */
  from: number
  to: number
  limit: number
  /** From the page before. */
  cursor?: string
}
export interface ReadingsPage {
  items: Reading[]
  nextCursor: string | null
}

/** Rows of one device, oldest first: `limit + 1` of them, so that the caller knows whether there is more. */
export function readingsQuery({ tenantId, deviceId, from, to, limit, cursor }: ReadingsRequest): Sql {
  const start = cursor === undefined ? from : Math.max(from, readCursor(cursor) + 1)
  return sql`SELECT ${READING_COLUMNS} FROM readings FINAL
    WHERE tenant_id = ${id(tenantId)} AND device_id = ${id(deviceId)} AND ts >= ${instant(start)} AND ts < ${instant(to)}
    ORDER BY ts LIMIT ${limit + 1}`
}

/** One page of a device's readings. @throws ProblemError invalid_cursor */
export async function readingsPage(
  warehouse: Warehouse,
  scope: DataScope,
  request: ReadingsRequest,
): Promise<ReadingsPage> {
  const limit = Math.min(Math.max(1, Math.floor(request.limit)), MAX_READINGS_PAGE)
  const rows = await warehouse.query<SelectedReading>(readingsQuery({ ...request, limit }), {
    scope,
    lane: 'light',
    maxRows: limit + 1,
  })
  const items = rows.slice(0, limit).map(readingFromRow)
  const last = items.at(-1)
  return { items, nextCursor: rows.length > limit && last ? String(last.ts) : null }
}

/** All readings of a device in a window in pieces, for exports; lane `heavy`. */
export async function* streamReadings(
  warehouse: Warehouse,
  scope: DataScope,
  request: Omit<ReadingsRequest, 'limit' | 'cursor'>,
  maxRows = 5_000_000,
): AsyncGenerator<Reading[]> {
  // By windows of a month: one answer of years would be built whole in the engine's memory.
  for (let from = request.from; from < request.to; from += 31 * 86_400_000) {
    const to = Math.min(request.to, from + 31 * 86_400_000)
    const query = sql`SELECT ${READING_COLUMNS} FROM readings FINAL
      WHERE tenant_id = ${id(request.tenantId)} AND device_id = ${id(request.deviceId)} AND ts >= ${instant(from)} AND ts < ${instant(to)}
      ORDER BY ts`
    for await (const rows of warehouse.stream<SelectedReading>(query, {
      scope,
      lane: 'heavy',
      maxRows,
      timeoutMs: 300_000,
    }))
      yield rows.map(readingFromRow)
  }
}

function readCursor(cursor: string): number {
  const ts = Number(cursor)
  if (!/^-?\d{1,15}$/.test(cursor) || !Number.isSafeInteger(ts)) throw new ProblemError('invalid_cursor')
  return ts
}

/** The newest reading of each device; devices without one within the last 400 days are missing. Rebuilds live state on start. */
export async function latestReadings(
  warehouse: Warehouse,
  scope: DataScope | 'system',
  request: { tenantId: TenantId; deviceIds: readonly DeviceId[]; now: number },
): Promise<Reading[]> {
  const found: Reading[] = []
  // Windows that grow: most devices were heard within the day, and only the silent ones need the long look back.
  let missing = new Set<string>(request.deviceIds)
  for (const reach of [86_400_000, 32 * 86_400_000, LATEST_WINDOW_MS]) {
    const wanted = [...missing]
    for (let at = 0; at < wanted.length; at += 1000) {
      const some = wanted.slice(at, at + 1000)
      const rows = await warehouse.query<SelectedReading>(
        sql`SELECT ${READING_COLUMNS} FROM readings FINAL
          WHERE tenant_id = ${id(request.tenantId)} AND (device_id, ts) IN (
            SELECT device_id, max(ts) FROM readings FINAL
            WHERE tenant_id = ${id(request.tenantId)} AND device_id IN ${list(some)}
              AND ts >= ${instant(request.now - reach)} AND ts < ${instant(request.now + 86_400_000)}
            GROUP BY device_id)
          AND ts >= ${instant(request.now - reach)}`,
        { scope, lane: 'light', maxRows: some.length },
      )
      for (const row of rows) {
        missing.delete(row.device_id)
        found.push(readingFromRow(row))
      }
    }
    if (missing.size === 0) break
    missing = new Set(missing)
  }
  return found
}
