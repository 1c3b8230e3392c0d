import {
  type Channel,
  type DecodedReading,
  type DeviceAttributes,
  deviceStatusSchema,
  type DeviceStatus,
  type Extra,
  faultSchema,
  METRICS,
  type Metric,
  qualityFlagSchema,
  type QualityFlag,
} from '@heliograph/crm-core/contracts'
import { z } from 'zod'
import type { Rejection } from '../../vendor.ts'
import { firstIssue, isRecord, MAX_CHANNELS, quote, textMs } from '../../vocabulary/index.ts'

const MAX_EXTRA = 100
const MAX_DEVICE_LENGTH = 200
/** ECMAScript's own limit of dates, UTC ms. */
const MAX_TS = 8.64e15

const BOUNDS = new Map<string, { readonly min: number; readonly max: number }>(Object.entries(METRICS))
const STATUSES: ReadonlySet<unknown> = new Set(deviceStatusSchema.options)
// "backfill" exempts from the clock's limits: it is said by an import, not by a device.
const FLAGS: ReadonlySet<unknown> = new Set(qualityFlagSchema.options.filter((flag) => flag !== 'backfill'))
const CHANNEL_LIMITS: Record<string, number> = { voltage_v: 1e6, current_a: 1e6, power_w: 5e9 }

const faultsSchema = z
  .array(
    z.union([
      z
        .string()
        .min(1)
        .max(64)
        .transform((code) => ({ code })),
      faultSchema,
    ]),
  )
  .max(50)
const word = z.string().min(1).max(200)
const attributesSchema = z.strictObject({
  serial: word.optional(),
  model: word.optional(),
  firmware: word.optional(),
  kind: z.enum(['inverter', 'meter', 'battery', 'weather', 'gateway', 'optimizer', 'charger']).optional(),
  parent: word.optional(),
  name: word.optional(),
} satisfies Record<keyof DeviceAttributes, z.ZodType>)

/**
 * One item of the native format to a reading, or the reason why not. Checked by hand rather than by a schema because this
 * runs for every message of a native fleet: known metrics are compared with their bounds in one pass over the item's own keys.
 */
export function readItem(item: Record<string, unknown>, receivedAt: number): DecodedReading | Rejection {
  const device = deviceOf(item.device)
  if (device === undefined) return invalid('device', item.device, `text of 1 to ${MAX_DEVICE_LENGTH} characters`)
  const reading: DecodedReading = { device, ts: receivedAt, tsSource: 'arrival', metrics: {}, quality: [] }
  for (const field in item) {
    const value = item[field]
    if (value === undefined || value === null) continue
    const bad = FIELDS[field as keyof typeof FIELDS]?.(reading, value)
    if (bad) return bad
  }
  if (
    !Object.hasOwn(item, 'metrics') &&
    reading.status === undefined &&
    !reading.faults &&
    !reading.dc &&
    !reading.ac &&
    !reading.extra
  ) {
    return { reason: 'unknown-format', detail: `reading of ${quote(device)} has no metrics` }
  }
  return reading
}

type ReadField = (reading: DecodedReading, value: NonNullable<unknown>) => Rejection | undefined

/** One reader per known field; no prototype, so that a field named `constructor` is as unknown as any other. */
const FIELDS: Readonly<Record<string, ReadField>> = Object.assign(Object.create(null) as Record<string, ReadField>, {
  ts(reading, value) {
    const ms = typeof value === 'number' ? Math.round(value) : textMs(value)
    if (ms === undefined) return invalid('ts', value, 'UTC milliseconds or RFC 3339 with an offset')
    if (!(ms >= 0 && ms <= MAX_TS)) return { reason: 'out-of-bounds', detail: `ts: ${quote(value)} is no time` }
    reading.ts = ms
    reading.tsSource = 'device'
  },
  metrics(reading, value) {
    if (!isRecord(value)) return invalid('metrics', value, 'an object')
    for (const name in value) {
      const number = value[name]
      if (number === null) continue
      if (typeof number !== 'number') return invalid(`metrics.${name.slice(0, 60)}`, number, 'a number')
      const bounds = BOUNDS.get(name)
      if (bounds === undefined) {
        if (!Number.isFinite(number)) return outOfBounds(name, number)
        const bad = keep(reading, name, number)
        if (bad) return bad
      } else if (number >= bounds.min && number <= bounds.max) reading.metrics[name as Metric] = number
      else return outOfBounds(name, number)
    }
  },
  extra(reading, value) {
    if (!isRecord(value)) return invalid('extra', value, 'an object')
    for (const name in value) {
      const one = value[name]
      if (one === null) continue
      const ok =
        typeof one === 'boolean' ||
        (typeof one === 'string' && one.length <= 500) ||
        (typeof one === 'number' && Number.isFinite(one))
      if (!ok) return invalid(`extra.${name.slice(0, 60)}`, one, 'a finite number, text or a flag')
      const bad = keep(reading, name, one)
      if (bad) return bad
    }
  },
  status(reading, value) {
    if (!STATUSES.has(value)) return invalid('status', value, `one of ${deviceStatusSchema.options.join(', ')}`)
    reading.status = value as DeviceStatus
  },
  faults(reading, value) {
    const faults = faultsSchema.safeParse(value)
    if (!faults.success) return { reason: 'invalid-field', detail: `faults: ${firstIssue(faults.error)}` }
    reading.faults = faults.data
  },
  quality(reading, value) {
    if (!Array.isArray(value) || value.length > FLAGS.size || !value.every((flag) => FLAGS.has(flag))) {
      return invalid('quality', value, `a list of ${[...FLAGS].join(', ')}`)
    }
    reading.quality = [...new Set(value as QualityFlag[])]
  },
  attributes(reading, value) {
    const attributes = attributesSchema.safeParse(value)
    if (!attributes.success) return { reason: 'invalid-field', detail: `attributes: ${firstIssue(attributes.error)}` }
    reading.attributes = attributes.data
  },
  dc: (reading, value) => readChannels(reading, 'dc', value),
  ac: (reading, value) => readChannels(reading, 'ac', value),
} satisfies Record<string, ReadField>)

function deviceOf(value: unknown): string | undefined {
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
  if (typeof text !== 'string' || text.length === 0 || text.length > MAX_DEVICE_LENGTH) return undefined
  return CONTROL.test(text) || text.trim() !== text ? undefined : text
}
const CONTROL = /[\u0000-\u001f\u007f]/

function keep(reading: DecodedReading, name: string, value: number | string | boolean): Rejection | undefined {
  if (name === '' || name.length > 100 || name === '__proto__')
    return invalid('name of a value', name, '1 to 100 characters')
  const extra: Extra = (reading.extra ??= {})
  if (!Object.hasOwn(extra, name) && Object.keys(extra).length >= MAX_EXTRA) {
    return { reason: 'invalid-field', detail: `more than ${MAX_EXTRA} values beside the known metrics` }
  }
  extra[name] = value
}

function readChannels(reading: DecodedReading, side: 'dc' | 'ac', value: unknown): Rejection | undefined {
  if (!Array.isArray(value) || value.length > MAX_CHANNELS)
    return invalid(side, value, `a list of at most ${MAX_CHANNELS} channels`)
  const channels: Channel[] = []
  for (const one of value as unknown[]) {
    if (!isRecord(one)) return invalid(`${side}[${channels.length}]`, one, 'an object')
    const channel: Channel = {}
    for (const key in one) {
      const number = one[key]
      if (number === null) continue
      const limit = Object.hasOwn(CHANNEL_LIMITS, key) ? CHANNEL_LIMITS[key] : undefined
      if (limit === undefined) return invalid(`${side}[${channels.length}]`, key, 'voltage_v, current_a or power_w')
      if (typeof number !== 'number') return invalid(`${side}[${channels.length}].${key}`, number, 'a number')
      if (!(number >= -limit && number <= limit)) return outOfBounds(`${side}[${channels.length}].${key}`, number)
      channel[key as keyof Channel] = number
    }
    channels.push(channel)
  }
  if (channels.length > 0) reading[side] = channels
}

const invalid = (field: string, value: unknown, expected: string): Rejection => ({
  reason: 'invalid-field',
  detail: `${field}: ${quote(value)} where ${expected} was expected`,
})
const outOfBounds = (field: string, value: number): Rejection => ({
  reason: 'out-of-bounds',
  detail: `${field.slice(0, 60)}: ${value} is no possible measurement`,
})
