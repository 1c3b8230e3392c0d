import type { DecodedReading, Metric } from '@heliograph/crm-core/contracts'
import type { Rejection } from '../../vendor.ts'
import { integerOf } from '../../vocabulary/number.ts'
import { reading, type ReadingBuilder } from '../../vocabulary/reading.ts'
import { entriesOf, get, isRecord, quote, wordsOf } from '../../vocabulary/shape.ts'
import { textMs } from '../../vocabulary/time.ts'
import { errorOf } from './codes.ts'
import type { InverterFacts } from './inverter.ts'

/** 30 days of one-minute values of a few devices; the gateway's own limit is 16 days of 5-minute values. */
const MAX_READINGS = 200_000
const MAX_DAY_KEY_S = 40 * 86_400
const MAX_INPUTS = 16

const INVERTER_METRICS: Readonly<Record<string, Metric>> = {
  EnergyReal_WAC_Sum_Produced: 'energy_interval_wh',
  PowerReal_PAC_Sum: 'ac_power_w',
  Temperature_Powerstage: 'inverter_temp_c',
}
const METER_METRICS: Readonly<Record<string, Metric>> = {
  EnergyReal_WAC_Plus_Absolute: 'import_total_wh',
  EnergyReal_WAC_Minus_Absolute: 'export_total_wh',
}

/** Devices of a datalogger push (`Body`) or of `GetArchiveData` (`Body.Data`): those with a start and data. */
export const intervalDevices = (container: unknown): [string, unknown][] =>
  entriesOf(container).filter(
    ([, value]) => isRecord(value) && get(value, 'Start') !== undefined && isRecord(value.Data),
  )

/**
 * Values by seconds relative to `Start` (keys may be negative: the logger counts the day from its own midnight). An inverter's energy
 * is what it made in each interval, never a counter; a meter's energies are absolute counters in Wh. One reading per device and key.
 */
export function intervalReadings(
  devices: [string, unknown][],
  daily: boolean,
  timezone: string | undefined,
  told: number,
  facts: Record<string, InverterFacts>,
  rejected: Rejection[],
): DecodedReading[] {
  const readings: DecodedReading[] = []
  for (const [device, entry] of devices) {
    const start = textMs(get(entry, 'Start'), timezone)
    if (start === undefined) {
      rejected.push({
        reason: 'invalid-field',
        detail: `Start of ${device.slice(0, 60)}: ${quote(get(entry, 'Start'))} is no time`,
      })
      continue
    }
    const channels = new Map<string, Record<string, unknown>>()
    for (const [name, channel] of entriesOf(get(entry, 'Data'))) {
      const values = get(channel, 'Values')
      if (isRecord(values)) channels.set(name, values)
    }
    if (daily) {
      readings.push(
        ...dailySums(device, entry, start, channels.get('EnergyReal_WAC_Sum_Produced'), told, facts, rejected),
      )
      continue
    }
    const offsets = offsetsOf(channels, device, rejected)
    if (readings.length + offsets.length > MAX_READINGS) {
      rejected.push({ reason: 'too-large', detail: `more than ${MAX_READINGS} readings in one body` })
      return readings
    }
    const spacing = usualSpacing(channels.get('EnergyReal_WAC_Sum_Produced'))
    for (const [offset, key] of offsets) {
      const built = reading(device, { ts: start + offset * 1000, tsSource: 'device' }, rejected)
      putValues(built, device, channels, key, spacing, facts)
      const done = built.build()
      if (built.measured || done.faults !== undefined) readings.push(done)
    }
  }
  return readings
}

/**
 * `SeriesType=DailySum`: a day's energy is the day counter as it stood at the end of the day, or when the answer was given. As an
 * interval it would count a second time what the day's intervals count already.
 */
function dailySums(
  device: string,
  entry: unknown,
  start: number,
  values: Record<string, unknown> | undefined,
  told: number,
  facts: Record<string, InverterFacts>,
  rejected: Rejection[],
): DecodedReading[] {
  if (!device.startsWith('inverter') || !values) return []
  const end = textMs(get(entry, 'End')) ?? Infinity
  return offsetsOf(new Map([['EnergyReal_WAC_Sum_Produced', values]]), device, rejected).flatMap(([offset, key]) => {
    const ts = Math.min(start + (offset + 86_399) * 1000, end, told)
    const built = reading(device, { ts, tsSource: 'device' }, rejected)
      .metric('energy_day_wh', values[key])
      .attributes({ kind: 'inverter', ...facts[device.slice('inverter/'.length)] })
    return built.measured ? [built.build()] : []
  })
}

function putValues(
  built: ReadingBuilder,
  device: string,
  channels: Map<string, Record<string, unknown>>,
  key: string,
  spacing: number | undefined,
  facts: Record<string, InverterFacts>,
): void {
  const value = (name: string): unknown => {
    const values = channels.get(name)
    return values && Object.hasOwn(values, key) ? values[key] : undefined
  }
  const isMeter = device.startsWith('meter')
  for (const [name, metric] of Object.entries(isMeter ? METER_METRICS : INVERTER_METRICS))
    built.metric(metric, value(name))
  if (isMeter) {
    const location = integerOf(value('Meter_Location_Current'))
    built
      .extra('Meter_Location_Current', location)
      .attributes({ kind: 'meter', serial: wordsOf(device.split(':')[1], 60) })
  } else if (device.startsWith('inverter')) {
    const produced = value('EnergyReal_WAC_Sum_Produced')
    if (produced !== undefined && produced !== null) built.metric('interval_s', value('TimeSpanInSec') ?? spacing)
    for (let i = 0; i < MAX_INPUTS; i++) {
      built.dc(i, { voltage_v: value(`Voltage_DC_String_${i + 1}`), current_a: value(`Current_DC_String_${i + 1}`) })
    }
    for (let i = 0; i < 3; i++) {
      built.ac(i, { voltage_v: value(`Voltage_AC_Phase_${i + 1}`), current_a: value(`Current_AC_Phase_${i + 1}`) })
    }
    putError(built, value('InverterErrors'))
    built.attributes({ kind: 'inverter', ...facts[device.slice('inverter/'.length)] })
  } else {
    built.metric('irradiance_wm2', value('Radiation')).metric('wind_ms', value('Wind_Speed'))
    for (const name of ['Temperature_Channel_1', 'Temperature_Channel_2', 'Digital_Channel_1', 'Digital_Channel_2'])
      built.extraNumber(name, value(name))
  }
}

function putError(built: ReadingBuilder, error: unknown): void {
  const code = integerOf(isRecord(error) ? (get(error, 'attr', 'Code') ?? error.Code ?? error['#']) : error)
  if (code === undefined || code <= 0) return
  const words = errorOf(code)
  built.fault(code, words?.text, words?.severity)
}

/** The seconds of all channels, ascending, with the key text they came from. */
function offsetsOf(
  channels: Map<string, Record<string, unknown>>,
  device: string,
  rejected: Rejection[],
): [number, string][] {
  const offsets = new Map<number, string>()
  for (const [name, values] of channels) {
    for (const key of Object.keys(values)) {
      const seconds = /^-?\d{1,9}$/.test(key) ? Number(key) : NaN
      if (Math.abs(seconds) <= MAX_DAY_KEY_S) offsets.set(seconds, key)
      else
        rejected.push({
          reason: 'invalid-field',
          detail: `${name.slice(0, 60)} of ${device.slice(0, 60)}: ${quote(key)} is no number of seconds`,
        })
    }
  }
  return [...offsets].sort((a, b) => a[0] - b[0])
}

/**
 * Length of the logger's intervals where it does not send it (`TimeSpanInSec`): the most frequent distance of the keys. Keys are
 * missing while the inverter is off, so the mean and even the median may be longer.
 */
function usualSpacing(values: Record<string, unknown> | undefined): number | undefined {
  const seconds = Object.keys(values ?? {})
    .map(Number)
    .filter(Number.isFinite)
    .sort((a, b) => a - b)
  const counts = new Map<number, number>()
  for (const [i, second] of seconds.entries()) {
    const before = seconds[i - 1]
    if (before !== undefined) counts.set(second - before, (counts.get(second - before) ?? 0) + 1)
  }
  const [usual] = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0])
  return usual?.[0]
}
