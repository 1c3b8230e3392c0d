import type { DecodedReading, Metric } from '@heliograph/crm-core/contracts'
import type { Rejection, VendorMessage } from '../../vendor.ts'
import {
  arrival,
  entriesOf,
  finiteOf,
  integerOf,
  isRecord,
  isSafeKey,
  levelsOf,
  reading,
  wordsOf,
} from '../../vocabulary/index.ts'
import { delivers, OFF_GRID_TEXTS, offGridStatus, operationStatus, stateStatus } from './states.ts'

/**
 * What the free firmware of ShineWiFi sticks publishes (OpenInverterGateway): registers by name, already in W, V, A, Hz, kWh. Names
 * differ with the inverter's register map (1.20, 1.24, 3.05, TL-XH, SPF).
 */
export const isStick = (body: Record<string, unknown>): boolean =>
  Object.hasOwn(body, 'InverterStatus') ||
  (Object.hasOwn(body, 'Mac') && ['OutputPower', 'AcPower', 'OutActivePwr'].some((key) => Object.hasOwn(body, key)))

/**
 * What RS485 adapters with another free program (growatt2mqtt) publish: the same registers in the same units, under names of their own.
 */
const ADAPTER_NAMES: Readonly<Record<string, string>> = {
  status: 'InverterStatus',
  solarpower: 'InputPower',
  outputpower: 'OutputPower',
  gridfrequency: 'GridFrequency',
  gridvoltage: 'GridVoltage',
  energytoday: 'TodayGenerateEnergy',
  energytotal: 'TotalGenerateEnergy',
  tempinverter: 'InverterTemperature',
  tempipm: 'TemperatureInsideIPM',
  tempboost: 'BoostTemperature',
  faultcode: 'InverterFaultMaincode',
}
/** Phases (`gridvoltagel1`) and inputs (`pv1power`) of the same. */
const adapterName = (name: string): string => {
  const phase = /^grid(voltage|current|power)l([123])$/.exec(name)
  const input = /^pv(\d)(voltage|current|power)$/.exec(name)
  const capital = (text = '') => text.charAt(0).toUpperCase() + text.slice(1)
  if (phase) return `L${phase[2]}ThreePhaseGrid${phase[1] === 'voltage' ? '' : 'Output'}${capital(phase[1])}`
  if (input) return `PV${input[1]}${capital(input[2])}`
  return Object.hasOwn(ADAPTER_NAMES, name) ? (ADAPTER_NAMES[name] ?? name) : name
}
export const isAdapter = (body: Record<string, unknown>): boolean =>
  ['solarpower', 'outputpower', 'energytotal'].every((key) => Object.hasOwn(body, key))
export const fromAdapter = (body: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(entriesOf(body).map(([name, value]) => [adapterName(name), value]))

const METRICS: readonly (readonly [Metric, number, ...string[]])[] = [
  ['ac_power_w', 1, 'OutputPower', 'AcPower'],
  ['dc_power_w', 1, 'InputPower', 'PVTotalPower', 'DcPower'],
  ['load_power_w', 1, 'INVPowerToLocalLoadTotal', 'TotalLoadPower', 'INVPowerToLocalLoad', 'OutActivePwr'],
  ['frequency_hz', 1, 'GridFrequency', 'AcFrequency', 'AcFreq', 'LineFrequency'],
  ['reactive_power_var', 1, 'ReactivePower'],
  ['inverter_temp_c', 1, 'InverterTemperature', 'InverterTemp', 'Temperature'],
  ['import_total_wh', 1000, 'EnergyToUserTotal', 'TotalEnergyToUser'],
  ['export_total_wh', 1000, 'EnergyToGridTotal', 'TotalEnergyToGrid'],
]
/** Addresses of sticks by topic: a last will has none. */
export type Sticks = Record<string, string>
const MAX_STICKS = 200

function deviceOf(body: Record<string, unknown>, message: VendorMessage, sticks: Sticks): string {
  const topic = levelsOf(message.topic).join('/').slice(0, 200) || 'growatt'
  const mac = wordsOf(body.Mac, 40)
  if (mac === undefined) return Object.hasOwn(sticks, topic) ? (sticks[topic] ?? topic) : topic
  if (isSafeKey(topic) && (Object.hasOwn(sticks, topic) || Object.keys(sticks).length < MAX_STICKS)) sticks[topic] = mac
  return mac
}
const EXTRAS = [
  'BatteryVoltage',
  'BDCBatteryVoltage',
  'BattVoltage',
  'BatteryTemperature',
  'TemperatureInsideIPM',
  'BoostTemperature',
  'Cnt',
]

export function stickReading(
  body: Record<string, unknown>,
  message: VendorMessage,
  sticks: Sticks,
  rejected: Rejection[],
): DecodedReading[] {
  // The page of the stick has each value with its unit: `"OutputPower": [1203.4, "W", true]`.
  const any = (...names: string[]): unknown =>
    names
      .map((name) => (Array.isArray(body[name]) ? (body[name] as unknown[])[0] : body[name]))
      .find((value) => value !== undefined && value !== null && !isRecord(value))
  const device = deviceOf(body, message, sticks)
  // Also its last will: the inverter does not answer the stick, or the stick is gone.
  if (integerOf(any('InverterStatus')) === -1)
    return [reading(device, arrival(message), rejected).status('unreachable').build()]
  const built = reading(device, arrival(message), rejected).attributes({ kind: 'inverter' })
  for (const [metric, factor, ...names] of METRICS) built.metric(metric, any(...names), factor)
  // Of a hybrid, the AC counter holds what went through the battery as well: there the PV's counter is the production.
  const hybrid = any('SOC', 'BDCStateOfCharge', 'BMSStateOfCharge', 'BattSOC') !== undefined
  if (hybrid) built.metric('pv_power_w', any('PVTotalPower', 'InputPower'))
  const total = ['TotalGenerateEnergy', 'EnergyTotal']
  built.metric('energy_total_wh', hybrid ? any('PVEnergyTotal', ...total) : any(...total, 'PVEnergyTotal'), 1000)
  if (!hybrid || any('PVEnergyTotal') === undefined)
    built.metric('energy_day_wh', any('TodayGenerateEnergy', 'EnergyToday'), 1000)
  else built.metric('energy_day_wh', any('PVEnergyToday') ?? inputsToday(any), 1000)
  for (let i = 1; i <= 8; i++) {
    built.dc(i - 1, {
      voltage_v: any(`PV${i}Voltage`, ...(i === 1 ? ['DcVoltage'] : [])),
      current_a: any(`PV${i}InputCurrent`, `PV${i}Current`, ...(i === 1 ? ['DcInputCurrent'] : [])),
      power_w: any(`PV${i}InputPower`, `PV${i}Power`, `PV${i}ChargePwr`),
    })
  }
  built.sumDc()
  for (let i = 1; i <= 3; i++) {
    const names = (what: string) => [`L${i}ThreePhaseGrid${what}`, ...(i === 1 ? [`Ac${what}`] : [])]
    const volts = any(...names('Voltage'), ...(i === 1 ? ['GridVoltage', 'GridInVoltage'] : []))
    if (i > 1 && (finiteOf(volts) ?? 0) === 0) continue // a phase without voltage is none
    built.ac(i - 1, {
      voltage_v: volts,
      current_a: any(...names('OutputCurrent')),
      power_w: any(...names('OutputPower')),
    })
  }
  putFlows(built, any)
  for (const name of EXTRAS) built.extraNumber(name, any(name))
  const measured = built.measured
  const register = integerOf(any('InverterStatus', 'Status'))
  if (register !== undefined && register >= 0) {
    const code = register % 256 // the TL-XH's upper byte is how it runs
    const offGrid = any('OutActivePwr') !== undefined
    const running = delivers(any('OutputPower', 'AcPower'), any('InputPower', 'PVTotalPower'))
    built.status(offGrid ? offGridStatus(code) : code < 5 ? stateStatus(code) : operationStatus(code, running))
    built.extra('status_code', code).extra('status_text', offGrid ? OFF_GRID_TEXTS[code] : undefined)
  }
  const fault = integerOf(any('InverterFaultMaincode', 'FaultCode'))
  if (fault === 0) built.noFault()
  else if (fault !== undefined && fault > 0) built.fault(fault, undefined, 'major')
  return measured ? [built.build()] : []
}

type Any = (...names: string[]) => unknown
/** Today's energy of a hybrid's inputs, all of the one record. */
function inputsToday(any: Any): number | undefined {
  const today = [1, 2, 3, 4].map((i) => finiteOf(any(`PV${i}EnergyToday`))).filter((one) => one !== undefined)
  return today.length > 0 ? today.reduce((sum, one) => sum + one, 0) : undefined
}

/** Grid and battery have a value for each direction; sticks on plain inverters have neither, or zeros without a battery. */
function putFlows(built: ReturnType<typeof reading>, any: Any): void {
  const difference = (plus: unknown, minus: unknown): number | undefined => {
    const [a, b] = [finiteOf(plus), finiteOf(minus)]
    return a === undefined && b === undefined ? undefined : (a ?? 0) - (b ?? 0)
  }
  built.metric(
    'grid_power_w',
    difference(
      any('ACPowerToUserTotal', 'TotalForwardPower', 'ACPowerToUser', 'ACInPwr'),
      any('ACPowerToGridTotal', 'TotalReversePower', 'ACPowerToGrid'),
    ),
  )
  const soc = any('SOC', 'BDCStateOfCharge', 'BMSStateOfCharge', 'BattSOC')
  const volts = any('BatteryVoltage', 'BDCBatteryVoltage', 'BattVoltage')
  if ((finiteOf(soc) ?? 0) <= 0 && (finiteOf(volts) ?? 0) <= 0) return
  built.metric('battery_soc_pct', soc)
  const flow = difference(
    any('DischargePower', 'BDCDischargePower', 'BatteryDischargePower'),
    any('ChargePower', 'BDCChargePower', 'BatteryChargePower'),
  )
  // The off-grid family has one signed value, on the wire unsigned: + is discharge.
  const signed = finiteOf(any('BattPwr'))
  built.metric(
    'battery_power_w',
    flow ?? (signed !== undefined && signed > 2 ** 31 / 10 ? signed - 2 ** 32 / 10 : signed),
  )
}
