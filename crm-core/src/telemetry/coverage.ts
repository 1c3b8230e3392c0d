/** The share of the expected readings that is there. */
import type { DataScope, SiteId, Warehouse, DeviceId, TenantId, Sql } from '@heliograph/crm-core/contracts'
import { addDays, dayStart, localDate } from './local-time.ts'
import { allOf, day, id, identifier, list, second, sql } from './sql.ts'

export interface CoverageRequest {
  tenantId: TenantId
  target: { kind: 'device'; deviceId: DeviceId } | { kind: 'sites'; siteIds?: readonly SiteId[] }
  timezone: string
  from: number
  to: number
  now: number
}
/** Up to here the five-minute rows themselves are counted; beyond, the days' counts. */
const FINE_MS = 49 * 3_600_000
/** Of many sites the days' counts are told. */
const FINE_SITES = 20

/**
 * How many of the slots that a device (or site) fills when all is well are filled, 0 to 1; what lies in the future is not
 * expected yet. The length of a slot is the middle distance between its readings, at least five minutes.
 */
export async function coverageOf(
  warehouse: Warehouse,
  scope: DataScope,
  { tenantId, target, timezone, from, to, now }: CoverageRequest,
): Promise<number> {
  const until = Math.min(to, now)
  if (until <= from) return 0
  const kind = target.kind === 'device' ? 'device' : 'site'
  const key = identifier(`${kind}_id`)
  const conditions = [
    sql`tenant_id = ${id(tenantId)}`,
    target.kind === 'device'
      ? sql`device_id = ${id(target.deviceId)}`
      : target.siteIds
        ? sql`site_id IN ${list(target.siteIds)}`
        : undefined,
  ]
  const fine = to - from <= FINE_MS && (target.kind === 'device' || (target.siteIds?.length ?? Infinity) <= FINE_SITES)
  const rows = await warehouse.query<{ slots: number; spacing: number }>(
    fine
      ? fineQuery(
          kind,
          key,
          allOf([...conditions, sql`r.ts >= ${second(from)} AND r.ts < ${second(to)} AND r.slots > 0`]),
        )
      : coarseQuery(
          kind,
          key,
          allOf([
            ...conditions,
            sql`r.ts >= ${second(from - 2 * 86_400_000)} AND r.ts < ${second(to + 86_400_000)}`,
            sql`date >= ${day(localDate(timezone, from))} AND date <= ${day(localDate(timezone, to - 1))}`,
          ]),
        ),
    { scope, lane: 'light', maxRows: 100_000 },
  )
  const wanted = target.kind === 'device' ? 1 : (target.siteIds?.length ?? rows.length)
  if (wanted === 0) return 0
  const begin = fine ? from : dayStart(timezone, localDate(timezone, from))
  const end = fine ? until : Math.min(now, dayStart(timezone, addDays(localDate(timezone, to - 1), 1)))
  const seconds = Math.max(300, (end - begin) / 1000)
  let present = 0
  for (const { slots, spacing } of rows) present += Math.min(1, (slots * spacing) / seconds)
  return Math.round((present / Math.max(wanted, rows.length)) * 10_000) / 10_000
}

function fineQuery(kind: 'device' | 'site', key: Sql, where: Sql): Sql {
  return sql`SELECT count() AS slots,
      greatest(300, ifNull(arrayReduce('quantileExact', arrayPopFront(arrayDifference(arraySort(groupArray(toUnixTimestamp(r.ts)))))), 300)) AS spacing
    FROM ${identifier(`rollup_${kind}_5m`)} AS r FINAL WHERE ${where} GROUP BY ${key}`
}
function coarseQuery(kind: 'device' | 'site', key: Sql, where: Sql): Sql {
  return sql`SELECT sum(slots) AS slots, if(sum(expected) > 0, count() * 86400 / sum(expected), 300) AS spacing
    FROM ${identifier(`rollup_${kind}_1d`)} AS r FINAL WHERE ${where} GROUP BY ${key}`
}
