/** Which stored resolution answers a question, and what each metric is there. */
import { isMetric, METRICS, ProblemError } from '@heliograph/crm-core/contracts'
import { ROLLUP_GAUGES, type RollupGauge } from './device-fold.ts'

export const SERIES_BUCKETS = ['auto', 'raw', '5m', '1h', '1d', '1mo'] as const
export type SeriesBucket = (typeof SERIES_BUCKETS)[number]
export type StoredBucketWidth = '5m' | '1h' | '1d' | '1mo'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
export const BUCKET_WIDTH_MS: Record<StoredBucketWidth, number> = {
  '5m': 300_000,
  '1h': HOUR_MS,
  '1d': DAY_MS,
  '1mo': 30.44 * DAY_MS,
}

/** Amounts per bucket. */
export const SUMS = { energy_wh: 'Energy', import_wh: 'Grid import', export_wh: 'Grid export' } as const
export type SumMetric = keyof typeof SUMS
export const isSum = (name: string): name is SumMetric => Object.hasOwn(SUMS, name)
export const isRollupGauge = (name: string): name is RollupGauge => (ROLLUP_GAUGES as readonly string[]).includes(name)

/** Powers of several sites add up; of the rest the mean is told. */
export const ADDITIVE: ReadonlySet<string> = new Set([
  'ac_power_w',
  'dc_power_w',
  'pv_power_w',
  'grid_power_w',
  'load_power_w',
  'battery_power_w',
])

/** Longest window that raw readings are charted over. */
export const MAX_RAW_MS = 32 * DAY_MS

/** @throws ProblemError for a metric that does not exist, or that only single devices have */
export function checkMetric(metric: string, scope: 'device' | 'sites'): void {
  if (isSum(metric) || isRollupGauge(metric)) return
  if (!isMetric(metric)) throw new ProblemError('invalid_request', `unknown metric ${metric.slice(0, 64)}`)
  if (scope !== 'device') throw new ProblemError('invalid_request', `${metric} is kept per device only`)
}
export function unitOf(metric: string): string {
  return isSum(metric) ? 'Wh' : isMetric(metric) ? METRICS[metric].unit : ''
}

export interface PlanInput {
  scope: 'device' | 'sites'
  metrics: readonly string[]
  from: number
  to: number
  bucket: SeriesBucket
}
/** The resolution for `auto`: curves as fine as a screen can show, bars by the hour, the day and the month. */
export function chooseBucket({ scope, metrics, from, to, bucket }: PlanInput): Exclude<SeriesBucket, 'auto'> {
  const span = to - from
  if (bucket === 'raw') {
    if (scope !== 'device') throw new ProblemError('invalid_request', 'raw values are of one device; ask for bucket=5m')
    if (span > MAX_RAW_MS) throw new ProblemError('too_many_rows', 'raw values are charted over 32 days at most')
    return 'raw'
  }
  if (bucket !== 'auto') return bucket
  if (metrics.every(isSum)) return span <= 49 * HOUR_MS ? '1h' : span <= 93 * DAY_MS ? '1d' : '1mo'
  if (scope === 'device' && span <= 49 * HOUR_MS) return 'raw'
  return span <= 8 * DAY_MS ? '5m' : span <= 93 * DAY_MS ? '1h' : '1d'
}
