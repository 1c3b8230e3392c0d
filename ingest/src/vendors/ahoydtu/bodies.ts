import type { DecodedReading } from '@heliograph/crm-core/contracts'
import { z } from 'zod'
import type { Decoded, Rejection, VendorMessage } from '../../vendor.ts'
import {
  arrival,
  deviceTime,
  epochMs,
  finiteOf,
  get,
  integerOf,
  isRecord,
  parseShape,
  reading,
  type ReadingBuilder,
  type WindowState,
  wordsOf,
} from '../../vocabulary/index.ts'
import { availability, isInputField, isTotalField, putInput, putTotal } from './fields.ts'

/** Field names by position: of channel 0, and of each input. */
export interface Layout {
  totals: string[]
  inputs: string[]
}
export interface AhoyState extends WindowState {
  /** Order of positions as `/api/live` last told it; it differs between versions. */
  layout?: Layout
  /** Names the owner gave, by the inverter's number: some bodies have the number only. */
  names: Record<string, string>
}

/** Order of version 0.5.x and later; newer ones add to the end. `/api/live` tells the real one. */
const USUAL: Layout = {
  totals: [
    'U_AC',
    'I_AC',
    'P_AC',
    'F_AC',
    'PF_AC',
    'Temp',
    'YieldTotal',
    'YieldDay',
    'P_DC',
    'Efficiency',
    'Q_AC',
    'MaxPower',
  ],
  inputs: ['U_DC', 'I_DC', 'P_DC', 'YieldDay', 'YieldTotal', 'Irradiation', 'MaxPower'],
}
const MAX_INVERTERS = 64

const names = z.array(z.string().max(40)).max(40)
const layoutSchema = z.looseObject({ ch0_fld_names: names, fld_names: names })
const inverterSchema = z.looseObject({
  name: z.string().trim().min(1).max(100),
  ch: z.array(z.array(z.unknown()).max(40)).max(20),
})

/**
 * Readings of an HTTP answer, or undefined where it is none of those that measure: `/api/inverter/id/N` (values by position),
 * `/api/live` (their order; older versions: with values), `/api/record/live` (names, units and values), `/api/inverter/list`.
 */
export function decodeBody(json: unknown, message: VendorMessage, state: AhoyState): Decoded | undefined {
  if (!isRecord(json)) return undefined
  if (Array.isArray(json.ch) && typeof json.name === 'string') return decodeInverter(json, message, state)
  if (Object.hasOwn(json, 'ch0_fld_names')) return decodeLive(json, message, state)
  if (Array.isArray(json.inverter)) return decodeList(json.inverter, message, state)
  return undefined
}

function decodeLive(json: Record<string, unknown>, message: VendorMessage, state: AhoyState): Decoded {
  const { ch0_fld_names: totals, fld_names: inputs } = parseShape(layoutSchema, json)
  state.layout = { totals, inputs }
  // The first versions put the inverters into this very body.
  return Array.isArray(json.inverter) ? decodeList(json.inverter, message, state) : { readings: [] }
}

function decodeList(items: unknown[], message: VendorMessage, state: AhoyState): Decoded {
  const readings: DecodedReading[] = []
  const rejected: Rejection[] = []
  items.slice(0, MAX_INVERTERS).forEach((item, index) => {
    if (Array.isArray(item)) {
      const built = readRecord(item, index, message, state, rejected)
      if (built.measured) readings.push(built.build())
    } else if (isRecord(item)) {
      remember(item, state)
      if (!Array.isArray(item.ch) || typeof item.name !== 'string') return // an inventory
      const one = decodeInverter(item, message, state)
      readings.push(...one.readings)
      rejected.push(...(one.rejected ?? []))
    }
  })
  return rejected.length > 0 ? { readings, rejected } : { readings }
}

/** Inverter numbers to names, for bodies that have the number only. */
function remember(item: Record<string, unknown>, state: AhoyState): void {
  const id = integerOf(item.id)
  const name = wordsOf(item.name, 100)
  if (id !== undefined && id >= 0 && id < MAX_INVERTERS && name !== undefined) state.names[String(id)] = name
}

/** One inverter with its values by position. */
function decodeInverter(json: Record<string, unknown>, message: VendorMessage, state: AhoyState): Decoded {
  remember(json, state)
  const { name, ch } = parseShape(inverterSchema, json)
  const success = epochMs(json.ts_last_success, 's')
  const { status, old: gone } = availability(integerOf(json.status))
  const values = ch.map((channel) => channel.map((value) => finiteOf(value) ?? 0))
  // Zero means never heard since the DTU started: the values beside it are zeros that nobody measured.
  const heard =
    (success !== undefined || json.ts_last_success === undefined) &&
    (!gone || values.flat().some((value) => value !== 0))
  if (!heard && !gone) return { readings: [] }

  const rejected: Rejection[] = []
  // What is old now has been told at its own time before; that row must not be replaced by one marked as old.
  const built = reading(name, gone ? arrival(message) : deviceTime(success, message), rejected)
  if (heard) {
    const { totals, inputs } = state.layout ?? USUAL
    const wrong = misplaced(totals, values[0] ?? [])
    if (wrong !== undefined) {
      rejected.push({
        reason: 'invalid-field',
        detail: `${name.slice(0, 60)}: ${wrong}; send /api/live first, it tells the order of values`,
      })
      return { readings: [], rejected }
    }
    ch.forEach((channel, index) =>
      channel.forEach((value, position) => {
        const field = (index === 0 ? totals : inputs)[position]
        if (field === undefined) return
        if (index === 0) putTotal(built, field, value)
        else putInput(built, index - 1, field, value)
      }),
    )
    built.sumDc().onePhase()
  }
  // 65535: not read yet.
  const limit = finiteOf(json.power_limit_read)
  if (limit !== undefined && limit >= 0 && limit <= 100) built.metric('power_limit_pct', limit)
  built.status(status)
  if (gone) built.quality('stale')
  built.attributes({ kind: 'inverter', name, serial: wordsOf(json.serial, 40), firmware: wordsOf(json.version, 40) })
  if (!built.isTelling) return { readings: [] }
  return rejected.length > 0 ? { readings: [built.build()], rejected } : { readings: [built.build()] }
}

/** A frequency that is none, or a power factor of hundreds, shows that the order of positions is another than assumed. */
function misplaced(totals: string[], values: number[]): string | undefined {
  const frequency = values[totals.indexOf('F_AC')]
  if (frequency !== undefined && frequency !== 0 && (frequency < 40 || frequency > 70))
    return `${frequency} Hz is no grid frequency`
  const factor = values[totals.indexOf('PF_AC')]
  return factor !== undefined && Math.abs(factor) > 100 ? `${factor} is no power factor` : undefined
}

/**
 * One inverter of `/api/record/live`: a flat list of `{fld, unit, val}` without channels. An input begins where `U_DC` comes
 * again, channel 0 where an AC field comes. The body has no names: the one told earlier for the same number is used.
 */
function readRecord(
  items: unknown[],
  index: number,
  message: VendorMessage,
  state: AhoyState,
  rejected: Rejection[],
): ReadingBuilder {
  const name = Object.hasOwn(state.names, String(index)) ? state.names[String(index)] : undefined
  const built = reading(name ?? `inverter-${index}`, arrival(message), rejected)
  let input = -1
  let totals = false
  for (const item of items.slice(0, 200)) {
    const field = get(item, 'fld')
    if (typeof field !== 'string') continue
    if (field === 'U_DC') input++
    // P_DC, YieldDay and YieldTotal exist on both sides; everything after the first AC field belongs to channel 0.
    else if (!isInputField(field) && !/^(Yield|Irradiation|MaxPower)/.test(field) && isTotalField(field)) totals = true
    const value = get(item, 'val')
    if (totals) putTotal(built, field, value)
    else if (input >= 0) putInput(built, input, field, value)
  }
  return built.sumDc().onePhase().attributes({ kind: 'inverter', name })
}
