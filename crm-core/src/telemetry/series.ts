/**
 * Charts: a window, a width, some metrics, of one device or of a set of sites. The engine thins to the width and keeps
 * extremes; a page, a report, an export and the API all ask here, so a number is the same everywhere.
 */
import {
  ProblemError,
  type CurveSource,
  type DataScope,
  type DeviceId,
  type Metric,
  SeriesError,
  type SiteId,
  type Sql,
  type TenantId,
  type Warehouse,
} from '@heliograph/crm-core/contracts'
import { coverageOf } from './coverage.ts'
import { deviceBuckets } from './device-buckets.ts'
import { dayStart, localDate } from './local-time.ts'
import { warehouseCurve } from './raw-curves.ts'
import {
  ADDITIVE,
  BUCKET_WIDTH_MS,
  checkMetric,
  chooseBucket,
  isRollupGauge,
  isSum,
  MAX_RAW_MS,
  unitOf,
  type SeriesBucket,
  type StoredBucketWidth,
} from './series-plan.ts'
import { bucketOf } from './spread.ts'
import { allOf, id, identifier, join, list, second, sql } from './sql.ts'

export type SeriesTarget =
  | { kind: 'device'; deviceId: DeviceId }
  /** Absent ids: every site of the tenant, for callers whose rights cover it. */
  | { kind: 'sites'; siteIds?: readonly SiteId[] }
export interface SeriesRequest {
  tenantId: TenantId
  target: SeriesTarget
  /** Zone that days and months of the answer are told in. */
  timezone: string
  metrics: readonly string[]
  /** UTC milliseconds, `to` exclusive. */
  from: number
  to: number
  /** Points that fit, 1 to 10 000. */
  width: number
  bucket: SeriesBucket
  now: number
}
export interface GaugePoint {
  ts: number
  avg: number
  min: number
  max: number
}
export interface SumPoint {
  ts: number
  /** The sites' local day (or first of the month), for buckets of a day or more. */
  date?: string
  sum: number
}
export interface Series {
  metric: string
  unit: string
  /** Where the numbers come from: `meter`, `inverters`, `gateway`, `mixed` for sites; how energy was counted for a device. */
  source: string
  points: (GaugePoint | SumPoint)[]
  /** Share of the expected readings that is there, 0 to 1. */
  coverage: number
}
export interface SeriesResult {
  bucket: Exclude<SeriesBucket, 'auto'>
  timezone: string
  series: Series[]
}

export const MAX_WIDTH = 10_000
const MAX_METRICS = 12
/** Hours or days of a big fleet are summed before they are thinned: so many buckets at most. */
const MAX_POINTS = 100_000

/** @throws ProblemError for what cannot be asked, WarehouseError from the store */
export async function seriesQuery(
  warehouse: Warehouse,
  scope: DataScope,
  request: SeriesRequest,
  /** Asked for raw curves as far back as it reaches. */
  curves?: CurveSource,
): Promise<SeriesResult> {
  const { target, from, to, metrics } = request
  if (!(to > from)) throw new ProblemError('invalid_request', '`to` must be later than `from`')
  if (metrics.length === 0 || metrics.length > MAX_METRICS)
    throw new ProblemError('invalid_request', `ask for 1 to ${MAX_METRICS} metrics`)
  for (const metric of metrics) checkMetric(metric, target.kind)
  const bucket = chooseBucket({ scope: target.kind, metrics, from, to, bucket: request.bucket })
  const width = Math.min(Math.max(1, Math.floor(request.width)), MAX_WIDTH)
  const ask = { ...request, width }
  const [coverage, ...series] = await Promise.all([
    coverageOf(warehouse, scope, request),
    ...metrics.map((metric) => one({ warehouse, curves }, scope, ask, metric, bucket)),
  ])
  return { bucket, timezone: request.timezone, series: series.map((item) => ({ ...item, coverage })) }
}

interface Stores {
  warehouse: Warehouse
  curves?: CurveSource
}
async function one(
  stores: Stores,
  scope: DataScope,
  request: SeriesRequest,
  metric: string,
  bucket: SeriesResult['bucket'],
): Promise<Omit<Series, 'coverage'>> {
  const unit = unitOf(metric)
  if (isSum(metric))
    return { metric, unit, ...(await sums(stores.warehouse, scope, request, metric, bucket === 'raw' ? '5m' : bucket)) }
  const raw = bucket === 'raw' || !isRollupGauge(metric)
  if (raw && request.to - request.from > MAX_RAW_MS)
    throw new ProblemError('too_many_rows', `${metric} is kept raw only; ask for 32 days at most`)
  return {
    metric,
    unit,
    ...(raw
      ? await rawGauge(stores, scope, request, metric as Metric, bucket)
      : await gauge(stores.warehouse, scope, request, metric, bucket)),
  }
}

/** Where numbers come from, as bits: comparing words row by row would cost more than adding the numbers up. */
const ORIGINS = ['meter', 'inverters', 'gateway', 'counter', 'interval', 'power', 'mixed'] as const
const originBits = (column: Sql): Sql =>
  join(
    ORIGINS.map((name, bit) => sql`max(${column} = ${name}) * ${2 ** bit}`),
    ' + ',
  )
function originOf(bits: readonly number[]): string {
  const all = bits.reduce((found, some) => found | some, 0)
  const names = ORIGINS.filter((_, bit) => (all >> bit) & 1)
  return names.length === 0 ? 'none' : names.length === 1 ? names[0]! : 'mixed'
}

interface Bucketed {
  at: number
  avg: number
  min: number
  max: number
  src: number
}
/** Raw values of a device, each pixel with its mean and its extremes. */
async function rawGauge(
  { warehouse, curves }: Stores,
  scope: DataScope,
  request: SeriesRequest,
  metric: Metric,
  bucket: SeriesResult['bucket'],
): Promise<{ source: string; points: GaugePoint[] }> {
  const { tenantId, target, from, to, width, now } = request
  if (target.kind !== 'device') throw new ProblemError('invalid_request')
  const stepMs = Math.max(Math.ceil((to - from) / width), bucket === 'raw' ? 1 : BUCKET_WIDTH_MS[bucket])
  const ask = { tenantId, deviceId: target.deviceId, metric, from, to, stepMs }
  if (curves && from >= now - curves.reachMs) {
    try {
      return { source: 'device', points: await curves.curve(ask) }
    } catch (error) {
      // The warehouse has the same values; that the engine is down is told elsewhere.
      if (!(error instanceof SeriesError)) throw error
    }
  }
  return { source: 'device', points: await warehouseCurve(warehouse, scope, ask) }
}

const tableOf = (target: SeriesTarget, bucket: StoredBucketWidth): Sql =>
  identifier(`rollup_${target.kind === 'device' ? 'device' : 'site'}_${bucket}`)
/** Amounts of single buckets, as a table to select from. */
function amountsOf({ tenantId, target, from, to }: SeriesRequest, bucket: StoredBucketWidth): Sql {
  if (target.kind !== 'device' || bucket !== '5m') return sql`${tableOf(target, bucket)} AS r FINAL`
  return deviceBuckets(tenantId, [target.deviceId], { from: bucketOf(from), to: to + 999 })
}
function where({ tenantId, target, from, to, timezone }: SeriesRequest, bucket: StoredBucketWidth): Sql {
  // A day belongs to the window when the window touches it; sites of other zones begin theirs at other instants.
  const dated = bucket === '1d' || bucket === '1mo'
  const firstDate = localDate(timezone, from)
  const lastDate = localDate(timezone, to - 1)
  return allOf([
    sql`tenant_id = ${id(tenantId)}`,
    target.kind === 'device'
      ? sql`device_id = ${id(target.deviceId)}`
      : target.siteIds
        ? sql`site_id IN ${list(target.siteIds)}`
        : undefined,
    ...(dated
      ? [
          sql`r.ts >= ${second(from - 32 * 86_400_000)} AND r.ts < ${second(to + 2 * 86_400_000)}`,
          sql`r.date >= toDate(${bucket === '1mo' ? `${firstDate.slice(0, 7)}-01` : firstDate}) AND r.date <= toDate(${lastDate})`,
        ]
      : [sql`r.ts >= ${second(from - (from % BUCKET_WIDTH_MS[bucket]))} AND r.ts < ${second(to + 999)}`]),
  ])
}

async function gauge(
  warehouse: Warehouse,
  scope: DataScope,
  request: SeriesRequest,
  metric: string,
  bucket: StoredBucketWidth,
): Promise<{ source: string; points: GaugePoint[] }> {
  const { target, from, to, width, timezone } = request
  const [avg, min, max] = (['avg', 'min', 'max'] as const).map((part) => identifier(`${metric}_${part}`)) as [
    Sql,
    Sql,
    Sql,
  ]
  const many = target.kind === 'sites'
  const dated = bucket === '1d' || bucket === '1mo'
  const slot = dated ? sql`r.date` : sql`r.ts`
  const found = sql`FROM ${tableOf(target, bucket)} AS r FINAL WHERE ${where(request, bucket)} AND ${avg} IS NOT NULL`
  const additive = ADDITIVE.has(metric)
  const [mean, least, most] = additive ? [sql`sum`, sql`sum`, sql`sum`] : [sql`avg`, sql`min`, sql`max`]
  const perBucket = many
    ? sql`SELECT toUnixTimestamp(min(r.ts)) * 1000 AS at, toString(${slot}) AS date, ${mean}(${avg}) AS a, ${least}(${min}) AS lo,
        ${most}(${max}) AS hi, ${originBits(sql`source`)} AS src ${found} GROUP BY ${slot}`
    : sql`SELECT toUnixTimestamp(r.ts) * 1000 AS at, toString(${slot}) AS date, ${avg} AS a, ${min} AS lo, ${max} AS hi, 0 AS src ${found}`
  const fits = (to - from) / BUCKET_WIDTH_MS[bucket] <= width
  const step = Math.max(Math.ceil((to - from) / width), 1000)
  const rows = await warehouse.query<Bucketed & { date: string }>(
    fits
      ? sql`SELECT at, date, a AS avg, lo AS min, hi AS max, src FROM (${perBucket}) ORDER BY at`
      : sql`SELECT min(s.at) AS at, min(s.date) AS date, avg(a) AS avg, min(lo) AS min, max(hi) AS max, groupBitOr(toUInt8(s.src)) AS src
          FROM (${perBucket}) AS s GROUP BY intDiv(toInt64(s.at) - ${from}, ${step}) ORDER BY at`,
    { scope, lane: 'light', maxRows: MAX_POINTS },
  )
  const points = rows.map(({ at, avg, min, max, date }) => ({
    ts: dated ? dayStart(timezone, date) : at,
    ...(dated ? { date } : {}),
    avg,
    min,
    max,
  }))
  return { source: many ? originOf(rows.map(({ src }) => src)) : 'device', points }
}

async function sums(
  warehouse: Warehouse,
  scope: DataScope,
  request: SeriesRequest,
  metric: string,
  bucket: StoredBucketWidth,
): Promise<{ source: string; points: SumPoint[] }> {
  const { target, from, to, width, timezone } = request
  const value = identifier(metric)
  const dated = bucket === '1d' || bucket === '1mo'
  const slot = dated ? sql`r.date` : sql`r.ts`
  const origin =
    metric === 'energy_wh' ? originBits(target.kind === 'device' ? sql`energy_method` : sql`source`) : sql`8`
  const perSlot = sql`SELECT ${slot} AS slot, sum(${value}) AS wh, ${origin} AS src
    FROM ${amountsOf(request, bucket)} WHERE ${where(request, bucket)} AND ${value} IS NOT NULL GROUP BY slot`
  if (dated) {
    const rows = await warehouse.query<{ slot: string; wh: number; src: number }>(sql`${perSlot} ORDER BY slot`, {
      scope,
      lane: 'light',
      maxRows: MAX_POINTS,
    })
    return {
      source: originOf(rows.map(({ src }) => src)),
      points: rows.map(({ slot: date, wh }) => ({ ts: dayStart(timezone, date), date, sum: wh })),
    }
  }
  // Whole buckets together where there are more than fit; amounts add up.
  const step = Math.ceil((to - from) / width / BUCKET_WIDTH_MS[bucket]) * BUCKET_WIDTH_MS[bucket]
  const rows = await warehouse.query<{ at: number; wh: number; src: number }>(
    sql`SELECT toUnixTimestamp(min(slot)) * 1000 AS at, sum(wh) AS wh, groupBitOr(toUInt8(src)) AS src
      FROM (${perSlot}) GROUP BY intDiv(toInt64(toUnixTimestamp(slot)) * 1000, ${step}) ORDER BY at`,
    { scope, lane: 'light', maxRows: MAX_POINTS },
  )
  return { source: originOf(rows.map(({ src }) => src)), points: rows.map(({ at, wh }) => ({ ts: at, sum: wh })) }
}
