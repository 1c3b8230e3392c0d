/**
 * What counts once: which of a site's devices make up its numbers at an instant. Production comes from the designated
 * production meter where that has data, else from the leaf inverters, else from gateway totals; never from two levels.
 */
import type { DeviceId, DeviceKind, DeviceRole, DeviceRolePeriod, RegistryDevice } from '@heliograph/crm-core/contracts'
import { holds } from '../registry/registry.ts'
import { ROLLUP_GAUGES, type EnergyMethod, type GaugeValue, type RollupGauge } from './device-fold.ts'

export type ProductionSource = 'meter' | 'inverters' | 'gateway'
/** What one device contributes: a bucket of it, or its last reading. */
export interface DeviceValues {
  energyWh?: number
  method?: EnergyMethod | 'mixed'
  estimatedWh?: number
  importWh?: number
  exportWh?: number
  gauges: Partial<Record<RollupGauge, GaugeValue>>
}
export interface SiteValues {
  energyWh?: number
  method?: EnergyMethod | 'mixed'
  estimatedWh: number
  importWh?: number
  exportWh?: number
  /** Where production comes from: that of the energy where there is any, else of the power. */
  source?: ProductionSource
  gauges: Partial<Record<RollupGauge, GaugeValue>>
}
export interface ProductionChoice {
  source: ProductionSource
  devices: RegistryDevice[]
}

/**
 * The role of a device at an instant. History from before its first period (an import, the replay of a claim) is judged by
 * that first role; after the last one it has none.
 */
export function roleAt(device: RegistryDevice, at: number): DeviceRole {
  let first: DeviceRolePeriod | undefined
  for (const period of device.roles) {
    if (holds(period, at)) return period.role
    if (!first || period.from < first.from) first = period
  }
  return first && at < first.from ? first.role : 'none'
}

/**
 * The devices whose sum is the site's production at an instant; undefined where none of them has data.
 * @param devices all that stood on the site at that instant
 */
export function productionSources(
  devices: readonly RegistryDevice[],
  at: number,
  hasData: (device: RegistryDevice) => boolean,
): ProductionChoice | undefined {
  const producing = devices.filter((device) => roleAt(device, at) === 'production')
  const meters = producing.filter(({ kind }) => kind === 'meter')
  const metersWithData = meters.filter(hasData)
  const inverters = leaves(producing.filter((device) => device.kind === 'inverter' && hasData(device)))
  // One of several meters is missing: their sum would be too small, the inverters are whole.
  const metersWhole = metersWithData.length === meters.length || inverters.length === 0
  if (metersWithData.length > 0 && metersWhole) return { source: 'meter', devices: metersWithData }
  if (inverters.length > 0) return { source: 'inverters', devices: inverters }
  const gateways = leaves(producing.filter((device) => device.kind === 'gateway' && hasData(device)))
  return gateways.length > 0 ? { source: 'gateway', devices: gateways } : undefined
}

/** Those that stand over none of the others. */
function leaves(devices: RegistryDevice[]): RegistryDevice[] {
  if (devices.every(({ parentId }) => parentId === undefined)) return devices
  const parents = new Set<DeviceId | undefined>()
  const byId = new Map(devices.map((device) => [device.id, device]))
  for (const device of devices) {
    // Up the whole chain, with an end even where somebody made it a circle.
    const seen = new Set<DeviceId>([device.id])
    for (let id = device.parentId; id && !seen.has(id); id = byId.get(id)?.parentId) {
      seen.add(id)
      parents.add(id)
    }
  }
  return devices.filter(({ id }) => !parents.has(id))
}

const POWERS = ['ac_power_w', 'dc_power_w', 'pv_power_w'] as const
const OTHER_GAUGES = ROLLUP_GAUGES.filter((name) => !(POWERS as readonly string[]).includes(name))
const ROLE_OF: Partial<Record<RollupGauge, DeviceRole>> = {
  grid_power_w: 'grid',
  load_power_w: 'load',
  battery_power_w: 'battery',
  battery_soc_pct: 'battery',
  irradiance_wm2: 'irradiance',
}
const SUMMED = new Set<RollupGauge>(['grid_power_w', 'load_power_w', 'battery_power_w'])

/** A site's numbers at an instant from those of its devices. The same for buckets and for live sums. */
export function combineSite(
  devices: readonly RegistryDevice[],
  at: number,
  valuesOf: (device: RegistryDevice) => DeviceValues | undefined,
): SiteValues {
  const values = new Map<RegistryDevice, DeviceValues>()
  for (const device of devices) {
    const found = valuesOf(device)
    if (found) values.set(device, found)
  }
  const result: SiteValues = { estimatedWh: 0, gauges: {} }
  const energyOf = (device: RegistryDevice): number | undefined => {
    const found = values.get(device)
    // A production meter that counts both ways exports what the plant makes.
    return found?.energyWh ?? (device.kind === 'meter' ? found?.exportWh : undefined)
  }
  const energy = productionSources(devices, at, (device) => energyOf(device) !== undefined)
  if (energy) {
    const methods = new Set(energy.devices.map((device) => values.get(device)!.method ?? 'counter'))
    result.energyWh = energy.devices.reduce((sum, device) => sum + energyOf(device)!, 0)
    result.estimatedWh = energy.devices.reduce((sum, device) => sum + (values.get(device)!.estimatedWh ?? 0), 0)
    result.method = methods.size === 1 ? [...methods][0]! : 'mixed'
  }
  const powerOf = (device: RegistryDevice): GaugeValue | undefined => {
    const gauges = values.get(device)?.gauges
    return gauges?.ac_power_w ?? gauges?.pv_power_w
  }
  const power = productionSources(devices, at, (device) => powerOf(device) !== undefined)
  const source = energy?.source ?? power?.source
  if (source) result.source = source
  if (power) {
    result.gauges.ac_power_w = sum(power.devices.map((device) => powerOf(device)!))
    for (const name of POWERS.slice(1)) {
      const parts = power.devices.map((device) => values.get(device)?.gauges[name])
      // The DC side of some of the inverters alone would look like a loss.
      if (parts.every((part) => part !== undefined)) result.gauges[name] = sum(parts)
    }
  }
  const heard: Heard[] = []
  for (const [device, of] of values) heard.push({ kind: device.kind, role: roleAt(device, at), values: of })
  for (const name of OTHER_GAUGES) {
    const parts = speakers(heard, ROLE_OF[name], (of) => of.gauges[name])
    if (parts.length > 0) result.gauges[name] = SUMMED.has(name) ? sum(parts) : mean(parts)
  }
  for (const name of ['importWh', 'exportWh'] as const) {
    const parts = speakers(heard, 'grid', (of) => of[name])
    if (parts.length > 0) result[name] = parts.reduce((total, part) => total + part, 0)
  }
  return result
}

interface Heard {
  kind: DeviceKind
  role: DeviceRole
  values: DeviceValues
}
/** Who speaks for the site: the devices of that role; without any, the others level by level; a meter of another role never. */
const LEVELS: ((device: Heard, role: DeviceRole | undefined) => boolean)[] = [
  ({ role: own }, role) => role !== undefined && own === role,
  ({ kind }) => kind === 'weather',
  ({ kind }) => kind === 'gateway',
  ({ kind }) => kind === 'inverter',
  ({ kind }) => kind !== 'meter',
]
function speakers<T>(
  heard: readonly Heard[],
  role: DeviceRole | undefined,
  read: (values: DeviceValues) => T | undefined,
): T[] {
  const having = heard.filter((device) => device.role !== 'none' && read(device.values) !== undefined)
  if (having.length === 0) return []
  for (const belongs of LEVELS) {
    const level = having.filter((device) => belongs(device, role))
    if (level.length > 0) return level.map((device) => read(device.values)!)
  }
  return []
}

function sum(parts: readonly GaugeValue[]): GaugeValue {
  const total = { avg: 0, min: 0, max: 0 }
  for (const part of parts) {
    total.avg += part.avg
    total.min += part.min
    total.max += part.max
  }
  return total
}
function mean(parts: readonly GaugeValue[]): GaugeValue {
  return {
    avg: parts.reduce((total, part) => total + part.avg, 0) / parts.length,
    min: Math.min(...parts.map(({ min }) => min)),
    max: Math.max(...parts.map(({ max }) => max)),
  }
}
