import type { Rejection, VendorMessage } from '../../vendor.ts'
import { z } from 'zod'
import type { Decoded } from '../../vendor.ts'
import {
  arrival,
  entriesOf,
  finiteOf,
  firstIssue,
  flagOf,
  get,
  isRecord,
  numberOf,
  reading,
  type ReadingBuilder,
  roundTo,
  unitFactor,
  wordsOf,
} from '../../vocabulary/index.ts'
import { fieldName, putAc, putDc } from './fields.ts'

const inverterSchema = z.looseObject({
  serial: z.union([z.string().min(1).max(40), z.number().transform(String)]),
  name: z.unknown().optional(),
  reachable: z.unknown().optional(),
  producing: z.unknown().optional(),
})
type Inverter = z.infer<typeof inverterSchema>
const MAX_INVERTERS = 200

/** Whether a body is live data: `{"inverters": [...]}`, or the bare list of the first versions. */
export function isLivedata(json: unknown): json is Record<string, unknown> | unknown[] {
  if (isRecord(json)) return Array.isArray(json.inverters)
  return Array.isArray(json) && json.length > 0 && json.every((item) => isRecord(item) && Object.hasOwn(item, 'serial'))
}

/**
 * Readings of a live data body, one per inverter. It has no clock time, only the age of the values, so the time is that of
 * arrival. The body's `total` is left out: the same inverters make it up, and nothing in it names the DTU.
 */
export function decodeLivedata(json: Record<string, unknown> | unknown[], message: VendorMessage): Decoded {
  const inverters = (Array.isArray(json) ? json : (json.inverters as unknown[])).slice(0, MAX_INVERTERS)
  const rejected: Rejection[] = []
  const readings = inverters.flatMap((item) => {
    const parsed = inverterSchema.safeParse(item)
    if (!parsed.success) {
      rejected.push({ reason: 'invalid-field', detail: `inverter: ${firstIssue(parsed.error)}` })
      return []
    }
    const built = readInverter(parsed.data, message, rejected)
    return built.isTelling ? [built.build()] : []
  })
  return rejected.length > 0 ? { readings, rejected } : { readings }
}

function readInverter(inverter: Inverter, message: VendorMessage, rejected: Rejection[]): ReadingBuilder {
  const built = reading(inverter.serial, arrival(message), rejected)
  const reachable = flagOf(inverter.reachable)
  const producing = flagOf(inverter.producing)
  // A DTU that has not heard an inverter since it started has zeros for it, which nobody measured.
  if (reachable !== false || hasValues(inverter)) readChannels(inverter, built)
  // -1 W: the limit was not read yet, and then the relative one is a made-up zero.
  const limit = finiteOf(inverter.limit_absolute)
  if (limit === undefined || limit >= 0) {
    built.metric('power_limit_pct', inverter.limit_relative)
    if (limit !== undefined) built.extra('limit_absolute_w', limit)
  }
  built.extraNumber('data_age_s', inverter.data_age).extraNumber('event_count', inverter.events)
  if (reachable === false) built.status('unreachable').quality('stale')
  else if (producing !== undefined) built.status(producing ? 'producing' : 'standby')
  return built.attributes({ kind: 'inverter', serial: inverter.serial, name: wordsOf(inverter.name, 200) })
}

function readChannels(inverter: Inverter, built: ReadingBuilder): void {
  // Before 2023 the channels stood in the inverter itself: "0" is AC, "1" to "6" are DC, counted from 1.
  const old = !isRecord(inverter.AC) && !isRecord(inverter.DC)
  for (const [channel, fields] of entriesOf(old ? inverter : inverter.AC)) {
    if (channel === '0') for (const [name, field] of entriesOf(fields)) readAc(built, name, field)
    else if (old && /^[1-9]$/.test(channel)) readDc(built, Number(channel) - 1, fields)
  }
  for (const [channel, fields] of entriesOf(inverter.DC)) {
    if (/^\d{1,2}$/.test(channel)) readDc(built, Number(channel), fields)
  }
  for (const [, fields] of entriesOf(inverter.INV)) {
    for (const [name, field] of entriesOf(fields)) readAc(built, name, field)
  }
  built.sumDc().onePhase()
}

const METRIC_OF_UNIT = {
  yieldday: 'energy_day_wh',
  yieldtotal: 'energy_total_wh',
  power: 'ac_power_w',
  powerdc: 'dc_power_w',
} as const

function readAc(built: ReadingBuilder, name: string, field: unknown): void {
  const unit = get(field, 'u')
  const metric = METRIC_OF_UNIT[fieldName(name) as keyof typeof METRIC_OF_UNIT]
  const factor = typeof unit === 'string' && unit !== '' && metric ? unitFactor(unit, metric) : undefined
  putAc(built, name, valueOf(field), factor)
}
function readDc(built: ReadingBuilder, index: number, fields: unknown): void {
  for (const [name, field] of entriesOf(fields)) putDc(built, index, name, valueOf(field))
}

/** `{"v": 31.79999924, "u": "W", "d": 1}` is 31.8: `d` digits were measured, the rest is dust of 32-bit floats. */
function valueOf(field: unknown): unknown {
  const raw = get(field, 'v')
  const value = numberOf(raw)
  const digits = get(field, 'd')
  return typeof value === 'number' && Number.isFinite(value) && typeof digits === 'number' && digits >= 0 && digits <= 9
    ? roundTo(value, Math.trunc(digits))
    : raw
}

/** Whether any value of the inverter differs from zero. */
function hasValues(inverter: Inverter): boolean {
  const groups = [inverter.AC, inverter.DC, inverter.INV, isRecord(inverter.AC) ? undefined : inverter]
  return groups.some((group) =>
    entriesOf(group).some(([, fields]) =>
      entriesOf(fields).some(([, field]) => (finiteOf(get(field, 'v')) ?? 0) !== 0),
    ),
  )
}
