export * from './counter.ts'
export * from './device-fold.ts'
export * from './local-time.ts'
export * from './reading-row.ts'
export * from './readings.ts'
export * from './site-production.ts'
export * from './sql.ts'
export { BUCKET_MS, bucketOf, type Place } from './spread.ts'
export { METRIC_NAMES_OF_FOLD } from './fold-columns.ts'
export type { Range, RawSource } from './raw-rows.ts'
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
