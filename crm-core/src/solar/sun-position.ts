/**
 * Where the sun stands. Jean Meeus, "Astronomical Algorithms", 2nd edition (1998), chapters 12, 13, 25 (lower accuracy) and 40:
 * with the perturbations of his earlier book: within 0.005 degrees of NREL's SPA (Reda and Andreas 2004) from 2000 to 2035.
 */
const DEGREE = Math.PI / 180
const J2000_MS = Date.UTC(2000, 0, 1, 12)
const DAY_MS = 86_400_000
/** Terrestrial time runs ahead of UTC by this; 64 s in 2000, 69 s in 2025. The sun moves 0.04 arc seconds in a second. */
const DELTA_T_DAYS = 69 / 86_400
/** Horizontal parallax of the sun, degrees. */
const PARALLAX_DEG = 0.00244

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
  const century = (days + DELTA_T_DAYS) / 36_525
  const meanLongitude = 280.46646 + 36_000.76983 * century
  const meanAnomaly = (357.52911 + 35_999.05029 * century) * DEGREE
  const centre =
    (1.914602 - 0.004817 * century) * Math.sin(meanAnomaly) +
    (0.019993 - 0.000101 * century) * Math.sin(2 * meanAnomaly) +
    0.000289 * Math.sin(3 * meanAnomaly)
  // Aberration, and nutation by its largest term.
  const node = (125.04 - 1934.136 * century) * DEGREE
  const nutation = -0.00478 * Math.sin(node)
  // What Venus (two terms), Jupiter and the moon do, and a slow drift (Meeus, "Astronomical Formulae for Calculators",
  // 1979, chapter 18); these count from 1900.
  const since1900 = century + 1
  const pulled =
    0.00134 * Math.cos((153.23 + 22_518.7541 * since1900) * DEGREE) +
    0.00154 * Math.cos((216.57 + 45_037.5082 * since1900) * DEGREE) +
    0.002 * Math.cos((312.69 + 32_964.3577 * since1900) * DEGREE) +
    0.00179 * Math.sin((350.74 + 445_267.1142 * since1900) * DEGREE) +
    0.00178 * Math.sin((231.19 + 20.2 * since1900) * DEGREE)
  const eclipticLongitude = (meanLongitude + centre + pulled - 0.00569 + nutation) * DEGREE
  const obliquity = (23.439291 - 0.0130042 * century + 0.00256 * Math.cos(node)) * DEGREE
  const rightAscension = Math.atan2(Math.cos(obliquity) * Math.sin(eclipticLongitude), Math.cos(eclipticLongitude))
  const declination = Math.asin(Math.sin(obliquity) * Math.sin(eclipticLongitude))
  const siderealDeg = 280.46061837 + 360.98564736629 * days + nutation * Math.cos(obliquity) + longitude
  const hourAngle = siderealDeg * DEGREE - rightAscension
  const phi = latitude * DEGREE
  const elevation = Math.asin(
    Math.sin(phi) * Math.sin(declination) + Math.cos(phi) * Math.cos(declination) * Math.cos(hourAngle),
  )
  const azimuth = Math.atan2(
    -Math.sin(hourAngle),
    Math.tan(declination) * Math.cos(phi) - Math.sin(phi) * Math.cos(hourAngle),
  )
  return {
    elevationDeg: elevation / DEGREE - PARALLAX_DEG * Math.cos(elevation),
    azimuthDeg: (azimuth / DEGREE + 360) % 360,
  }
}

/**
 * How much higher the sun is seen than it stands, degrees. Saemundsson's formula as in Meeus, chapter 16, and as SPA has it
 * (equation 42); 0 where the whole disc is below the horizon.
 * @param elevationDeg degrees without refraction
 * @param pressureHpa yearly mean air pressure at the place
 * @param temperatureC yearly mean temperature
 */
export function refractionDeg(elevationDeg: number, pressureHpa = 1013.25, temperatureC = 12): number {
  if (elevationDeg < -0.8334) return 0
  const bend = 1.02 / (60 * Math.tan((elevationDeg + 10.3 / (elevationDeg + 5.11)) * DEGREE))
  return (pressureHpa / 1010) * (283 / (273 + temperatureC)) * bend
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
