/**
 * A day of a demo plant in steps of five minutes (long ago of half an hour): what each inverter gives under the sky of its place by the same model that
 * expectations come from, what the house uses, what battery and grid take and give. Computed once a day; history and live values are
 * both read from it.
 */
import {
  faimanCellTemperature,
  planeIrradiance,
  pvwattsAcPower,
  pvwattsDcPower,
  pvwattsLosses,
  solarGeometry,
  splitIrradiance,
} from '@heliograph/crm-core'
import type { DemoDevice, DemoSite } from './plan.ts'
import { airTemperature, DAY_MS, hash, skyIndex, solarTime } from './sky.ts'
import { cleanness, deadInput, isFaulty, isMounted, isWithoutGrid, limitOf } from './troubles.ts'

export const STEP_MS = 300_000
export const STEPS = DAY_MS / STEP_MS
const HOUR_MS = 3_600_000
/** Days kept at five minutes; what is older came by the hour, and is made in steps of half an hour. */
export const FINE_DAYS = 35
const COARSE_STEP_MS = 6 * STEP_MS
const SYSTEM_LEFT = 1 - pvwattsLosses() / 100

/** One value a step of the day. */
type Curve = Float64Array
export interface SiteDay {
  /** Start of the first step, UTC milliseconds: midnight by the sun, on a step of the clock. */
  start: number
  stepMs: number
  /** By index of the site's devices; of what produces. */
  power: (Curve | undefined)[]
  /** Before the inverter, W. */
  dc: (Curve | undefined)[]
  load: Curve
  /** Positive: discharge. */
  battery: Curve
  soc: Curve
  /** Positive: import. */
  grid: Curve
  irradiance: Curve
  air: Curve
  module: Curve
}

export const dayNumber = (site: DemoSite, ts: number): number => Math.floor(solarTime(ts, site.longitude) / DAY_MS)
export const dayBegin = (site: DemoSite, day: number): number =>
  Math.ceil((day * DAY_MS - (site.longitude / 360) * DAY_MS) / STEP_MS) * STEP_MS

/** Sites and their inverters differ by a few percent, always the same way. */
const siteQuality = (site: DemoSite): number => 0.96 + 0.08 * hash(`${site.name}/site`)
const deviceQuality = (device: DemoDevice): number => 0.99 + 0.02 * hash(device.serial)

/** @param day by `dayNumber` @param seededAt start of the demo: its troubles are told from it */
export function siteDay(site: DemoSite, day: number, seededAt: number): SiteDay {
  const start = dayBegin(site, day)
  const stepMs = day < dayNumber(site, seededAt) - FINE_DAYS ? COARSE_STEP_MS : STEP_MS
  const steps = DAY_MS / stepMs
  const curve = (): Curve => new Float64Array(steps)
  const produces = (device: DemoDevice) => device.role === 'production' && device.peakPowerW !== undefined
  const result: SiteDay = {
    start,
    stepMs,
    power: site.devices.map((device) => (produces(device) ? curve() : undefined)),
    dc: site.devices.map((device) => (produces(device) ? curve() : undefined)),
    load: curve(),
    battery: curve(),
    soc: curve(),
    grid: curve(),
    irradiance: curve(),
    air: curve(),
    module: curve(),
  }
  const quality = site.devices.map((device) => siteQuality(site) * deviceQuality(device))
  // The evening before left it like this; what is charged and drawn in a day follows from there.
  let stored = 0.25 * (site.batteryWh ?? 0)
  for (let step = 0; step < steps; step++) {
    const ts = start + step * stepMs + stepMs / 2
    const air = airTemperature(site, ts)
    const light = arraysAt(site, ts, air)
    const isOff = isWithoutGrid(site, ts, seededAt)
    const left = SYSTEM_LEFT * cleanness(site, ts, seededAt)
    const limit = (limitOf(site, ts, seededAt) ?? 100) / 100
    let made = 0
    for (const [index, device] of site.devices.entries()) {
      const power = result.power[index]
      if (!power || light.length === 0 || isOff) continue
      if (isFaulty(device, ts, seededAt) || !isMounted(device, ts, seededAt)) continue
      const { irradiance, cell } = light[device.array ?? 0]!
      const dead = deadInput(device, ts, seededAt) === undefined ? 1 : 1 - 1 / device.strings!
      const dc = pvwattsDcPower(irradiance, cell, device.peakPowerW!) * left * quality[index]! * dead
      power[step] = Math.min(pvwattsAcPower(dc, device.acPowerW!), limit * device.acPowerW!)
      // Beyond what the inverter takes the modules are held back.
      result.dc[index]![step] = power[step]! > 0 ? Math.min(dc, power[step]! / 0.955) : 0
      made += power[step]!
    }
    result.air[step] = air
    result.irradiance[step] = light[0]?.irradiance ?? 0
    result.module[step] = (light[0]?.cell ?? air) - 1
    const load = loadAt(site, ts)
    const lack = load - made
    const battery = batteryAt(site, stored, lack, stepMs / HOUR_MS)
    stored -= (battery * stepMs) / HOUR_MS
    result.load[step] = load
    result.battery[step] = battery
    result.soc[step] = site.batteryWh ? (100 * stored) / site.batteryWh : 0
    result.grid[step] = lack - battery
  }
  return result
}

/** Light in the plane of each array, W/m², and its cells, °C; empty at night. */
function arraysAt(site: DemoSite, ts: number, air: number): { irradiance: number; cell: number }[] {
  const geometry = solarGeometry(ts, site.latitude, site.longitude)
  if (geometry.cosZenith <= 0) return []
  const { sun, cosZenith, clearGhi, extraterrestrial } = geometry
  const sky = splitIrradiance(clearGhi * skyIndex(site, ts), cosZenith, extraterrestrial)
  return site.arrays.map((plane) => {
    const irradiance = planeIrradiance(sky, sun, plane, extraterrestrial)
    return { irradiance, cell: faimanCellTemperature(irradiance, air, 1) }
  })
}

/** A house with a morning and an evening, a business with office hours; a few percent of unrest. */
function loadAt(site: DemoSite, ts: number): number {
  const solar = solarTime(ts, site.longitude)
  const hour = ((solar % DAY_MS) / DAY_MS) * 24
  const hill = (at: number, width: number): number => Math.exp(-(((hour - at) / width) ** 2))
  const shape =
    site.customer.kind === 'residential'
      ? 0.45 + 0.9 * hill(7.5, 1.5) + 1.5 * hill(19, 2.5) + 0.5 * hill(12.5, 2)
      : 0.5 + 1.1 * hill(10, 3) + 0.9 * hill(15, 3)
  const unrest = 0.9 + 0.2 * hash(`${site.name}/${Math.floor(solar / (4 * STEP_MS))}`)
  return site.loadW * shape * unrest
}

/** The battery takes a surplus and gives to a lack, within half its capacity an hour; 10 % always stay in it. */
function batteryAt({ batteryWh }: DemoSite, stored: number, lack: number, hours: number): number {
  if (batteryWh === undefined) return 0
  const most = batteryWh / 2
  const power = Math.max(-most, Math.min(most, lack))
  return power > 0
    ? Math.min(power, Math.max(0, stored - 0.1 * batteryWh) / hours)
    : -Math.min(-power, Math.max(0, batteryWh - stored) / hours)
}
