/** Local days from the five-minute rows, computed where the rows lie. */
import { addDays, day, dayStart, id, list, localDate, localDays, second, sql, type Range } from '@heliograph/crm-core'
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
  for (const [timezone, sites] of Map.groupBy(job.sites, (site) => site.timezone)) {
    const first = localDate(timezone, job.range.from)
    const last = localDate(timezone, job.range.to - 1)
    const own = sql`tenant_id = ${id(job.tenantId)} AND site_id IN ${list(sites.map((site) => site.id))}`
    const dates = sql`r.date >= ${day(first)} AND r.date <= ${day(last)}`
    const local = localDays(timezone, first, last)
    if (job.removed || local.skipsMidnight)
      await warehouse.execute(
        sql`INSERT INTO expected_site_1d (tenant_id, site_id, ts, date, version, is_deleted)
          SELECT tenant_id, site_id, r.ts, r.date, ${version - 1}, 1 FROM expected_site_1d AS r FINAL WHERE ${own} AND ${dates}`,
        HEAVY,
      )
    await warehouse.execute(
      sql`INSERT INTO expected_site_1d (tenant_id, site_id, ts, date, expected_wh, compared_wh, loss_wh, slots, source, version, is_deleted)
        SELECT tenant_id, site_id, ${local.start(sql`r.date`)}, r.date, sum(expected_wh), sum(compared_wh), sum(loss_wh),
          count(expected_wh), if(uniqExact(source) = 1, any(source), 'mixed'), ${version}, 0
        FROM expected_site_5m AS r FINAL
        WHERE ${own} AND ${dates} AND r.ts >= ${second(dayStart(timezone, first))} AND r.ts < ${second(dayStart(timezone, addDays(last, 1)))}
        GROUP BY tenant_id, site_id, r.date`,
      HEAVY,
    )
  }
}
