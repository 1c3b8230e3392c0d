/** Ticks of a time axis at round wall times of the site's zone, so that midnight is the site's midnight and clock changes are honest. */
import { clock, DAY, HOUR, MINUTE, offsetAt, wallToInstant } from '../format/times.ts'

const STEPS = [
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
  28 * DAY,
] as const

/** Distance between ticks so that at most `most` of them fit. */
export function tickStep(from: number, to: number, most: number): number {
  return STEPS.find((step) => (to - from) / step <= Math.max(1, most)) ?? 28 * DAY
}

/** Instants of the ticks within [from, to]. */
export function timeTicks(from: number, to: number, zone: string, most: number): number[] {
  const step = tickStep(from, to, most)
  const wallFrom = from + offsetAt(from, zone)
  const wallTo = to + offsetAt(to, zone)
  // Steps of several days start at the first midnight in sight; shorter ones divide the day.
  const start = step > DAY ? Math.ceil(wallFrom / DAY) * DAY : Math.ceil(wallFrom / step) * step
  const ticks: number[] = []
  for (let wall = start; wall <= wallTo; wall += step) {
    const ts = wallToInstant(wall, zone)
    if (ts >= from && ts <= to && ts !== ticks.at(-1)) ticks.push(ts)
  }
  return ticks
}

const dayFormats = new Map<string, Intl.DateTimeFormat>()
/** `14:05` within a day, `3 Mar` at midnight. */
export function tickLabel(ts: number, zone: string, locale: string): string {
  const wall = ts + offsetAt(ts, zone)
  if (wall % DAY !== 0) return clock(ts, zone, locale)
  const key = `${locale}|${zone}`
  let format = dayFormats.get(key)
  if (!format) {
    format = new Intl.DateTimeFormat(locale, { timeZone: zone, day: 'numeric', month: 'short' })
    dayFormats.set(key, format)
  }
  return format.format(ts)
}
