/**
 * What a plant should give under a sky: transposition for each array, cell temperature, PVWatts DC and inverter. The sky is either
 * measured, or a clear one dimmed by an index (1: clear, 0.1: heavy cloud); a power can be turned back into that index, which makes
 * every healthy plant a sensor for its neighbours. Formulas and sources: `clear-sky.ts`, `transposition.ts`, `plant-power.ts`.
 */
import { extraterrestrialIrradiance, haurwitzClearSkyGhi, splitIrradiance, type SkyIrradiance } from './clear-sky.ts'
import { faimanCellTemperature, pvwattsAcPower, pvwattsDcPower, pvwattsLosses } from './plant-power.ts'
import { sunPosition, type SunPosition } from './sun-position.ts'
import { planeIrradiance, type Plane } from './transposition.ts'

export interface PlantArray extends Plane {
  /** Rating at standard test conditions, W. */
  peakPowerW: number
}
export interface Plant {
  /** Degrees, north and east positive; both or neither. */
  latitude?: number
  longitude?: number
  /** Rating of the whole plant, W; used where the arrays are not known. */
  peakPowerW?: number
  /** What its inverters give together at most, W. */
  acCapacityW?: number
  arrays?: readonly PlantArray[]
}
export interface PlantWeather {
  /** Air, °C. */
  ambientC?: number
  /** m/s. */
  windMs?: number
  /** Measured back of a module, °C: taken for the cells' where known. */
  moduleC?: number
}
/** The sun over a place at an instant. */
export interface SolarGeometry {
  sun: SunPosition
  cosZenith: number
  /** W/m² on a plane that faces the sun. */
  extraterrestrial: number
  /** Haurwitz, W/m². */
  clearGhi: number
}

/** Where no weather is known: a mild day with a light wind. The site's calibration takes up the mean of the difference. */
const DEFAULT_AMBIENT_C = 20
const DEFAULT_WIND_MS = 1
const SYSTEM_LEFT = 1 - pvwattsLosses() / 100
/** Edges of clouds can be brighter than a clear sky. */
export const MAX_SKY_INDEX = 1.4
const DEGREE = Math.PI / 180

/** @param ts UTC milliseconds */
export function solarGeometry(ts: number, latitude: number, longitude: number): SolarGeometry {
  const sun = sunPosition(ts, latitude, longitude)
  const cosZenith = Math.sin(sun.elevationDeg * DEGREE)
  return {
    sun,
    cosZenith,
    extraterrestrial: extraterrestrialIrradiance(ts),
    clearGhi: haurwitzClearSkyGhi(cosZenith),
  }
}

export const peakPowerOf = ({ arrays = [], peakPowerW }: Plant): number | undefined => {
  const summed = arrays.reduce((sum, array) => sum + array.peakPowerW, 0)
  return summed > 0 ? summed : peakPowerW !== undefined && peakPowerW > 0 ? peakPowerW : undefined
}

/** Whether a sky can be turned into this plant's power: its place and at least one array are known. */
export const knowsItsSky = (plant: Plant): boolean =>
  plant.latitude !== undefined &&
  plant.longitude !== undefined &&
  (plant.arrays ?? []).some(({ peakPowerW }) => peakPowerW > 0)

function dcOf(irradianceWm2: number, peakPowerW: number, weather: PlantWeather): number {
  const cell =
    weather.moduleC ??
    faimanCellTemperature(
      irradianceWm2,
      weather.ambientC ?? DEFAULT_AMBIENT_C,
      Math.max(0, weather.windMs ?? DEFAULT_WIND_MS),
    )
  return pvwattsDcPower(irradianceWm2, cell, peakPowerW) * SYSTEM_LEFT
}
function acOf(plant: Plant, dcW: number, factor: number): number {
  // Without a capacity of its own a plant's inverters are as large as its modules.
  return pvwattsAcPower(dcW * factor, plant.acCapacityW ?? peakPowerOf(plant) ?? 0)
}

/**
 * AC power under a sky, W.
 * @param factor calibration of the site
 */
export function powerUnderSky(
  plant: Plant,
  geometry: SolarGeometry,
  sky: SkyIrradiance,
  weather: PlantWeather = {},
  factor = 1,
): number {
  if (geometry.cosZenith <= 0) return 0
  let dc = 0
  for (const array of plant.arrays ?? [])
    dc += dcOf(planeIrradiance(sky, geometry.sun, array, geometry.extraterrestrial), array.peakPowerW, weather)
  return acOf(plant, dc, factor)
}

/** AC power, W, under a clear sky that is dimmed to this index. */
export const powerUnderIndex = (
  plant: Plant,
  geometry: SolarGeometry,
  index: number,
  weather?: PlantWeather,
  factor?: number,
): number => powerUnderSky(plant, geometry, dimmed(geometry, index), weather, factor)

const dimmed = ({ clearGhi, cosZenith, extraterrestrial }: SolarGeometry, index: number): SkyIrradiance =>
  splitIrradiance(clearGhi * index, cosZenith, extraterrestrial)

/** AC power, W, of a plant whose arrays all have the measured irradiance. */
export function powerUnderPlaneIrradiance(
  plant: Plant,
  irradianceWm2: number,
  weather: PlantWeather = {},
  factor = 1,
): number | undefined {
  const peak = peakPowerOf(plant)
  return peak === undefined ? undefined : acOf(plant, dcOf(Math.max(0, irradianceWm2), peak, weather), factor)
}

/**
 * AC power under a clear sky, W: an upper bound for a chart, never what is expected. Undefined where place or arrays are unknown.
 * @param ts UTC milliseconds
 */
export function clearSkyPower(plant: Plant, ts: number, factor = 1): number | undefined {
  if (!knowsItsSky(plant)) return undefined
  return powerUnderIndex(plant, solarGeometry(ts, plant.latitude!, plant.longitude!), 1, {}, factor)
}

/** The index at which `at(index)` reaches a value; it must not fall. Undefined where the value is out of reach. */
function indexWhere(value: number, at: (index: number) => number): number | undefined {
  if (!(value >= 0) || value > at(MAX_SKY_INDEX) * 1.05) return undefined
  let low = 0
  let high = MAX_SKY_INDEX
  for (let step = 0; step < 14; step++) {
    const middle = (low + high) / 2
    if (at(middle) < value) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** The sky index that a plant's power tells. */
export const indexOfPower = (
  plant: Plant,
  geometry: SolarGeometry,
  powerW: number,
  weather?: PlantWeather,
  factor?: number,
): number | undefined => indexWhere(powerW, (index) => powerUnderIndex(plant, geometry, index, weather, factor))

/** The sky index that an irradiance measured in a plane tells. */
export const indexOfPlaneIrradiance = (
  plane: Plane,
  geometry: SolarGeometry,
  irradianceWm2: number,
): number | undefined =>
  indexWhere(irradianceWm2, (index) =>
    planeIrradiance(dimmed(geometry, index), geometry.sun, plane, geometry.extraterrestrial),
  )

/** Whether arrays look at different parts of the sky, so that one sensor does not speak for all. */
export function hasSeveralPlanes(arrays: readonly PlantArray[]): boolean {
  const [first] = arrays
  return (
    first !== undefined &&
    arrays.some(
      ({ azimuthDeg, tiltDeg }) =>
        Math.abs(tiltDeg - first.tiltDeg) > 10 || Math.abs(((azimuthDeg - first.azimuthDeg + 540) % 360) - 180) > 20,
    )
  )
}
export const largestArray = (arrays: readonly PlantArray[]): PlantArray | undefined =>
  arrays.reduce<PlantArray | undefined>(
    (largest, array) => (largest && largest.peakPowerW >= array.peakPowerW ? largest : array),
    undefined,
  )
