export * from './counter.ts'
export * from './data-quality.ts'
export * from './device-buckets.ts'
export * from './device-fold.ts'
export * from './expected.ts'
export * from './expected-calibration.ts'
export * from './expected-facts.ts'
export {
  CLEAR_SKY_POWER,
  EXPECTED_METRICS,
  EXPECTED_POWER,
  expectedSeries,
  expectedTotals,
  isExpectedSum,
  type ExpectedTotals,
} from './expected-series.ts'
export * from './local-days-sql.ts'
export * from './local-time.ts'
export * from './message-outcomes.ts'
export * from './reading-row.ts'
export * from './readings.ts'
export * from './site-curves.ts'
export * from './site-production.ts'
export * from './soiling.ts'
export * from './sql.ts'
export * from './strings.ts'
export * from './verdict.ts'
export * from './weather-hours.ts'
export { BUCKET_MS, bucketOf, type Place } from './spread.ts'
export { METRIC_NAMES_OF_FOLD } from './fold-columns.ts'
export { warehouseCurve } from './raw-curves.ts'
export { groupNear, joinNear, joinRanges, NEAR_MS, type Range } from './near-ranges.ts'
export type { RawSource } from './raw-rows.ts'
export { foldDevice, recompute, type RecomputeJob, type Recomputed } from './recompute.ts'
export { coverageOf, type CoverageRequest } from './coverage.ts'
export { fleetEnergyToday } from './fleet-energy.ts'
export { kpi, type Kpi, type KpiRequest } from './kpi.ts'
export {
  MAX_WIDTH,
  seriesQuery,
  type GaugePoint,
  type Series,
  type SeriesRequest,
  type SeriesResult,
  type SeriesTarget,
  type SumPoint,
} from './series.ts'
export { SERIES_BUCKETS, type SeriesBucket } from './series-plan.ts'
