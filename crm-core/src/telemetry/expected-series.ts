/** What sites should have given, as curves, bars and totals: the same figures for page, report, export and API. */
import {
  NOT_MEASURED,
  ProblemError,
  type DataScope,
  type RegistrySite,
  type SiteId,
  type Sql,
  type TenantId,
  type Warehouse,
} from '@heliograph/crm-core/contracts'
import { clearSkyPower } from '../solar/plant-model.ts'
import { plantOf } from './expected-facts.ts'
import { dayStart, localDate } from './local-time.ts'
import { BUCKET_WIDTH_MS } from './series-plan.ts'
import {
  MAX_WIDTH,
  type GaugePoint,
  type Series,
  type SeriesRequest,
  type SeriesResult,
  type SumPoint,
} from './series.ts'
import { BUCKET_MS, bucketOf } from './spread.ts'
import { allOf, id, identifier, list, second, sql } from './sql.ts'

export const EXPECTED_POWER = 'expected_power_w'
export const CLEAR_SKY_POWER = 'clear_sky_power_w'
const SUM_COLUMNS = { expected_energy_wh: 'expected_wh', loss_wh: 'loss_wh' } as const
export const EXPECTED_METRICS: readonly string[] = [EXPECTED_POWER, CLEAR_SKY_POWER, ...Object.keys(SUM_COLUMNS)]
/** Amounts per bucket have no extremes. */
export const isExpectedSum = (metric: string): metric is keyof typeof SUM_COLUMNS => Object.hasOwn(SUM_COLUMNS, metric)

const DAY_MS = 86_400_000
const MAX_POINTS = 100_000
/** Longest window that five-minute rows are read over; beyond, days are. */
const MAX_FINE_MS = 93 * DAY_MS

type Bucket = SeriesResult['bucket']
type Ask = Omit<SeriesRequest, 'metrics' | 'bucket'> & { bucket: Bucket }

/**
 * One metric of what is expected. Points are there only where it is known; `source` says what it rests on, `not measured` where there
 * are none.
 * @param site the one site that is asked about; curves are of one site
 */
export async function expectedSeries(
  warehouse: Warehouse,
  scope: DataScope,
  metric: string,
  ask: Ask,
  site: RegistrySite | undefined,
): Promise<Series> {
  const unit = isExpectedSum(metric) ? 'Wh' : 'W'
  const nothing: Series = { metric, unit, source: NOT_MEASURED, points: [], coverage: 0 }
  if (ask.target.kind === 'device') return nothing
  if (isExpectedSum(metric)) return { ...nothing, ...(await sums(warehouse, scope, SUM_COLUMNS[metric], ask)) }
  if (!site) throw new ProblemError('invalid_request', `${metric} is of one site; ask for expected_energy_wh`)
  if (metric === CLEAR_SKY_POWER) return { ...nothing, ...(await clearSky(warehouse, scope, ask, site)) }
  return { ...nothing, ...(await power(warehouse, scope, ask)) }
}

function conditions({ tenantId, target }: Ask): (Sql | undefined)[] {
  const siteIds = target.kind === 'sites' ? target.siteIds : undefined
  return [sql`tenant_id = ${id(tenantId)}`, siteIds ? sql`site_id IN ${list(siteIds)}` : undefined]
}
const during = ({ from, to }: { from: number; to: number }): Sql =>
  sql`r.ts >= ${second(bucketOf(from))} AND r.ts < ${second(to + 999)}`
/** A day belongs to the window when the window touches it. */
const dated = ({ from, to, timezone }: Ask, month: boolean): Sql => {
  const first = localDate(timezone, from)
  return sql`r.ts >= ${second(from - 32 * DAY_MS)} AND r.ts < ${second(to + 2 * DAY_MS)}
    AND r.date >= toDate(${month ? `${first.slice(0, 7)}-01` : first}) AND r.date <= toDate(${localDate(timezone, to - 1)})`
}

const SOURCES = sql`arraySort(groupUniqArray(source))`
const sourceOf = (found: readonly (readonly string[])[]): string => {
  const names = new Set(found.flat().filter((name) => name !== ''))
  return names.size === 0 ? NOT_MEASURED : names.size === 1 ? [...names][0]! : 'mixed'
}
const widthOf = ({ width }: Ask): number => Math.min(Math.max(1, Math.floor(width)), MAX_WIDTH)

type Part = Pick<Series, 'source' | 'points' | 'coverage'>

async function power(warehouse: Warehouse, scope: DataScope, ask: Ask): Promise<Part> {
  const { from, to, bucket, timezone } = ask
  const byDate = bucket === '1d' || bucket === '1mo'
  const least = bucket === 'raw' ? BUCKET_MS : BUCKET_WIDTH_MS[bucket]
  const step = Math.max(least, Math.ceil((to - from) / widthOf(ask) / BUCKET_MS) * BUCKET_MS)
  // Together the band is the mean of the bands, not its outermost ends.
  const slot = byDate
    ? sql`toString(${bucket === '1mo' ? sql`toStartOfMonth(r.date)` : sql`r.date`})`
    : sql`toString(intDiv(toInt64(toUnixTimestamp(r.ts)) * 1000, ${step}) * ${step})`
  const rows = await warehouse.query<{
    slot: string
    avg: number
    low: number
    high: number
    n: number
    names: string[]
  }>(
    sql`SELECT ${slot} AS slot, avg(expected_w) AS avg, avg(low_w) AS low, avg(high_w) AS high, count(expected_wh) AS n, ${SOURCES} AS names
      FROM expected_site_5m AS r FINAL
      WHERE ${allOf([...conditions(ask), byDate ? dated(ask, bucket === '1mo') : during(ask), sql`expected_w IS NOT NULL`])}
      GROUP BY slot ORDER BY slot`,
    { scope, lane: byDate ? 'heavy' : 'light', maxRows: MAX_POINTS },
  )
  const points = rows.map(({ slot: at, avg, low, high }): GaugePoint & { date?: string } => ({
    ts: byDate ? dayStart(timezone, at) : Number(at),
    ...(byDate && { date: at }),
    avg,
    min: low,
    max: high,
  }))
  return {
    source: sourceOf(rows.map(({ names }) => names)),
    points: points.sort((a, b) => a.ts - b.ts),
    coverage: await fineCoverage(
      warehouse,
      scope,
      ask,
      rows.reduce((sum, { n }) => sum + n, 0),
    ),
  }
}

async function sums(warehouse: Warehouse, scope: DataScope, column: string, ask: Ask): Promise<Part> {
  const { from, to, bucket, timezone } = ask
  const value = identifier(column)
  if (bucket === '1d' || bucket === '1mo') {
    const month = bucket === '1mo'
    const rows = await warehouse.query<{ slot: string; wh: number; n: number; names: string[] }>(
      sql`SELECT toString(${month ? sql`toStartOfMonth(r.date)` : sql`r.date`}) AS slot, sum(${value}) AS wh, count() AS n, ${SOURCES} AS names
        FROM expected_site_1d AS r FINAL WHERE ${allOf([...conditions(ask), dated(ask, month), sql`${value} IS NOT NULL`])} GROUP BY slot ORDER BY slot`,
      { scope, lane: 'light', maxRows: MAX_POINTS },
    )
    return {
      source: sourceOf(rows.map(({ names }) => names)),
      points: rows.map(({ slot: date, wh }): SumPoint => ({ ts: dayStart(timezone, date), date, sum: wh })),
      coverage: await dayCoverage(
        warehouse,
        scope,
        ask,
        rows.reduce((sum, { n }) => sum + n, 0),
      ),
    }
  }
  const least = bucket === 'raw' ? BUCKET_MS : BUCKET_WIDTH_MS[bucket]
  const step = Math.max(1, Math.ceil((to - from) / widthOf(ask) / least)) * least
  const rows = await warehouse.query<{ slot: number; wh: number; n: number; names: string[] }>(
    sql`SELECT intDiv(toInt64(toUnixTimestamp(r.ts)) * 1000, ${step}) * ${step} AS slot, sum(${value}) AS wh, count() AS n, ${SOURCES} AS names
      FROM expected_site_5m AS r FINAL WHERE ${allOf([...conditions(ask), during(ask), sql`${value} IS NOT NULL`])} GROUP BY slot ORDER BY slot`,
    { scope, lane: to - from > 8 * DAY_MS ? 'heavy' : 'light', maxRows: MAX_POINTS },
  )
  return {
    source: sourceOf(rows.map(({ names }) => names)),
    points: rows.map(({ slot: ts, wh }) => ({ ts: Number(ts), sum: wh })),
    coverage: await fineCoverage(
      warehouse,
      scope,
      ask,
      rows.reduce((sum, { n }) => sum + n, 0),
    ),
  }
}

const share = (part: number, whole: number): number =>
  whole <= 0 ? 0 : Math.min(1, Math.round((part / whole) * 10_000) / 10_000)
/** Of the five-minute buckets in which something was produced, the share that could be compared. */
async function fineCoverage(warehouse: Warehouse, scope: DataScope, ask: Ask, known: number): Promise<number> {
  if (known === 0) return 0
  const [row] = await warehouse.query<{ n: number }>(
    sql`SELECT count() AS n FROM rollup_site_5m AS r FINAL WHERE ${allOf([...conditions(ask), during(ask), sql`energy_wh > 0`])}`,
    { scope, lane: 'light' },
  )
  return share(known, row?.n ?? 0)
}
/** Of the sites' days on which something was produced, the share of which something could be compared. */
async function dayCoverage(warehouse: Warehouse, scope: DataScope, ask: Ask, known: number): Promise<number> {
  if (known === 0) return 0
  const [row] = await warehouse.query<{ n: number }>(
    sql`SELECT count() AS n FROM rollup_site_1d AS r FINAL WHERE ${allOf([...conditions(ask), dated(ask, ask.bucket === '1mo'), sql`energy_wh > 0`])}`,
    { scope, lane: 'light' },
  )
  return share(known, row?.n ?? 0)
}

/** The upper bound of a chart: what a clear sky would give. Never a loss, and nothing over days. */
async function clearSky(warehouse: Warehouse, scope: DataScope, ask: Ask, site: RegistrySite): Promise<Part> {
  const nothing: Part = { source: NOT_MEASURED, points: [], coverage: 0 }
  const { from, to, bucket } = ask
  if (bucket === '1d' || bucket === '1mo' || to - from > MAX_FINE_MS) return nothing
  const plant = plantOf(site)
  if (clearSkyPower(plant, from) === undefined) return nothing
  const [row] = await warehouse.query<{ factor: number; n: number }>(
    sql`SELECT argMax(factor, r.ts) AS factor, count() AS n FROM expected_site_5m AS r FINAL
      WHERE ${allOf([...conditions(ask), during({ from: from - 42 * DAY_MS, to })])}`,
    { scope, lane: 'light' },
  )
  const factor = row && row.n > 0 ? row.factor : 1
  const least = bucket === 'raw' ? BUCKET_MS : BUCKET_WIDTH_MS[bucket]
  const step = Math.max(least, Math.ceil((to - from) / widthOf(ask) / BUCKET_MS) * BUCKET_MS)
  const points: GaugePoint[] = []
  for (let ts = Math.floor(from / step) * step; ts < to; ts += step) {
    let sum = 0
    for (let at = ts; at < ts + step; at += BUCKET_MS) sum += clearSkyPower(plant, at + BUCKET_MS / 2, factor)!
    const avg = (sum * BUCKET_MS) / step
    points.push({ ts, avg, min: avg, max: avg })
  }
  return { source: 'clear sky', points, coverage: 1 }
}

export interface ExpectedTotals {
  /** Wh that was expected and made over the time that could be compared, and what of it was lost. */
  expectedEnergyWh: number
  comparedEnergyWh: number
  lossWh: number
}
/** Totals of a site over a stretch of time; undefined where nothing could be compared. */
export async function expectedTotals(
  warehouse: Warehouse,
  scope: DataScope,
  request: { tenantId: TenantId; siteId: SiteId; from: number; to: number },
): Promise<ExpectedTotals | undefined> {
  const [row] = await warehouse.query<{ n: number; expected: number; compared: number; loss: number }>(
    sql`SELECT count() AS n, sum(expected_wh) AS expected, sum(compared_wh) AS compared, sum(loss_wh) AS loss FROM expected_site_5m AS r FINAL
      WHERE tenant_id = ${id(request.tenantId)} AND site_id = ${id(request.siteId)} AND ${during({ from: request.from, to: request.to - 999 })} AND expected_wh IS NOT NULL`,
    { scope, lane: 'heavy' },
  )
  return row && row.n > 0
    ? { expectedEnergyWh: row.expected, comparedEnergyWh: row.compared, lossWh: row.loss }
    : undefined
}
