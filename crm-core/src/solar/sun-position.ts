/**
 * Where the sun stands. The Astronomical Almanac's algorithm as published by Michalsky, "The Astronomical Almanac's
 * algorithm for approximate solar position (1950-2050)", Solar Energy 40 (1988), 227-235: within 0.01 degrees.
 */
const DEGREE = Math.PI / 180
const J2000_MS = Date.UTC(2000, 0, 1, 12)
const DAY_MS = 86_400_000

export interface SunPosition {
  /** Degrees above the horizon, without refraction. */
  elevationDeg: number
  /** Degrees clockwise from north. */
  azimuthDeg: number
}

/**
 * @param ts UTC milliseconds
 * @param latitude degrees, north positive
 * @param longitude degrees, east positive
 */
export function sunPosition(ts: number, latitude: number, longitude: number): SunPosition {
  const days = (ts - J2000_MS) / DAY_MS
  const meanLongitude = (280.46 + 0.9856474 * days) * DEGREE
  const meanAnomaly = (357.528 + 0.9856003 * days) * DEGREE
  const eclipticLongitude = meanLongitude + (1.915 * Math.sin(meanAnomaly) + 0.02 * Math.sin(2 * meanAnomaly)) * DEGREE
  const obliquity = (23.439 - 4e-7 * days) * DEGREE
  const rightAscension = Math.atan2(Math.cos(obliquity) * Math.sin(eclipticLongitude), Math.cos(eclipticLongitude))
  const declination = Math.asin(Math.sin(obliquity) * Math.sin(eclipticLongitude))
  const siderealDeg = 280.46061837 + 360.98564736629 * days + longitude
  const hourAngle = siderealDeg * DEGREE - rightAscension
  const phi = latitude * DEGREE
  const elevation = Math.asin(
    Math.sin(phi) * Math.sin(declination) + Math.cos(phi) * Math.cos(declination) * Math.cos(hourAngle),
  )
  const azimuth = Math.atan2(
    -Math.sin(hourAngle),
    Math.tan(declination) * Math.cos(phi) - Math.sin(phi) * Math.cos(hourAngle),
  )
  return { elevationDeg: elevation / DEGREE, azimuthDeg: (azimuth / DEGREE + 360) % 360 }
}

/** Below this a plant makes nothing worth telling: the sun's upper limb with refraction at the horizon, plus a hand's breadth. */
export const DAYLIGHT_ELEVATION_DEG = 3

/** Whether a site has usable daylight; where its place is unknown, the civil hours 7 to 17 of its own zone. */
export function isDaylight(ts: number, site: { latitude?: number; longitude?: number; timezone: string }): boolean {
  if (site.latitude !== undefined && site.longitude !== undefined)
    return sunPosition(ts, site.latitude, site.longitude).elevationDeg >= DAYLIGHT_ELEVATION_DEG
  const hour = hourIn(site.timezone, ts)
  return hour >= 7 && hour < 17
}

const hourFormats = new Map<string, Intl.DateTimeFormat>()
function hourIn(timezone: string, ts: number): number {
  let format = hourFormats.get(timezone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', { timeZone: timezone, hour: 'numeric', hourCycle: 'h23' })
    hourFormats.set(timezone, format)
  }
  return Number(format.format(ts))
}

/**
 * Milliseconds of daylight between two instants, at a resolution of five minutes: silence is counted by it, so that a
 * logger that sleeps at night is not silent in the morning.
 */
export function daylightMs(from: number, to: number, site: Parameters<typeof isDaylight>[1]): number {
  const step = 300_000
  // Nobody needs to know more than "days of silence".
  const start = Math.max(from, to - 7 * DAY_MS)
  let total = 0
  for (let at = start; at < to; at += step) if (isDaylight(at, site)) total += Math.min(step, to - at)
  return total
}
