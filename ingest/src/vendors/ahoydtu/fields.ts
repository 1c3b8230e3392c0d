import type { DeviceStatus } from '@heliograph/crm-core/contracts'
import { integerOf, numberOf, type ReadingBuilder } from '../../vocabulary/index.ts'

/** Fields of channel 0 (the AC side and totals of an inverter), by Ahoy's own names. */
const TOTALS = {
  P_AC: ['ac_power_w', 1],
  P_DC: ['dc_power_w', 1],
  YieldDay: ['energy_day_wh', 1],
  YieldTotal: ['energy_total_wh', 1000],
  F_AC: ['frequency_hz', 1],
  Temp: ['inverter_temp_c', 1],
  Q_AC: ['reactive_power_var', 1],
  active_PowerLimit: ['power_limit_pct', 1],
  PowerLimit: ['power_limit_pct', 1],
} as const
const KEPT = ['Efficiency', 'ALARM_MES_ID', 'EVT', 'MaxPower', 'rssi']
const PHASES: Readonly<Record<string, [phase: number, key: 'voltage_v' | 'current_a']>> = {
  U_AC: [0, 'voltage_v'],
  I_AC: [0, 'current_a'],
  U_AC_1N: [0, 'voltage_v'],
  U_AC_2N: [1, 'voltage_v'],
  U_AC_3N: [2, 'voltage_v'],
  I_AC_1: [0, 'current_a'],
  I_AC_2: [1, 'current_a'],
  I_AC_3: [2, 'current_a'],
}
const INPUTS = { U_DC: 'voltage_v', I_DC: 'current_a', P_DC: 'power_w' } as const

const own = <T extends object>(table: T, key: string): key is Extract<keyof T, string> => Object.hasOwn(table, key)

/** Whether a field of channel 0, or of an input, is used. */
export const isTotalField = (name: string): boolean =>
  own(TOTALS, name) || own(PHASES, name) || KEPT.includes(name) || name === 'PF_AC' || name === 'LastAlarmCode'
export const isInputField = (name: string): boolean => own(INPUTS, name)

/** Puts a field of channel 0 into a reading. */
export function putTotal(built: ReadingBuilder, name: string, value: unknown): void {
  if (own(TOTALS, name)) {
    const [metric, factor] = TOTALS[name]
    built.metric(metric, value, factor)
  } else if (own(PHASES, name)) {
    const [phase, key] = PHASES[name] as [number, 'voltage_v' | 'current_a']
    built.ac(phase, { [key]: value })
  } else if (name === 'PF_AC') putPowerFactor(built, value)
  else if (name === 'LastAlarmCode') putAlarm(built, integerOf(value))
  else if (KEPT.includes(name)) built.extraNumber(name, value)
}
/** Puts a field of a DC input (`index` from 0) into a reading. */
export function putInput(built: ReadingBuilder, index: number, name: string, value: unknown): void {
  if (own(INPUTS, name)) built.dc(index, { [INPUTS[name]]: value })
}

/** The manual shows percent (95.8), recorded devices send a fraction (0.997). */
function putPowerFactor(built: ReadingBuilder, raw: unknown): void {
  const value = numberOf(raw)
  if (value === undefined) return
  built.metric('power_factor', value, Math.abs(value) > 1.1 && Math.abs(value) <= 100 ? 0.01 : 1)
}

/** The last entry of the inverter's log. 1 is its start, and 2 a command the DTU lost: neither is a fault. */
function putAlarm(built: ReadingBuilder, code: number | undefined): void {
  if (code === undefined) return
  built.noFault().extra('LastAlarmCode', code)
  if (code > 2) built.fault(code, ALARMS[code])
}

/**
 * `available` over MQTT, `status` over HTTP: 0 off (not heard for long, as every night), 1 available, 2 producing, 3 was producing,
 * 4 was available. `old` says that the values beside it are the last ones heard, not of now.
 */
export function availability(code: number | undefined): { status?: DeviceStatus; old: boolean } {
  switch (code) {
    case 0:
      return { status: 'off', old: true }
    case 1:
      return { status: 'standby', old: false }
    case 2:
      return { status: 'producing', old: false }
    case 3:
    case 4:
      return { status: 'unreachable', old: true }
    default:
      return { old: false }
  }
}

/** Codes of Hoymiles' alarm log. */
const ALARMS: Readonly<Record<number, string>> = {
  121: 'Over temperature protection',
  122: 'Microinverter is suspected of being stolen',
  124: 'Shut down by remote control',
  125: 'Grid configuration parameter error',
  126: 'Software error code 126',
  127: 'Firmware error',
  128: 'Software error code 128',
  129: 'Software error code 129',
  130: 'Offline',
  141: 'Grid overvoltage',
  142: 'Average grid overvoltage',
  143: 'Grid undervoltage',
  144: 'Grid overfrequency',
  145: 'Grid underfrequency',
  146: 'Rapid grid frequency change',
  147: 'Power grid outage',
  148: 'Grid disconnection',
  149: 'Island detected',
  205: 'Input port 1 & 2 overvoltage',
  206: 'Input port 3 & 4 overvoltage',
  207: 'Input port 1 & 2 undervoltage',
  208: 'Input port 3 & 4 undervoltage',
  209: 'Port 1 no input',
  210: 'Port 2 no input',
  211: 'Port 3 no input',
  212: 'Port 4 no input',
  213: 'PV-1 & PV-2 abnormal wiring',
  214: 'PV-3 & PV-4 abnormal wiring',
  215: 'PV-1 input overvoltage',
  216: 'PV-1 input undervoltage',
  217: 'PV-2 input overvoltage',
  218: 'PV-2 input undervoltage',
  219: 'PV-3 input overvoltage',
  220: 'PV-3 input undervoltage',
  221: 'PV-4 input overvoltage',
  222: 'PV-4 input undervoltage',
  5060: 'Abnormal bias',
  5070: 'Over temperature protection',
  5080: 'Grid overvoltage/undervoltage',
  5090: 'Grid overfrequency/underfrequency',
  5100: 'Island detected',
  5120: 'EEPROM reading and writing error',
  5150: '10 min value grid overvoltage',
  5200: 'Firmware error',
  8310: 'Shut down',
  9000: 'Microinverter is suspected of being stolen',
}
