/** From the light on the ground to the light on a tilted plane. */
import type { SkyIrradiance } from './clear-sky.ts'
import type { SunPosition } from './sun-position.ts'

const DEGREE = Math.PI / 180
/** Share of the light that the ground throws back: grass, gravel, roofs. */
export const GROUND_ALBEDO = 0.2
/** Nothing divides by a smaller cosine of the zenith angle than that of 89 degrees. */
const MIN_COS_ZENITH = Math.cos(89 * DEGREE)

export interface Plane {
  /** Compass degrees clockwise from north that the plane faces: 180 is south. */
  azimuthDeg: number
  /** Degrees from the horizontal. */
  tiltDeg: number
}

/**
 * Cosine of the angle between the sun and a plane's normal; negative where the sun is behind the plane. Duffie and Beckman, "Solar
 * Engineering of Thermal Processes", equation 1.6.3.
 */
export function incidenceCosine({ elevationDeg, azimuthDeg }: SunPosition, plane: Plane): number {
  const zenith = (90 - elevationDeg) * DEGREE
  const tilt = plane.tiltDeg * DEGREE
  const projection =
    Math.cos(tilt) * Math.cos(zenith) +
    Math.sin(tilt) * Math.sin(zenith) * Math.cos((azimuthDeg - plane.azimuthDeg) * DEGREE)
  return Math.min(1, Math.max(-1, projection))
}

/** Angle between the sun and a plane's normal, degrees. */
export const incidenceAngleDeg = (sun: SunPosition, plane: Plane): number =>
  Math.acos(incidenceCosine(sun, plane)) / DEGREE

/**
 * Irradiance in a plane, W/m²: beam, sky and ground. The sky is that of Hay and Davies, "Calculations of the solar radiation
 * incident on an inclined surface" (1980): its brightness around the sun goes with the beam, the rest is even.
 * @param extraterrestrial W/m² on a plane that faces the sun
 * @param albedo share that the ground throws back
 */
export function planeIrradiance(
  sky: SkyIrradiance,
  sun: SunPosition,
  plane: Plane,
  extraterrestrial: number,
  albedo = GROUND_ALBEDO,
): number {
  const incidence = Math.max(0, incidenceCosine(sun, plane))
  const cosZenith = Math.sin(sun.elevationDeg * DEGREE)
  const cosTilt = Math.cos(plane.tiltDeg * DEGREE)
  const anisotropy = Math.min(1, Math.max(0, sky.dni / extraterrestrial))
  const towardsSun = incidence / Math.max(cosZenith, MIN_COS_ZENITH)
  const beam = sky.dni * incidence
  const diffuse = sky.dhi * (anisotropy * towardsSun + ((1 - anisotropy) * (1 + cosTilt)) / 2)
  const ground = (sky.ghi * albedo * (1 - cosTilt)) / 2
  return Math.max(0, beam + diffuse + ground)
}
