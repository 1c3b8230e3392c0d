/** Each site against what it should give, for the live list and the rules: read from the store now and then, not per reading. */
import { BUCKET_MS, localDate, sql, type Registry } from '@heliograph/crm-core'
import type { ExpectedNow, ExpectedSource, ExpectedState, SiteId, Warehouse } from '@heliograph/crm-core/contracts'
import { createLooks, type Looks } from './looks.ts'

const EVERY_MS = 10_000
const MAX_SITES = 100_000
/** An expectation older than this does not speak for now. */
const CURRENT_MS = 20 * 60_000

interface Row {
  site: SiteId
  date: string
  last: number
  power: number
  low: number
  high: number
  origin: ExpectedSource
  /** Of the last bucket that was compared, or that may not be. */
  said: ExpectedState | ''
  judged: number
  /** Last bucket that was not under, and first that was. */
  good: number
  first: number
  wished: number | null
  made: number | null
  lost: number | null
  recent: number | null
}

export interface ExpectedNows extends Looks {
  of(siteId: SiteId): ExpectedNow | undefined
}

export function createExpectedNow(deps: {
  warehouse: Warehouse
  registry: Registry
  onError(error: unknown): void
  now?: () => number
}): ExpectedNows {
  const now = deps.now ?? Date.now
  let sites = new Map<SiteId, Row>()

  async function read(): Promise<void> {
    const from = sql`toDateTime(${Math.floor(now() / 1000) - 26 * 3600}, 'UTC')`
    // The middle of an hour of comparisons is steadier than one cloud.
    const hour = sql`r.ts >= toDateTime(${Math.floor(now() / 1000) - 3600}, 'UTC')`
    const judged = sql`state IN ('ok', 'under', 'clipped', 'curtailed') AND (expected_wh IS NOT NULL OR state = 'curtailed')`
    const rows = await deps.warehouse.query<Row>(
      // No alias has a column's name: it would be taken for the column within the other aggregates.
      sql`SELECT site_id AS site, toString(r.date) AS date, toUnixTimestamp(max(r.ts)) * 1000 AS last,
          argMax(expected_w, r.ts) AS power, argMax(low_w, r.ts) AS low, argMax(high_w, r.ts) AS high, argMax(source, r.ts) AS origin,
          argMaxIf(state, r.ts, ${judged}) AS said, toUnixTimestamp(maxIf(r.ts, ${judged})) * 1000 AS judged,
          toUnixTimestamp(maxIf(r.ts, ${judged} AND state != 'under')) * 1000 AS good,
          toUnixTimestamp(minIf(r.ts, state = 'under')) * 1000 AS first,
          sum(expected_wh) AS wished, sum(compared_wh) AS made, sum(loss_wh) AS lost,
          sumIf(compared_wh, ${hour}) / nullIf(sumIf(expected_wh, ${hour}), 0) AS recent
        FROM expected_site_5m AS r FINAL WHERE r.ts >= ${from} GROUP BY tenant_id, site, r.date`,
      { scope: 'system', lane: 'light', maxRows: MAX_SITES * 3 },
    )
    const newest = new Map<SiteId, Row>()
    for (const row of rows) if ((newest.get(row.site)?.date ?? '') < row.date) newest.set(row.site, row)
    sites = newest
  }

  return {
    ...createLooks(read, EVERY_MS, deps.onError),
    of(siteId) {
      const site = deps.registry.site(siteId)
      const row = sites.get(siteId)
      const at = now()
      return site && row && row.date === localDate(site.timezone, at) ? presented(row, at) : undefined
    },
  }
}

function presented(row: Row, at: number): ExpectedNow {
  const result: ExpectedNow = {}
  if (row.wished !== null && row.made !== null && row.lost !== null) {
    result.expectedTodayWh = row.wished
    result.comparedTodayWh = row.made
    result.lossTodayWh = row.lost
    if (row.wished > 0) result.performanceToday = row.made / row.wished
  }
  if (at - row.last > CURRENT_MS) return result
  result.expectedPowerW = row.power
  result.expectedLowW = row.low
  result.expectedHighW = row.high
  result.expectedSource = row.origin
  if (row.said === '' || at - row.judged > CURRENT_MS) return result
  result.expectedState = row.said
  if (row.recent !== null) result.performanceNow = row.recent
  if (row.said === 'under') result.underSince = row.good > 0 ? Math.max(row.good + BUCKET_MS, row.first) : row.first
  return result
}
