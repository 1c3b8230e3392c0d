import type { DecodedReading } from '@heliograph/crm-core/contracts'
import type { Rejection, VendorMessage } from '../../vendor.ts'
import {
  deviceTime,
  entriesOf,
  finiteOf,
  get,
  integerOf,
  isRecord,
  quote,
  reading,
  type ReadingBuilder,
  textMs,
  wordsOf,
} from '../../vocabulary/index.ts'
import { opposite } from '../../vocabulary/sign.ts'
import { errorFault, protectionFault } from './faults.ts'
import {
  isPacked,
  isStorage,
  putPacks,
  putPacksStatus,
  putStorage,
  putStorageStatus,
  serverWallTime,
} from './storage.ts'
import { delivers, OPERATION_TEXTS, operationStatus, STATE_TEXTS, stateStatus } from './states.ts'

const MAX_BATTERIES = 40
const MAX_INPUTS = 16
const MAX_DEPTH = 4

const LIVE_KEYS = ['pac', 'ppv', 'batPower', 'payLoadPower', 'meterPower', 'utcTime', 'pacToUserTotal'] as const
const isRecordOfDevice = (value: unknown): value is Record<string, unknown> =>
  isRecord(value) && LIVE_KEYS.some((key) => Object.hasOwn(value, key) && typeof value[key] !== 'object')
/** A key that is a serial number: lists by device have them. */
const SERIAL = /^[A-Z0-9]{8,20}$/

/**
 * Records of one device each, with the serial that stands above them. The push and the query of the open API have one under
 * `data`, its history a list; version 4 of the server's API lists them by type (`data.inv`, `data.min`), version 1 has
 * `data` beside `device_sn`, history in `datas`, several devices by serial; pages answer with `obj`.
 */
export function recordsOf(value: unknown, serial?: string): [Record<string, unknown>, string | undefined][] {
  const found: [Record<string, unknown>, string | undefined][] = []
  collect(value, serial, 0, found)
  return found
}
function collect(
  value: unknown,
  serial: string | undefined,
  depth: number,
  found: [Record<string, unknown>, string | undefined][],
): void {
  if (typeof value !== 'object' || value === null) return
  if (isRecordOfDevice(value)) {
    found.push([value, serial])
    return
  }
  if (depth >= MAX_DEPTH) return
  if (Array.isArray(value)) {
    for (const inner of value as unknown[]) collect(inner, serial, depth + 1, found)
    return
  }
  const listed = wordsOf(get(value, 'deviceSn') ?? get(value, 'device_sn'), 60) ?? serial
  for (const [key, inner] of entriesOf(value)) collect(inner, SERIAL.test(key) ? key : listed, depth + 1, found)
}

/**
 * One record; W, V, A, Hz and kWh. The push: `utcTime` is UTC without a mark; `meterPower` is positive for import, `batPower`
 * while charging, opposite to ours; older records have `activePower` (from the grid) and `reverActivePower` (to it) instead of the
 * meter. The server's own API has other names: `pacToUserTotal` comes from the grid, `pacToGridTotal` goes to it, and `time` is the
 * device's local time (its `calendar` is the same read as Chinese time, whatever the country).
 */
export function recordReading(
  record: Record<string, unknown>,
  listed: string | undefined,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const any = (...names: string[]): unknown =>
    names.map((name) => record[name]).find((value) => value !== undefined && value !== null && value !== '')
  const serial = wordsOf(any('deviceSn', 'serialNum', 'serialNumber', 'inverterId', 'tlxSn', 'mixSn'), 60) ?? listed
  if (serial === undefined) {
    rejected.push({ reason: 'invalid-field', detail: `deviceSn: ${quote(record.deviceSn)}, expected a serial number` })
    return []
  }
  const told = any('time', 'lastUpdateTime')
  const ms = textMs(record.utcTime, 'UTC') ?? textMs(serverWallTime(told) ?? told, message.timezone)
  const built = reading(serial, deviceTime(ms, message), rejected)
    .metric('ac_power_w', record.pac)
    .metric('pv_power_w', record.ppv)
    .metric('load_power_w', any('payLoadPower', 'plocalLoadTotal', 'plocalLoadR', 'pacToLocalLoad'))
    .metric('frequency_hz', record.fac)
    .metric('reactive_power_var', record.reactivePower)
    .metric('inverter_temp_c', any('temperature', 'temp1'))
    .metric('import_total_wh', any('etoUserTotal', 'eToUserTotal'), 1000)
    .metric('export_total_wh', any('etoGridTotal', 'eToGridTotal'), 1000)
    .attributes({
      kind: 'inverter',
      serial,
      name: wordsOf(record.alias, 100),
      parent: wordsOf(any('dataLogSn', 'dataloggerSn'), 60),
    })
  if (isStorage(record)) {
    putStorage(built, record)
    return finished(built, record)
  }
  putEnergies(built, record, any)
  putBattery(built, record, any)
  if (isPacked(record)) putPacks(built, record)
  const [from, to] = [
    any('activePower', 'pacToUserTotal', 'pacToUserR'),
    any('reverActivePower', 'pacToGridTotal', 'pacToGridR'),
  ]
  if (record.meterPower !== undefined && record.meterPower !== null) built.metric('grid_power_w', record.meterPower)
  else putGrid(built, finiteOf(from), finiteOf(to))
  putChannels(built, record, any)
  built
    .extraNumber('etoUserToday_wh', any('etoUserToday', 'eToUserToday'), 1000)
    .extraNumber('etoGridToday_wh', any('etoGridToday', 'eToGridToday'), 1000)
  for (const name of ['backupPower', 'pexPower', 'genPower', 'smartLoadPower', 'priority', 'batteryStatus'])
    built.extraNumber(name, record[name])
  return finished(built, record)
}

function finished(built: ReadingBuilder, record: Record<string, unknown>): DecodedReading[] {
  const measured = built.measured
  putState(built, record)
  if (isStorage(record)) putStorageStatus(built, record)
  else if (isPacked(record)) putPacksStatus(built, record)
  const done = built.build()
  return measured || done.status !== undefined ? [done] : []
}

type Any = (...names: string[]) => unknown

/**
 * What was produced. A hybrid's AC counters (`eac…`) hold what went through the battery as well, so the PV's count there; of other
 * inverters it is the AC side, and PV where nothing else is told (the push has nothing else).
 */
function putEnergies(built: ReadingBuilder, record: Record<string, unknown>, any: Any): void {
  const hybrid = ['pdischarge1', 'pcharge1', 'echarge1Total'].some((name) => Object.hasOwn(record, name))
  const pv = { total: 'epvTotal', day: 'epvToday' }
  const ac = { total: 'eacTotal', day: 'eacToday' }
  if (hybrid && record.epvTotal !== undefined && record.epvTotal !== null) {
    built.metric('energy_total_wh', record[pv.total], 1000).metric('energy_day_wh', record[pv.day], 1000)
    built.extraNumber('eacTotal_wh', record[ac.total], 1000).extraNumber('eacToday_wh', record[ac.day], 1000)
    return
  }
  built
    .metric('energy_total_wh', any(ac.total, 'powerTotal', pv.total), 1000)
    .metric('energy_day_wh', any(ac.day, 'powerToday', pv.day), 1000)
}

/** Inverters without a battery send zeros for all of it: a battery has a charge or a voltage. */
function putBattery(built: ReadingBuilder, record: Record<string, unknown>, any: Any): void {
  const batteries = Array.isArray(record.batteryList) ? (record.batteryList as unknown[]).slice(0, MAX_BATTERIES) : []
  for (const battery of batteries.slice(0, 4)) {
    const name = `battery${integerOf(get(battery, 'index')) ?? ''}`
    built
      .extraNumber(`${name}_vbat`, get(battery, 'vbat'))
      .extraNumber(`${name}_ibat`, get(battery, 'ibat'))
      .extraNumber(`${name}_soh`, get(battery, 'soh'))
  }
  if (Object.hasOwn(record, 'batPower') || batteries.length > 0) {
    built.metric('battery_power_w', opposite(record.batPower)).metric('battery_soc_pct', record.soc)
    return
  }
  const soc = any('soc', 'SOC', 'bdc1Soc', 'bmsSoc')
  const volts = any('vbat', 'vBat', 'bdc1Vbat', 'bmsBatteryVolt')
  const told = record.soc !== undefined && volts === undefined // a list of a few values, as of history
  if (!told && (finiteOf(soc) ?? 0) <= 0 && (finiteOf(volts) ?? 0) <= 0) return
  const charge = finiteOf(any('pcharge1', 'pCharge', 'bdc1ChargePower', 'bdc1Pchr'))
  const discharge = finiteOf(any('pdischarge1', 'pDischarge', 'bdc1DischargePower', 'bdc1Pdischr'))
  built.metric('battery_soc_pct', soc).extraNumber('vbat', volts)
  if (charge !== undefined || discharge !== undefined) built.metric('battery_power_w', (discharge ?? 0) - (charge ?? 0))
}

function putGrid(built: ReadingBuilder, from: number | undefined, to: number | undefined): void {
  if (from !== undefined || to !== undefined) built.metric('grid_power_w', (from ?? 0) - (to ?? 0))
}

const PHASES = [['1', 'r', 'R'], ['2', 's', 'S'], ['3', 't', 'T']] as const // prettier-ignore
function putChannels(built: ReadingBuilder, record: Record<string, unknown>, any: Any): void {
  PHASES.forEach((names, index) => {
    const of = (quantity: string): unknown => any(...names.map((name) => `${quantity}${name}`))
    const volts = of('vac')
    // Single-phase inverters have the other phases with zeros: a phase without voltage is none.
    if (index > 0 && finiteOf(volts) === 0) return
    built.ac(index, { voltage_v: volts, current_a: of('iac'), power_w: of('pac') })
  })
  for (let i = 0; i < MAX_INPUTS; i++) {
    const volts = record[`vpv${i + 1}`]
    const input = { voltage_v: volts, current_a: record[`ipv${i + 1}`], power_w: record[`ppv${i + 1}`] }
    // All eight or sixteen inputs of the family are there, whatever the model has.
    if (i > 1 && Object.values(input).every((value) => (finiteOf(value) ?? 0) === 0)) continue
    built.dc(i, input)
  }
}

function putState(built: ReadingBuilder, record: Record<string, unknown>): void {
  const status = integerOf(record.status)
  const text = wordsOf(record.statusText, 100)
  if (status !== undefined) {
    const running = delivers(record.pac, record.ppv)
    // The push and hybrids number their states alike; plain inverters on the server have 1 for normal operation.
    const plain = text !== undefined || record.powerTotal !== undefined || record.eacTotal !== undefined
    built
      .status(plain && status < 5 ? stateStatus(status) : operationStatus(status, running))
      .extra('status_code', status)
      .extra('status_text', text ?? (plain && status < 5 ? STATE_TEXTS[status] : OPERATION_TEXTS[status]))
  }
  const error = integerOf(record.faultCode) ?? integerOf(record.errorCode)
  const protection = integerOf(record.protectCode)
  if (error !== undefined && error > 0) {
    const { code, text: words, severity } = errorFault(error, integerOf(record.faultSubCode))
    built.fault(code, words ?? wordsOf(record.errorText, 200), severity)
  }
  if (protection !== undefined && protection > 0) {
    const { code, text: words, severity } = protectionFault(protection, integerOf(record.protectSubCode))
    built.fault(code, words, severity)
  }
  const warning = integerOf(record.warnCode) ?? integerOf(record.warningCode)
  if (warning !== undefined && warning > 0) built.fault(`W${warning}`, wordsOf(record.warnText, 200), 'minor')
  if (error === 0 && (protection ?? 0) === 0) built.noFault()
}
