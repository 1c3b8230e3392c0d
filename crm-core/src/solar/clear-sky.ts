/** How much light a clear sky lets through, and how light is divided into beam and sky. */
const DEGREE = Math.PI / 180
/** Solar constant, W/m² (ASTM E490 gives 1366.1). */
const SOLAR_CONSTANT = 1366.1
const YEAR_MS = 365.242_19 * 86_400_000

/**
 * Global horizontal irradiance of a clear sky, W/m². Haurwitz, "Insolation in relation to cloudiness and cloud density",
 * Journal of Meteorology 2 (1945), with the constants of Reno, Hansen and Stein, SAND2012-2389: 1098 cos z exp(-0.059 / cos z).
 * @param cosZenith cosine of the sun's zenith angle, without refraction; 0 and below is night
 */
export function haurwitzClearSkyGhi(cosZenith: number): number {
  return cosZenith <= 0 ? 0 : 1098 * cosZenith * Math.exp(-0.059 / cosZenith)
}

/**
 * Irradiance on a plane that faces the sun outside of the atmosphere, W/m². Spencer, "Fourier series representation of the
 * position of the sun", Search 2 (1971).
 * @param ts UTC milliseconds
 */
export function extraterrestrialIrradiance(ts: number): number {
  const year = new Date(ts).getUTCFullYear()
  const angle = (2 * Math.PI * (ts - Date.UTC(year, 0, 1))) / YEAR_MS
  const distance =
    1.00011 +
    0.034221 * Math.cos(angle) +
    0.00128 * Math.sin(angle) +
    0.000719 * Math.cos(2 * angle) +
    0.000077 * Math.sin(2 * angle)
  return SOLAR_CONSTANT * distance
}

/**
 * Share of the horizontal irradiance that comes from the sky rather than from the sun. Erbs, Klein and Duffie, "Estimation of the
 * diffuse radiation fraction for hourly, daily and monthly-average global radiation", Solar Energy 28 (1982).
 * @param clearness kt: horizontal irradiance over the extraterrestrial one on the same plane
 */
export function erbsDiffuseFraction(clearness: number): number {
  const kt = Math.max(0, clearness)
  if (kt <= 0.22) return 1 - 0.09 * kt
  if (kt > 0.8) return 0.165
  return 0.9511 - 0.1604 * kt + 4.388 * kt ** 2 - 16.638 * kt ** 3 + 12.336 * kt ** 4
}

/** Irradiance in W/m²: on the horizontal, of the beam on a plane that faces the sun, of the sky on the horizontal. */
export interface SkyIrradiance {
  ghi: number
  dni: number
  dhi: number
}

/** Below this the beam that follows from a small horizontal part would be mostly rounding: 85 degrees from the zenith. */
const MIN_COS_ZENITH = Math.cos(85 * DEGREE)

/**
 * Beam and sky of a horizontal irradiance, by Erbs.
 * @param ghi W/m²
 * @param cosZenith cosine of the sun's zenith angle
 * @param extraterrestrial W/m² on a plane that faces the sun
 */
export function splitIrradiance(ghi: number, cosZenith: number, extraterrestrial: number): SkyIrradiance {
  if (ghi <= 0 || cosZenith <= 0) return { ghi: Math.max(0, ghi), dni: 0, dhi: Math.max(0, ghi) }
  const clearness = ghi / (extraterrestrial * Math.max(cosZenith, 0.065))
  const dhi = ghi * erbsDiffuseFraction(Math.min(clearness, 1))
  if (cosZenith < MIN_COS_ZENITH) return { ghi, dni: 0, dhi: ghi }
  return { ghi, dni: (ghi - dhi) / cosZenith, dhi }
}
