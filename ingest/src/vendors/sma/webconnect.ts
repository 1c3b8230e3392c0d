import type { Metric, DecodedReading } from '@heliograph/crm-core/contracts'
import type { Rejection, VendorMessage } from '../../vendor.ts'
import {
  arrival,
  entriesOf,
  finiteOf,
  get,
  integerOf,
  isRecord,
  reading,
  type ReadingBuilder,
  wordsOf,
} from '../../vocabulary/index.ts'
import { putCondition } from './tags.ts'

/** What `getAllParamValues` tells of a device: put beside its later readings. */
export interface DeviceFacts {
  serial?: string
  name?: string
  model?: string
  firmware?: string
}

const CODE = /^[0-9A-F]{4}_[0-9A-F]{8}$/
const MAX_DEVICES = 200

/** Code to metric and factor. Hundredths of V and Hz, thousandths of A and of the power factor; energies are Wh. */
const METRIC_CODES: Readonly<Record<string, [Metric, number]>> = {
  '6100_40263F00': ['ac_power_w', 1], // on hybrids what leaves the inverter, not what the modules make
  '6100_0046C200': ['pv_power_w', 1],
  '6400_00260100': ['energy_total_wh', 1],
  '6400_00262200': ['energy_day_wh', 1],
  '6100_00465700': ['frequency_hz', 1e-2],
  '6100_40665F00': ['reactive_power_var', 1],
  '6100_00543100': ['load_power_w', 1],
  '6400_00462400': ['export_total_wh', 1],
  '6400_00462500': ['import_total_wh', 1],
}
const PHASES = [
  { power_w: '6100_40464000', voltage_v: '6100_00464800', current_a: '6100_40465300' },
  { power_w: '6100_40464100', voltage_v: '6100_00464900', current_a: '6100_40465400' },
  { power_w: '6100_40464200', voltage_v: '6100_00464A00', current_a: '6100_40465500' },
] as const
const DC = { power_w: '6380_40251E00', voltage_v: '6380_40451F00', current_a: '6380_40452100' } as const
const CENTI_MILLI = { voltage_v: 1e-2, current_a: 1e-3 }
const EXTRAS: Readonly<Record<string, [string, number]>> = {
  '6400_0046C300': ['pv_energy_total_wh', 1],
  '6100_00411E00': ['power_limit_w', 1],
  '6400_00496700': ['battery_charge_total_wh', 1],
  '6400_00496800': ['battery_discharge_total_wh', 1],
  '6100_40495B00': ['battery_temp_c', 0.1],
  '6100_00495C00': ['battery_voltage_v', 1e-2],
  '6100_40495D00': ['battery_current_a', 1e-3],
  '6400_00618C00': ['event_count', 1],
  '6400_00543A00': ['consumption_total_wh', 1],
}
const BATTERY_CODES = new Set(['6400_00496700', '6400_00496800', '6100_40495B00', '6100_00495C00', '6100_40495D00'])

/** Devices with coded values in a body: `{result: {"0199-…": {code: …}}}`, the same without `result`, or the codes alone. */
export function codedDevices(body: Record<string, unknown>): [string, Record<string, unknown>][] {
  const isCoded = (value: unknown): value is Record<string, unknown> =>
    isRecord(value) && Object.keys(value).some((key) => CODE.test(key))
  const at = isRecord(body.result) ? body.result : body
  if (isCoded(at)) return [['webconnect', at]]
  return entriesOf(at)
    .filter((entry): entry is [string, Record<string, unknown>] => isCoded(entry[1]))
    .slice(0, MAX_DEVICES)
}

/**
 * All values under a code. The level between differs between models and firmware: a group number over a list, a plain list, a
 * plain object, or the bare value.
 */
export function valuesOf(entry: unknown): unknown[] {
  if (Array.isArray(entry))
    return (entry as unknown[]).slice(0, 200).map((one) => (isRecord(one) && Object.hasOwn(one, 'val') ? one.val : one))
  if (!isRecord(entry)) return [entry]
  if (Object.hasOwn(entry, 'val')) return [entry.val]
  const inner = Object.values(entry).find((one) => typeof one === 'object' && one !== null)
  return inner === undefined ? [] : valuesOf(inner)
}
const first = (codes: Record<string, unknown>, code: string): unknown => valuesOf(get(codes, code))[0]
/** States are tags: `[{tag: 307}]`. */
export function tagOf(codes: Record<string, unknown>, code: string): number | undefined {
  const value = first(codes, code)
  return integerOf(Array.isArray(value) ? get(value, 0, 'tag') : isRecord(value) ? value.tag : undefined)
}

export function webconnectReading(
  device: string,
  codes: Record<string, unknown>,
  facts: DeviceFacts,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const built = reading(device, arrival(message), rejected)
  for (const [code, [metric, factor]] of Object.entries(METRIC_CODES)) built.metric(metric, first(codes, code), factor)
  const reactive = finiteOf(first(codes, '6100_40265F00'))
  if (reactive !== undefined && reactive !== 0) built.metric('reactive_power_var', reactive) // the same: 0 is not measured
  if (finiteOf(first(codes, '6100_00465700')) === undefined)
    built.metric('frequency_hz', first(codes, '6100_00468100'), 1e-2) // as the meter sees it
  const factor = finiteOf(first(codes, '6100_00665900'))
  if (factor !== undefined && factor !== 0) built.metric('power_factor', factor, 1e-3) // 0: not measured by three-phase hybrids
  PHASES.forEach((phase, index) => {
    built.ac(
      index,
      {
        voltage_v: first(codes, phase.voltage_v),
        current_a: first(codes, phase.current_a),
        power_w: first(codes, phase.power_w),
      },
      CENTI_MILLI,
    )
  })
  const [volts, amperes, watts] = [DC.voltage_v, DC.current_a, DC.power_w].map((code) =>
    Object.hasOwn(codes, code) ? valuesOf(codes[code]) : [],
  )
  const inputs = Math.max(volts?.length ?? 0, amperes?.length ?? 0, watts?.length ?? 0)
  for (let i = 0; i < inputs; i++)
    built.dc(i, { voltage_v: volts?.[i], current_a: amperes?.[i], power_w: watts?.[i] }, CENTI_MILLI)
  built.sumDc()
  putGrid(built, finiteOf(first(codes, '6100_40463700')), finiteOf(first(codes, '6100_40463600')))
  const battery = putBattery(built, codes)
  for (const [code, [name, scale]] of Object.entries(EXTRAS)) {
    if (battery || !BATTERY_CODES.has(code)) built.extraNumber(name, first(codes, code), scale)
  }
  const measured = built.measured
  putCondition(built, {
    condition: tagOf(codes, '6180_08214800'),
    run: tagOf(codes, '6180_08412800'),
    power: finiteOf(first(codes, '6100_40263F00')),
  })
  built.attributes({ kind: 'inverter', serial: serialOf(device), ...facts })
  const done = built.build()
  return measured || done.status !== undefined ? [done] : []
}

/** The meter at the feed-in point counts both directions; both null where there is none. */
function putGrid(built: ReadingBuilder, absorbed: number | undefined, supplied: number | undefined): void {
  if (absorbed !== undefined || supplied !== undefined) built.metric('grid_power_w', (absorbed ?? 0) - (supplied ?? 0))
}

/** Hybrids without a battery send zeros for all of it: a battery has a voltage or a charge. */
function putBattery(built: ReadingBuilder, codes: Record<string, unknown>): boolean {
  const soc = finiteOf(first(codes, '6100_00295A00'))
  const present = (finiteOf(first(codes, '6100_00495C00')) ?? 0) > 0 || (soc ?? 0) > 0
  if (!present) return false
  const charge = finiteOf(first(codes, '6100_00496900'))
  const discharge = finiteOf(first(codes, '6100_00496A00'))
  built.metric('battery_soc_pct', soc)
  if (charge !== undefined || discharge !== undefined) built.metric('battery_power_w', (discharge ?? 0) - (charge ?? 0))
  return true
}

/** A device's key is its family and its serial in hexadecimal: `01B8-B38D80A1`. */
function serialOf(device: string): string | undefined {
  const hex = /^[0-9A-F]{4}-([0-9A-F]{8})$/.exec(device)?.[1]
  return hex === undefined ? undefined : String(Number.parseInt(hex, 16))
}

const MODELS: Readonly<Record<number, string>> = {
  9401: 'Sunny Boy 3.0',
  9402: 'Sunny Boy 3.6',
  9403: 'Sunny Boy 4.0',
  9404: 'Sunny Boy 5.0',
  9405: 'Sunny Boy 6.0',
  19048: 'Sunny Tripower 5.0 SE',
  19049: 'Sunny Tripower 6.0 SE',
  19050: 'Sunny Tripower 8.0 SE',
  19051: 'Sunny Tripower 10.0 SE',
}
/** Settings (`6800_…`): nothing measured, but serial, name and type are among them. */
export function factsOf(codes: Record<string, unknown>): DeviceFacts | undefined {
  if (!Object.keys(codes).some((code) => code.startsWith('6800_'))) return undefined
  const serial = wordsOf(first(codes, '6800_00A21E00'), 60)
  const name = wordsOf(first(codes, '6800_10821E00'), 100)
  const type = tagOf(codes, '6800_08822000')
  const model = type !== undefined && Object.hasOwn(MODELS, type) ? MODELS[type] : undefined
  const firmware = firmwareOf(integerOf(first(codes, '6800_00823400')))
  return { ...(serial && { serial }), ...(name && { name }), ...(model && { model }), ...(firmware && { firmware }) }
}
/** Packed version: major and minor as BCD bytes, build, release letter (4 is R). */
function firmwareOf(packed: number | undefined): string | undefined {
  if (packed === undefined || packed <= 0 || packed > 0xffffffff) return undefined
  const byte = (shift: number) => Math.floor(packed / 2 ** shift) % 256
  const bcd = (value: number) => value.toString(16).padStart(2, '0')
  return `${bcd(byte(24))}.${bcd(byte(16))}.${String(byte(8)).padStart(2, '0')}.${'NEABRS'[byte(0)] ?? String(byte(0))}`
}
