/** How an amount of energy that was measured over a stretch of time is laid on five-minute buckets. */
import { sunPosition } from '../solar/sun-position.ts'
import { zoneOffset } from './local-time.ts'

export const BUCKET_MS = 300_000
export const bucketOf = (ts: number): number => Math.floor(ts / BUCKET_MS) * BUCKET_MS

export interface Place {
  timezone: string
  /** Degrees; both or neither. */
  latitude?: number
  longitude?: number
}
type Add = (bucket: number, wh: number) => void

/** Evenly over [from, to). The parts add up to the amount. */
export function spreadEvenly(from: number, to: number, wh: number, add: Add): void {
  const first = bucketOf(from)
  if (to <= from || to <= first + BUCKET_MS) {
    add(first, wh)
    return
  }
  let given = 0
  for (let bucket = first; bucket < to; bucket += BUCKET_MS) {
    const end = Math.min(bucket + BUCKET_MS, to)
    // What is left goes to the last one, so that rounding loses nothing.
    const part = end === to ? wh - given : (wh * (end - Math.max(bucket, from))) / (to - from)
    given += part
    add(bucket, part)
  }
}

/**
 * Over a gap by what the sun would have allowed: the sine of its elevation while it is up. Where the place is unknown the
 * local hours 6 to 20; where neither falls into the gap, evenly. The parts add up to the amount.
 */
export function spreadBySun(from: number, to: number, wh: number, place: Place, add: Add): void {
  const first = bucketOf(from)
  const count = Math.ceil((to - first) / BUCKET_MS)
  const weights = new Float64Array(count)
  let sum = 0
  for (let index = 0; index < count; index++) {
    const bucket = first + index * BUCKET_MS
    const start = Math.max(bucket, from)
    const end = Math.min(bucket + BUCKET_MS, to)
    const weight = Math.max(0, expected((start + end) / 2, place)) * (end - start)
    weights[index] = weight
    sum += weight
  }
  if (sum <= 0) {
    spreadEvenly(from, to, wh, add)
    return
  }
  let last = count - 1
  while (weights[last] === 0) last -= 1
  let given = 0
  for (let index = 0; index <= last; index++) {
    if (weights[index] === 0) continue
    const part = index === last ? wh - given : (wh * weights[index]!) / sum
    given += part
    add(first + index * BUCKET_MS, part)
  }
}

function expected(ts: number, { timezone, latitude, longitude }: Place): number {
  if (latitude !== undefined && longitude !== undefined)
    return Math.sin((sunPosition(ts, latitude, longitude).elevationDeg * Math.PI) / 180)
  const hour = new Date(ts + zoneOffset(timezone, ts)).getUTCHours()
  return hour >= 6 && hour < 20 ? 1 : 0
}
