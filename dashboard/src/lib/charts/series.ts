/** Series as the API answers them, read into numbers. */
import { toMs } from '../format/times.ts'

export interface ApiPoint {
  ts: string | number
  avg?: number | null
  min?: number | null
  max?: number | null
  sum?: number | null
  date?: string
}
export interface ApiSeries {
  metric: string
  unit: string
  source?: string | null
  points: ApiPoint[]
  coverage?: number | null
}
export interface SeriesAnswer {
  scope: string
  bucket: string
  timezone: string
  series: ApiSeries[]
}

export interface GaugePoint {
  ts: number
  avg: number
  min: number
  max: number
}

/** Points of a gauge in order of time; those without a value are left out, they are gaps. */
export function gaugePoints(series: ApiSeries | undefined): GaugePoint[] {
  const points: GaugePoint[] = []
  for (const point of series?.points ?? []) {
    const ts = toMs(point.ts)
    const avg = point.avg
    if (!Number.isFinite(ts) || avg === null || avg === undefined || !Number.isFinite(avg)) continue
    points.push({ ts, avg, min: point.min ?? avg, max: point.max ?? avg })
  }
  return points.sort((a, b) => a.ts - b.ts)
}

const BUCKETS: Readonly<Record<string, number>> = {
  '5m': 300_000,
  '1h': 3_600_000,
  '1d': 86_400_000,
  '1mo': 31 * 86_400_000,
}

/**
 * Expected distance between points: the bucket's length, or for raw data (and thinned data, whose points lie wider apart than
 * the bucket says) the middle of the distances seen.
 */
export function pointDistance(points: readonly { ts: number }[], bucket: string): number {
  const distances: number[] = []
  for (let index = 1; index < points.length; index++) distances.push(points[index]!.ts - points[index - 1]!.ts)
  distances.sort((a, b) => a - b)
  const middle = distances[Math.floor(distances.length / 2)] ?? 0
  return Math.max(BUCKETS[bucket] ?? 60_000, middle)
}

/** A gap is worth showing from two and a half missing distances: one late message is none. */
export const GAP_FACTOR = 2.5

/** Cuts a curve where data is missing: never a line across what was not measured. */
export function withGaps<Point extends { ts: number }>(
  points: readonly Point[],
  distance: number,
): (Point | { ts: number; gap: true })[] {
  const out: (Point | { ts: number; gap: true })[] = []
  let before: number | undefined
  for (const point of points) {
    if (before !== undefined && point.ts - before > distance * GAP_FACTOR) out.push({ ts: before + 1, gap: true })
    out.push(point)
    before = point.ts
  }
  return out
}

/** Length of all gaps within the points, in milliseconds. */
export function gapTime(points: readonly { ts: number }[], distance: number): number {
  let sum = 0
  for (let index = 1; index < points.length; index++) {
    const apart = points[index]!.ts - points[index - 1]!.ts
    if (apart > distance * GAP_FACTOR) sum += apart - distance
  }
  return sum
}

/** The point nearest to an instant, if it is no further away than given. */
export function nearest<Point extends { ts: number }>(
  points: readonly Point[],
  ts: number,
  within: number,
): Point | undefined {
  let low = 0
  let high = points.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (points[middle]!.ts < ts) low = middle + 1
    else high = middle
  }
  const candidates = [points[low - 1], points[low]].filter((point): point is Point => point !== undefined)
  const best = candidates.sort((a, b) => Math.abs(a.ts - ts) - Math.abs(b.ts - ts))[0]
  return best && Math.abs(best.ts - ts) <= within ? best : undefined
}
