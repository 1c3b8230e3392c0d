import type { DecodedReading, Metric } from '@heliograph/crm-core/contracts'
import type { Rejection } from '../../vendor.ts'
import { integerOf, numberOf } from '../../vocabulary/number.ts'
import { reading, type ReadingBuilder } from '../../vocabulary/reading.ts'
import { entriesOf, get, isRecord, wordsOf } from '../../vocabulary/shape.ts'
import type { ReadingTime } from '../../vocabulary/time.ts'
import { unitFactor } from '../../vocabulary/units.ts'
import { errorOf, statusOfCode, statusOfText } from './codes.ts'
import { DEVICE_TYPES } from './device-types.ts'

/** What `GetInverterInfo` tells of an inverter: remembered, and put beside its later readings. */
export interface InverterFacts {
  serial?: string
  name?: string
  model?: string
}

const MAX_INVERTERS = 100
const METRIC_KEYS: Readonly<Record<string, Metric>> = {
  PAC: 'ac_power_w',
  DAY_ENERGY: 'energy_day_wh',
  TOTAL_ENERGY: 'energy_total_wh',
  FAC: 'frequency_hz',
  PDC: 'dc_power_w',
  T_AMBIENT: 'ambient_temp_c',
}
/** The year counter has no metric of its own: it is kept in Wh, as the logger sends it but for those that count in MWh. */
const energyFactor = (unit: unknown): number =>
  (typeof unit === 'string' ? unitFactor(unit, 'energy_total_wh') : undefined) ?? 1
const INPUTS = 8

export const inverterId = (id: string): string => `inverter/${id}`

/** Whether a body's data is that of `GetInverterRealtimeData`: values with a unit beside them. */
export const isInverterData = (data: unknown): boolean =>
  entriesOf(data).some(
    ([key, value]) =>
      key === 'DeviceStatus' ||
      (isRecord(value) && Object.hasOwn(value, 'Unit') && !Object.hasOwn(value, 'SensorActive')),
  )

/**
 * `GetInverterRealtimeData` in both scopes: `{PAC: {Unit, Value}}` of one device, or `{PAC: {Unit, Values: {"1": 3225}}}` of all.
 * At night keys vanish or are null: what is not there was not measured. UDC, UDC_2 and so on are the trackers; UAC and IAC one
 * phase, `UAC_L1` and so on three.
 */
export function inverterReadings(
  data: unknown,
  deviceId: string | undefined,
  time: ReadingTime,
  facts: Record<string, InverterFacts>,
  rejected: Rejection[],
): DecodedReading[] {
  const ids = new Set<string>()
  for (const [, entry] of entriesOf(data)) for (const [id] of entriesOf(get(entry, 'Values'))) ids.add(id)
  const scopeDevice = ids.size === 0
  if (scopeDevice) ids.add(deviceId ?? '1')
  const readings: DecodedReading[] = []
  for (const id of [...ids].slice(0, MAX_INVERTERS)) {
    const value = (key: string) => (scopeDevice ? get(data, key, 'Value') : get(data, key, 'Values', id))
    const built = reading(inverterId(id), time, rejected)
    for (const [key, metric] of Object.entries(METRIC_KEYS))
      putWithUnit(built, metric, value(key), get(data, key, 'Unit'))
    built.extraNumber('SAC', value('SAC'))
    built.extraNumber('YEAR_ENERGY', value('YEAR_ENERGY'), energyFactor(get(data, 'YEAR_ENERGY', 'Unit')))
    for (let i = 0; i < INPUTS; i++) {
      const suffix = i === 0 ? '' : `_${i + 1}`
      built.dc(i, { voltage_v: value(`UDC${suffix}`), current_a: value(`IDC${suffix}`) })
    }
    built.ac(0, { voltage_v: value('UAC'), current_a: value('IAC') })
    for (let i = 0; i < 3; i++) built.ac(i, { voltage_v: value(`UAC_L${i + 1}`), current_a: value(`IAC_L${i + 1}`) })
    const told = scopeDevice && putStatus(built, get(data, 'DeviceStatus'))
    built.attributes({ kind: 'inverter', ...facts[id] })
    if (built.measured || told) readings.push(built.build())
  }
  return readings
}

function putWithUnit(built: ReadingBuilder, metric: Metric, value: unknown, unit: unknown): void {
  if (value === null || value === undefined) return
  const text = typeof unit === 'string' ? unit : ''
  const factor = unitFactor(text, metric)
  if (factor !== undefined) built.metric(metric, value, factor)
  else
    built.reject({
      reason: 'invalid-field',
      detail: `${metric}: unit ${JSON.stringify(text.slice(0, 20))} does not fit`,
    })
}

function putStatus(built: ReadingBuilder, status: unknown): boolean {
  if (!isRecord(status)) return false
  const code = integerOf(status.StatusCode)
  const text = wordsOf(status.InverterState, 60)
  const known = statusOfCode(code) ?? statusOfText(text)
  built.status(known).extra('status_code', code).extra('status_text', text)
  const error = integerOf(status.ErrorCode)
  if (error === 0) built.noFault()
  else if (error !== undefined && error > 0) {
    const words = errorOf(error)
    built.fault(error, words?.text, words?.severity)
  }
  return known !== undefined || (error !== undefined && error > 0)
}

/** `GetInverterInfo`: serial number, name and type per inverter. Measures nothing. */
export function rememberInverters(data: unknown, facts: Record<string, InverterFacts>): void {
  for (const [id, entry] of entriesOf(data).slice(0, MAX_INVERTERS)) {
    if (Object.keys(facts).length >= MAX_INVERTERS && !Object.hasOwn(facts, id)) return
    const serial = wordsOf(get(entry, 'UniqueID'), 60)
    const name = decodeEntities(wordsOf(get(entry, 'CustomName'), 200))
    const type = numberOf(get(entry, 'DT'))
    const model =
      type !== undefined && Object.hasOwn(DEVICE_TYPES, String(type)) ? DEVICE_TYPES[String(type)] : undefined
    facts[id] = { ...(serial && { serial }), ...(name && { name }), ...(model && { model }) }
  }
}

/** Newer loggers write names as numeric character references: `&#70;&#114;`. */
function decodeEntities(text: string | undefined): string | undefined {
  return text?.replace(/&#(\d{1,6});/g, (whole, number: string) => {
    const code = Number(number)
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}
