/** From the light on a plane to alternating current: cell temperature, PVWatts. */

/** Irradiance and cell temperature at which a rating holds (standard test conditions). */
export const STANDARD_IRRADIANCE_WM2 = 1000
export const STANDARD_CELL_TEMPERATURE_C = 25
/** Change of power per degree of a crystalline module, 1/K. */
export const DEFAULT_GAMMA_PER_K = -0.0035

/**
 * Temperature of the cells, °C. Faiman, "Assessing the outdoor operating temperature of photovoltaic modules", Progress in
 * Photovoltaics 16 (2008): T = Ta + G / (u0 + u1 v).
 * @param irradianceWm2 in the plane of the modules
 * @param ambientC air
 * @param windMs at module height
 * @param u0 W/(m² K); @param u1 W/(m² K) per m/s
 */
export function faimanCellTemperature(
  irradianceWm2: number,
  ambientC: number,
  windMs: number,
  u0 = 25,
  u1 = 6.84,
): number {
  return ambientC + irradianceWm2 / (u0 + u1 * windMs)
}

/**
 * Direct-current power by PVWatts (Dobos, "PVWatts Version 5 Manual", NREL/TP-6A20-62641, 2014), in the unit of the rating.
 * @param irradianceWm2 in the plane of the modules
 * @param cellC temperature of the cells
 * @param peakPower rating at standard test conditions
 * @param gammaPerK change of power per degree, negative
 */
export function pvwattsDcPower(
  irradianceWm2: number,
  cellC: number,
  peakPower: number,
  gammaPerK = DEFAULT_GAMMA_PER_K,
): number {
  const thermal = 1 + gammaPerK * (cellC - STANDARD_CELL_TEMPERATURE_C)
  return Math.max(0, (irradianceWm2 / STANDARD_IRRADIANCE_WM2) * peakPower * thermal)
}

/** PVWatts' losses of a system, percent each. */
export interface SystemLosses {
  soiling: number
  shading: number
  snow: number
  mismatch: number
  wiring: number
  connections: number
  lightInducedDegradation: number
  nameplateRating: number
  age: number
  availability: number
}
/** PVWatts' defaults, but that being out of order is not expected: 11.4182 % together. */
export const DEFAULT_LOSSES: SystemLosses = {
  soiling: 2,
  shading: 3,
  snow: 0,
  mismatch: 2,
  wiring: 2,
  connections: 0.5,
  lightInducedDegradation: 1.5,
  nameplateRating: 1,
  age: 0,
  availability: 0,
}
/** Losses together, percent: each takes its share of what the others leave (PVWatts manual, equation 12). */
export function pvwattsLosses(losses: Partial<SystemLosses> = {}): number {
  let left = 1
  for (const percent of Object.values({ ...DEFAULT_LOSSES, ...losses })) left *= 1 - percent / 100
  return 100 * (1 - left)
}

/** PVWatts' nominal efficiency of an inverter, and that of the reference inverter its curve was made from. */
const NOMINAL_EFFICIENCY = 0.96
const REFERENCE_EFFICIENCY = 0.9637

/**
 * Alternating-current power by PVWatts' inverter (manual, section 8), in the unit of its arguments; never above the capacity.
 * @param dcPower after the losses of the system
 * @param acCapacity what the inverter gives at most
 */
export function pvwattsAcPower(dcPower: number, acCapacity: number, nominalEfficiency = NOMINAL_EFFICIENCY): number {
  if (dcPower <= 0 || acCapacity <= 0) return 0
  const load = dcPower / (acCapacity / nominalEfficiency)
  const efficiency = (nominalEfficiency / REFERENCE_EFFICIENCY) * (-0.0162 * load - 0.0059 / load + 0.9858)
  return Math.min(acCapacity, Math.max(0, dcPower * efficiency))
}
