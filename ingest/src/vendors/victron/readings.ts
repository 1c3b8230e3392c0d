import type { DecodedReading, DeviceAttributes } from '@heliograph/crm-core/contracts'
import type { Rejection } from '../../vendor.ts'
import {
  type DeviceWindow,
  finiteOf,
  integerOf,
  reading,
  type ReadingBuilder,
  valueIn,
} from '../../vocabulary/index.ts'
import {
  CHARGER_ERRORS,
  chargerStatus,
  inverterStatus,
  PV_INVERTER_TEXTS,
  pvInverterStatus,
  STATE_TEXTS,
  VEBUS_ERRORS,
} from './codes.ts'
import { charger, dcLoad, genset, grid, load, meteo, temperature } from './meters.ts'
import {
  errors,
  extras,
  type Get,
  METER_PHASES,
  metric,
  phasePaths,
  phases,
  type Put,
  putMissingSum,
  type Service,
  state,
  sumOf,
  used,
} from './service.ts'

/** Texts that say who the device is; they outlive the windows. */
export const FACTS: ReadonlySet<string> = new Set(['Serial', 'ProductName', 'CustomName', 'FirmwareVersion'])

/** Trackers of one charger: `Pv/0/V`, `Pv/0/P`, … */
const TRACKERS: Record<string, Put> = Object.fromEntries(
  Array.from({ length: 8 }, (_, tracker): [string, Put][] => [
    [`Pv/${tracker}/V`, (built, value) => built.dc(tracker, { voltage_v: value })],
    [`Pv/${tracker}/I`, (built, value) => built.dc(tracker, { current_a: value })],
    [`Pv/${tracker}/P`, (built, value) => built.dc(tracker, { power_w: value })],
  ]).flat(),
)

const pvinverter: Service = {
  kind: 'inverter',
  paths: {
    'Ac/Power': metric('ac_power_w'),
    'Ac/Energy/Forward': metric('energy_total_wh', 1000),
    'Ac/Frequency': metric('frequency_hz'),
    'Ac/PowerFactor': metric('power_factor'),
    ...METER_PHASES,
    ...extras('Ac/MaxPower', 'Ac/PowerLimit', 'Position'),
    ...used('StatusCode', 'ErrorCode', 'Ac/L1/Frequency', 'NrOfPhases'),
  },
  finish(built, get) {
    putMissingSum(built, get, 'ac_power_w')
    if (get('Ac/Frequency') === undefined) built.metric('frequency_hz', get('Ac/L1/Frequency'))
    errors(built, get('ErrorCode'), {})
    const code = get('StatusCode')
    if (code !== undefined)
      built.status(pvInverterStatus(code)).extra('status_code', code).extra('status_text', PV_INVERTER_TEXTS[code])
  },
}

/** `Yield/Power` is what the modules make: the charger has no AC side. */
const SOLAR: Record<string, Put> = {
  'Yield/Power': (built, value) => built.metric('pv_power_w', value).metric('dc_power_w', value),
  'Yield/System': metric('energy_total_wh', 1000),
  'History/Daily/0/Yield': metric('energy_day_wh', 1000),
  ...TRACKERS,
  ...used('Yield/User', 'Pv/V', 'Pv/I', 'MppOperationMode', 'DeviceOffReason', 'State', 'ErrorCode'),
}
function finishSolar(built: ReadingBuilder, get: Get): void {
  // One tracker: its voltage is Pv/V and its power the whole yield. With several, Pv/V is null and Pv/<n>/… has them.
  if (get('Pv/V') !== undefined && get('Pv/0/V') === undefined) {
    built.dc(0, { voltage_v: get('Pv/V'), current_a: get('Pv/I'), power_w: get('Yield/Power') })
  }
  if (get('Yield/System') === undefined) built.metric('energy_total_wh', get('Yield/User'), 1000)
  errors(built, get('ErrorCode'), CHARGER_ERRORS)
}
const solarcharger: Service = {
  kind: 'inverter',
  paths: {
    ...SOLAR,
    ...extras('Dc/0/Voltage', 'Dc/0/Current', 'Dc/0/Power', 'Dc/0/Temperature', 'Load/I', 'History/Daily/0/MaxPower'),
  },
  finish(built, get) {
    finishSolar(built, get)
    const mode = get('MppOperationMode')
    state(built, get, (code) => chargerStatus(code, mode, get('DeviceOffReason')))
  },
}

/** Battery seen from the inverter or the monitor: the vendor counts charging as positive, we count discharging. */
const batteryPower: Record<string, Put> = {
  'Dc/0/Power': metric('battery_power_w', -1),
  Soc: metric('battery_soc_pct'),
  ...extras('Dc/0/Voltage', 'Dc/0/Current', 'Dc/0/Temperature'),
}
const OUTPUT_PHASES = phases('Ac/Out/L#', { voltage_v: 'V', current_a: 'I', power_w: 'P' })

const vebus: Service = {
  kind: 'inverter',
  paths: {
    ...batteryPower,
    ...OUTPUT_PHASES,
    ...extras('Ac/ActiveIn/ActiveInput', 'Mode', 'Ac/ActiveIn/L1/V', 'Ac/ActiveIn/L1/I'),
    ...used('Ac/ActiveIn/P', 'Ac/Out/P', 'Ac/NumberOfPhases', 'State', 'VebusError', 'Ac/Out/L1/F', 'Ac/ActiveIn/L1/F'),
    ...used(...phasePaths('Ac/ActiveIn/L#/P')),
  },
  finish(built, get) {
    built.metric('grid_power_w', get('Ac/ActiveIn/P') ?? sumOf(get, 'Ac/ActiveIn/L#/P', get('Ac/NumberOfPhases')))
    built.metric('load_power_w', get('Ac/Out/P') ?? sumOf(get, 'Ac/Out/L#/P', get('Ac/NumberOfPhases')))
    built.metric('frequency_hz', get('Ac/Out/L1/F') || get('Ac/ActiveIn/L1/F'))
    errors(built, get('VebusError'), VEBUS_ERRORS)
    state(built, get, inverterStatus)
  },
}

/** Multi RS and Inverter RS: an inverter/charger with trackers of its own. */
const multi: Service = {
  kind: 'inverter',
  paths: {
    ...SOLAR,
    ...batteryPower,
    ...OUTPUT_PHASES,
    ...extras('Mode'),
    ...used(
      'Ac/Out/L1/F',
      'Ac/In/1/P',
      ...phasePaths('Ac/In/1/L#/P'),
      ...phasePaths('Ac/ActiveIn/L#/P'),
      'Ac/ActiveIn/P',
      'Ac/Out/P',
    ),
  },
  finish(built, get) {
    finishSolar(built, get)
    built.metric(
      'grid_power_w',
      get('Ac/ActiveIn/P') ?? sumOf(get, 'Ac/ActiveIn/L#/P') ?? get('Ac/In/1/P') ?? sumOf(get, 'Ac/In/1/L#/P'),
    )
    built.metric('load_power_w', get('Ac/Out/P') ?? sumOf(get, 'Ac/Out/L#/P'))
    built.metric('frequency_hz', get('Ac/Out/L1/F'))
    state(built, get, inverterStatus)
  },
}

const battery: Service = {
  kind: 'battery',
  paths: {
    ...batteryPower,
    ...extras(
      'Soh',
      'TimeToGo',
      'ConsumedAmphours',
      'Capacity',
      'History/ChargedEnergy',
      'History/DischargedEnergy',
      'History/ChargeCycles',
    ),
    ...extras('System/MinCellVoltage', 'System/MaxCellVoltage', 'Info/MaxChargeCurrent', 'Info/MaxDischargeCurrent'),
    ...used('ErrorCode'),
  },
  finish(built, get) {
    const voltage = get('Dc/0/Voltage')
    const current = get('Dc/0/Current')
    if (get('Dc/0/Power') === undefined && voltage !== undefined && current !== undefined) {
      built.metric('battery_power_w', Math.round(-voltage * current * 10) / 10)
    }
    errors(built, get('ErrorCode'), {})
  },
}

/** Where inverters on the AC side may sit. */
const PV_SIDES = ['Grid', 'Output', 'Genset'] as const
/** The whole site, as the GX device adds it up. */
const system: Service = {
  kind: 'gateway',
  paths: {
    'Dc/Battery/Power': metric('battery_power_w', -1),
    'Dc/Battery/Soc': metric('battery_soc_pct'),
    ...extras('Dc/Battery/Voltage', 'Dc/Battery/Current', 'Dc/System/Power', 'SystemState/State', 'Ac/ActiveIn/Source'),
    ...used(
      'Dc/Pv/Power',
      ...PV_SIDES.flatMap((side) => [`Ac/PvOn${side}/NumberOfPhases`, ...phasePaths(`Ac/PvOn${side}/L#/Power`)]),
    ),
    ...used(
      'Ac/Grid/NumberOfPhases',
      'Ac/Consumption/NumberOfPhases',
      ...phasePaths('Ac/Grid/L#/Power'),
      ...phasePaths('Ac/Consumption/L#/Power'),
      ...phasePaths('Ac/Genset/L#/Power'),
    ),
  },
  finish(built, get) {
    const shares = [
      get('Dc/Pv/Power'),
      ...PV_SIDES.map((side) => sumOf(get, `Ac/PvOn${side}/L#/Power`, get(`Ac/PvOn${side}/NumberOfPhases`))),
    ]
    const known = shares.filter((share) => share !== undefined)
    if (known.length > 0)
      built.metric('pv_power_w', Math.round(known.reduce((sum, share) => sum + share, 0) * 1000) / 1000)
    built.metric('grid_power_w', sumOf(get, 'Ac/Grid/L#/Power', get('Ac/Grid/NumberOfPhases')))
    built.metric('load_power_w', sumOf(get, 'Ac/Consumption/L#/Power', get('Ac/Consumption/NumberOfPhases')))
    built.extra('Ac/Genset/Power', sumOf(get, 'Ac/Genset/L#/Power'))
    const code = get('SystemState/State')
    if (code !== undefined) built.extra('status_text', STATE_TEXTS[code])
  },
}
const SERVICES: ReadonlyMap<string, Service> = new Map(
  Object.entries({
    pvinverter,
    solarcharger,
    vebus,
    multi,
    inverter: multi,
    grid,
    battery,
    system,
    meteo,
    acload: load('meter'),
    heatpump: load('meter'),
    evcharger: load('charger'),
    genset,
    charger,
    temperature,
    dcload: dcLoad,
    dcsystem: dcLoad,
  }),
)

/** Alarms of any service, by name, some of one phase: 0 none, 1 warning, 2 alarm. */
const ALARM = /^Alarms\/((?:L[123]\/)?[A-Za-z0-9]{1,40})$/
const COMMON = new Set(['Connected'])

/** Whether a value at this path is of use: other paths are not gathered, so that a portal's state stays small. */
export const isKept = (service: string, path: string): boolean => {
  const known = SERVICES.get(service)
  return known !== undefined && (Object.hasOwn(known.paths, path) || COMMON.has(path) || ALARM.test(path))
}

/** The window's reading, or undefined while nothing worth a row is known. */
export function buildReading(
  service: string,
  device: string,
  window: DeviceWindow,
  rejected: Rejection[],
): DecodedReading | undefined {
  const known = SERVICES.get(service)
  if (!known) return undefined
  const built = reading(device, { ts: window.start, tsSource: 'arrival' }, rejected)
  const get: Get = (path) => finiteOf(valueIn(window, path))
  for (const path of Object.keys(window.values)) {
    const value = valueIn(window, path)
    if (Object.hasOwn(known.paths, path)) {
      known.paths[path]?.(built, value)
      continue
    }
    const alarm = ALARM.exec(path)?.[1]
    if (alarm === undefined) continue
    const level = integerOf(value)
    built.noFault()
    if (level === 1 || level === 2)
      built.fault(alarm, level === 1 ? 'Warning' : 'Alarm', level === 1 ? 'minor' : 'major')
  }
  known.finish?.(built, get)
  if (get('Connected') === 0) {
    built.status('unreachable').quality('stale')
  }
  return built.isTelling ? built.attributes(attributesOf(known, device, window)).build() : undefined
}

function attributesOf(service: Service, device: string, window: DeviceWindow): DeviceAttributes {
  const { Serial, ProductName, CustomName, FirmwareVersion } = window.facts ?? {}
  const portal = device.slice(0, device.indexOf('/'))
  const facts: { [K in keyof DeviceAttributes]: DeviceAttributes[K] | undefined } = {
    kind: service.kind,
    serial: Serial,
    model: ProductName,
    name: CustomName,
    firmware: FirmwareVersion,
    parent: service.kind === 'gateway' ? undefined : `${portal}/system/0`,
  }
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined && value !== ''))
}
