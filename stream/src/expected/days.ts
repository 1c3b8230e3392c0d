/** Local days from the five-minute rows, computed where the rows lie. */
import {
  byZone,
  day,
  id,
  list,
  localDate,
  localDaysByZone,
  second,
  spanOfDays,
  sql,
  type Range,
} from '@heliograph/crm-core'
import type { RegistrySite, TenantId, Warehouse } from '@heliograph/crm-core/contracts'

const HEAVY = { scope: 'system', lane: 'heavy', timeoutMs: 120_000 } as const

export interface DaysJob {
  tenantId: TenantId
  sites: readonly RegistrySite[]
  range: Range
  /** Rows went away: days may have to go as well. */
  removed: boolean
}

/** @param version of what is written; one below it is free for what goes away */
export async function foldDays(warehouse: Warehouse, job: DaysJob, version: number): Promise<void> {
  const zones = byZone(job.sites)
  // Of zones apart by more than a day's hours one has a day more than it asked for.
  const dates = zones.flatMap(({ timezone }) => [
    localDate(timezone, job.range.from),
    localDate(timezone, job.range.to - 1),
  ])
  const [first, last] = [dates.toSorted()[0]!, dates.toSorted().at(-1)!]
  const span = spanOfDays(zones, first, last)
  const own = sql`tenant_id = ${id(job.tenantId)} AND site_id IN ${list(job.sites.map((site) => site.id))}`
  const days = sql`r.date >= ${day(first)} AND r.date <= ${day(last)}`
  const local = localDaysByZone(zones, sql`site_id`, first, last)
  if (job.removed || local.skipsMidnight)
    await warehouse.execute(
      sql`INSERT INTO expected_site_1d (tenant_id, site_id, ts, date, version, is_deleted)
        SELECT tenant_id, site_id, r.ts, r.date, ${version - 1}, 1 FROM expected_site_1d AS r FINAL WHERE ${own} AND ${days}`,
      HEAVY,
    )
  await warehouse.execute(
    sql`INSERT INTO expected_site_1d (tenant_id, site_id, ts, date, expected_wh, compared_wh, loss_wh, slots, source, version, is_deleted)
      SELECT tenant_id, site_id, ${local.start(sql`r.date`)}, r.date, sum(expected_wh), sum(compared_wh), sum(loss_wh),
        count(expected_wh), if(uniqExact(source) = 1, any(source), 'mixed'), ${version}, 0
      FROM expected_site_5m AS r FINAL
      WHERE ${own} AND ${days} AND r.ts >= ${second(span.from)} AND r.ts < ${second(span.to)}
      GROUP BY tenant_id, site_id, r.date`,
    HEAVY,
  )
}
