/**
 * Nights at a place, for shading. Low-precision solar position of the Astronomical Almanac (as in NOAA's solar calculator):
 * within a few hundredths of a degree between 1950 and 2050, seconds of sunrise.
 */
import type { Interval } from './types.ts'

const RADIANS = Math.PI / 180
/** J2000.0 in Unix milliseconds. */
const J2000 = Date.UTC(2000, 0, 1, 12)
/** Centre of the sun at sunrise: its half width plus refraction. */
const HORIZON_DEG = -0.833
const SAMPLE_MS = 10 * 60_000
/** Beyond this the shading would be stripes that tell nothing. */
export const LONGEST_SHADED_MS = 10 * 86_400_000

/** Height of the sun above the horizon in degrees. */
export function sunElevation(ts: number, latitude: number, longitude: number): number {
  const days = (ts - J2000) / 86_400_000
  const anomaly = (357.528 + 0.9856003 * days) * RADIANS
  const meanLongitude = 280.46 + 0.9856474 * days
  const ecliptic = (meanLongitude + 1.915 * Math.sin(anomaly) + 0.02 * Math.sin(2 * anomaly)) * RADIANS
  const obliquity = (23.439 - 0.0000004 * days) * RADIANS
  const declination = Math.asin(Math.sin(obliquity) * Math.sin(ecliptic))
  const ascension = Math.atan2(Math.cos(obliquity) * Math.sin(ecliptic), Math.cos(ecliptic)) / RADIANS
  const siderealDeg = 280.46061837 + 360.98564736629 * days + longitude
  const hourAngle = (siderealDeg - ascension) * RADIANS
  const lat = latitude * RADIANS
  return (
    Math.asin(Math.sin(lat) * Math.sin(declination) + Math.cos(lat) * Math.cos(declination) * Math.cos(hourAngle)) /
    RADIANS
  )
}

/** The nights within [from, to], cut at its ends. Empty for ranges too long to shade, and where the sun does not set. */
export function nights(from: number, to: number, latitude: number, longitude: number): Interval[] {
  if (to - from > LONGEST_SHADED_MS || to <= from) return []
  const dark = (ts: number) => sunElevation(ts, latitude, longitude) < HORIZON_DEG
  const found: Interval[] = []
  let start = dark(from) ? from : undefined
  for (let before = from; before < to; before += SAMPLE_MS) {
    const after = Math.min(before + SAMPLE_MS, to)
    if (dark(before) === dark(after)) continue
    const turn = bisect(before, after, dark)
    if (start === undefined) start = turn
    else {
      found.push({ from: start, to: turn })
      start = undefined
    }
  }
  if (start !== undefined) found.push({ from: start, to })
  return found
}

/** Where the answer turns between two instants, to the second. */
function bisect(low: number, high: number, holds: (ts: number) => boolean): number {
  const first = holds(low)
  let a = low
  let b = high
  while (b - a > 1000) {
    const middle = (a + b) / 2
    if (holds(middle) === first) a = middle
    else b = middle
  }
  return Math.round(b)
}
