/** Hours, local days and months from the five-minute rows, computed where the rows lie. */
import {
  addDays,
  day as dayLiteral,
  identifier,
  join,
  list,
  localDaysByZone,
  type LocalDays,
  second,
  spanOfDays,
  sql,
  type ZoneIds,
} from '@heliograph/crm-core'
import type { Sql, TenantId, Warehouse } from '@heliograph/crm-core/contracts'
import { GAUGE_COLUMNS } from './rows.ts'

export type CoarseScope = 'device' | 'site'
export interface CoarseJob {
  scope: CoarseScope
  tenantId: TenantId
  /** Devices or sites, by their zone. */
  zones: readonly ZoneIds[]
  /** Local days of each of the zones, both inclusive. */
  fromDate: string
  toDate: string
  /** Five-minute rows went away: what stands above them may have to go as well. */
  removed?: boolean
}
const HEAVY = { scope: 'system', lane: 'heavy', timeoutMs: 300_000 } as const
/** Ids of one statement. */
const MAX_IDS = 2000

export const monthStart = (date: string): string => `${date.slice(0, 7)}-01`
export const nextMonth = (date: string): string => monthStart(addDays(monthStart(date), 31))

/** Recomputes the hours, days and months that touch these local days. */
export async function computeCoarse(warehouse: Warehouse, job: CoarseJob, version: number): Promise<void> {
  for (const zones of bounded(job.zones)) {
    const some = { ...job, zones }
    const local = localDaysByZone(zones, key(job.scope), job.fromDate, job.toDate)
    // What is still there is written again right after, with the next version. A day without a midnight may lie where
    // earlier versions put it, an hour early.
    if (job.removed || local.skipsMidnight)
      for (const bucket of ['1h', '1d', '1mo'] as const) await warehouse.execute(removal(some, bucket, version), HEAVY)
    await warehouse.execute(hours(some, version + 1), HEAVY)
    await warehouse.execute(days(some, local, version + 1), HEAVY)
    await warehouse.execute(months(some, version + 1), HEAVY)
  }
}

/** At most so many ids at once. */
function bounded(zones: readonly ZoneIds[]): ZoneIds[][] {
  const statements: ZoneIds[][] = []
  let left = 0
  for (const { timezone, ids } of zones)
    for (let at = 0; at < ids.length;) {
      if (left === 0) {
        statements.push([])
        left = MAX_IDS
      }
      const some = ids.slice(at, at + left)
      statements.at(-1)!.push({ timezone, ids: some })
      left -= some.length
      at += some.length
    }
  return statements
}

const idsOf = ({ zones }: CoarseJob): string[] => zones.flatMap(({ ids }) => ids)
const key = (scope: CoarseScope): Sql => identifier(scope === 'device' ? 'device_id' : 'site_id')
const table = (scope: CoarseScope, bucket: '5m' | '1h' | '1d' | '1mo'): Sql => identifier(`rollup_${scope}_${bucket}`)
const gaugeNames: Sql = join(GAUGE_COLUMNS.flatMap(({ avg, min, max }) => [avg, min, max]).map(identifier))

/** Target columns in the order every statement below selects them. */
function columns(scope: CoarseScope): Sql {
  const own = scope === 'device' ? sql`tenant_id, site_id, device_id` : sql`tenant_id, site_id`
  const tail = scope === 'site' ? sql`, source` : sql``
  return sql`(${own}, ts, date, energy_wh, energy_method, estimated_wh, import_wh, export_wh, ${gaugeNames}, samples, slots, expected, version, is_deleted${tail})`
}
function gauges(weighted: boolean): Sql {
  return join(
    GAUGE_COLUMNS.flatMap(({ avg, min, max }) => {
      const average = identifier(avg)
      return [
        // Five-minute averages count alike; days by how much of them was measured.
        weighted
          ? sql`if(sumIf(slots, ${average} IS NOT NULL) = 0, NULL, sum(${average} * slots) / sumIf(slots, ${average} IS NOT NULL))`
          : sql`avg(${average})`,
        sql`min(${identifier(min)})`,
        sql`max(${identifier(max)})`,
      ]
    }),
  )
}
/** What was found once is told; several sources or methods are `mixed`. */
const single = (column: 'energy_method' | 'source'): Sql => {
  const name = identifier(column)
  return sql`multiIf(uniqExactIf(${name}, ${name} != '') = 0, '', uniqExactIf(${name}, ${name} != '') = 1, anyIf(${name}, ${name} != ''), 'mixed')`
}
function select(
  scope: CoarseScope,
  parts: { ts: Sql; date: Sql; expected: Sql; weighted: boolean; version: number; from: Sql; group: Sql },
): Sql {
  const own = scope === 'device' ? sql`tenant_id, argMax(site_id, r.ts), device_id` : sql`tenant_id, site_id`
  const tail = scope === 'site' ? sql`, ${single('source')}` : sql``
  return sql`SELECT ${own}, ${parts.ts}, ${parts.date}, sum(energy_wh), ${single('energy_method')}, sum(estimated_wh), sum(import_wh), sum(export_wh),
    ${gauges(parts.weighted)}, sum(samples), sum(slots), ${parts.expected}, ${parts.version}, 0${tail}
    FROM ${parts.from} WHERE ${parts.group}`
}
function source(job: CoarseJob, bucket: '5m' | '1d'): Sql {
  const span =
    bucket === '5m'
      ? spanOfDays(job.zones, job.fromDate, job.toDate)
      : spanOfDays(job.zones, monthStart(job.fromDate), addDays(nextMonth(job.toDate), -1))
  // Columns that are aggregated under their own name are told apart by an alias for the table.
  return sql`(SELECT * FROM ${table(job.scope, bucket)} FINAL WHERE tenant_id = ${job.tenantId} AND ${key(job.scope)} IN ${list(idsOf(job))}
    AND ts >= ${second(span.from - 3_600_000)} AND ts < ${second(span.to + 3_600_000)}) AS r`
}

function removal(job: CoarseJob, bucket: '1h' | '1d' | '1mo', version: number): Sql {
  const own = job.scope === 'device' ? sql`tenant_id, site_id, device_id, ts, date` : sql`tenant_id, site_id, ts, date`
  const from = bucket === '1mo' ? monthStart(job.fromDate) : job.fromDate
  return sql`INSERT INTO ${table(job.scope, bucket)} (${own}, version, is_deleted)
    SELECT ${own}, ${version}, 1 FROM ${table(job.scope, bucket)} FINAL
    WHERE tenant_id = ${job.tenantId} AND ${key(job.scope)} IN ${list(idsOf(job))} AND date >= ${dayLiteral(from)} AND date <= ${dayLiteral(job.toDate)}`
}

function hours(job: CoarseJob, version: number): Sql {
  const { from, to } = spanOfDays(job.zones, job.fromDate, job.toDate)
  return sql`INSERT INTO ${table(job.scope, '1h')} ${columns(job.scope)} ${select(job.scope, {
    ts: sql`toStartOfHour(r.ts) AS hour`,
    date: sql`min(r.date)`,
    expected: sql`0`,
    weighted: false,
    version,
    from: source(job, '5m'),
    // Whole hours only: with half-hour zones a day begins within one, and both its days are read.
    group: sql`r.ts >= toStartOfHour(${second(from)}) AND r.ts < toStartOfHour(${second(to + 3_599_000)}) GROUP BY tenant_id, ${job.scope === 'site' ? sql`site_id` : sql`device_id`}, hour`,
  })}`
}

function days(job: CoarseJob, local: LocalDays, version: number): Sql {
  // A device speaks every so many slots (a logger every quarter of an hour fills one of three); the middle of the distances tells.
  const spacing = sql`greatest(300, ifNotFinite(arrayReduce('quantileExact', arrayPopFront(arrayDifference(arraySort(groupArrayIf(toUInt32(r.ts), slots > 0))))), 300))`
  return sql`INSERT INTO ${table(job.scope, '1d')} ${columns(job.scope)} ${select(job.scope, {
    ts: local.start(sql`r.date`),
    date: sql`r.date`,
    expected: sql`${local.length(sql`r.date`)} / ${spacing}`,
    weighted: false,
    version,
    from: source(job, '5m'),
    group: sql`r.date >= ${dayLiteral(job.fromDate)} AND r.date <= ${dayLiteral(job.toDate)} GROUP BY tenant_id, ${job.scope === 'site' ? sql`site_id` : sql`device_id`}, r.date`,
  })}`
}

function months(job: CoarseJob, version: number): Sql {
  const local = localDaysByZone(job.zones, key(job.scope), monthStart(job.fromDate), monthStart(job.toDate))
  return sql`INSERT INTO ${table(job.scope, '1mo')} ${columns(job.scope)} ${select(job.scope, {
    ts: local.start(sql`toStartOfMonth(r.date) AS month`),
    date: sql`month`,
    expected: sql`sum(r.expected)`,
    weighted: true,
    version,
    from: source(job, '1d'),
    group: sql`r.date >= ${dayLiteral(monthStart(job.fromDate))} AND r.date < ${dayLiteral(nextMonth(job.toDate))} GROUP BY tenant_id, ${job.scope === 'site' ? sql`site_id` : sql`device_id`}, month`,
  })}`
}
