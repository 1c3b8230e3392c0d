import { gunzipSync, inflateSync } from 'node:zlib'
import protobuf from 'protobufjs/light.js'
import { z } from 'zod'
import { DecodeError } from '../../vendor.ts'
import {
  entriesOf,
  epochMs,
  finiteOf,
  get,
  MAX_BODY_BYTES,
  parseShape,
  textOf,
  tryJson,
  wordsOf,
} from '../../vocabulary/index.ts'

/**
 * Payload of Sparkplug B, as far as it is read here (data sets and extensions are skipped).
 * @see https://sparkplug.eclipse.org/specification/ chapter "Payloads"
 */
const types: Record<string, Record<string, protobuf.IField>> = {
  Payload: {
    timestamp: { type: 'uint64', id: 1 },
    metrics: { rule: 'repeated', type: 'Metric', id: 2 },
    seq: { type: 'uint64', id: 3 },
    uuid: { type: 'string', id: 4 },
    body: { type: 'bytes', id: 5 },
  },
  Metric: {
    name: { type: 'string', id: 1 },
    alias: { type: 'uint64', id: 2 },
    timestamp: { type: 'uint64', id: 3 },
    datatype: { type: 'uint32', id: 4 },
    isHistorical: { type: 'bool', id: 5 },
    isNull: { type: 'bool', id: 7 },
    properties: { type: 'PropertySet', id: 9 },
    intValue: { type: 'uint32', id: 10 },
    longValue: { type: 'uint64', id: 11 },
    floatValue: { type: 'float', id: 12 },
    doubleValue: { type: 'double', id: 13 },
    booleanValue: { type: 'bool', id: 14 },
    stringValue: { type: 'string', id: 15 },
    templateValue: { type: 'Template', id: 18 },
  },
  Template: { metrics: { rule: 'repeated', type: 'Metric', id: 2 }, isDefinition: { type: 'bool', id: 5 } },
  PropertySet: {
    keys: { rule: 'repeated', type: 'string', id: 1 },
    values: { rule: 'repeated', type: 'PropertyValue', id: 2 },
  },
  PropertyValue: {
    type: { type: 'uint32', id: 1 },
    intValue: { type: 'uint32', id: 3 },
    stringValue: { type: 'string', id: 8 },
  },
}
const root = protobuf.Root.fromJSON({
  // The edition must stand at each type: otherwise protobufjs takes JSON for proto3, where a sent 0 reads like no value at all.
  nested: Object.fromEntries(Object.entries(types).map(([name, fields]) => [name, { edition: 'proto2', fields }])),
})
const payloadType = root.lookupType('Payload')

/** Numbers of data types that need a look: signed ones travel as unsigned, floats carry dust of 32 bits. */
const [INT8, INT16, INT32, INT64, FLOAT, BOOLEAN] = [1, 2, 3, 4, 9, 11]
const TYPE_NAMES = ['Unknown', 'Int8', 'Int16', 'Int32', 'Int64', 'UInt8', 'UInt16', 'UInt32', 'UInt64', 'Float', 'Double', 'Boolean', 'String', 'DateTime', 'Text', 'UUID'] // prettier-ignore
/** More metrics than this in one message are refused. */
const MAX_METRICS = 20_000
const COMPRESSED = 'SPBV1.0_COMPRESSED'

/** A metric as it was sent: the type may be missing in data messages, then it is the birth's. */
export interface SparkplugMetric {
  name?: string
  alias?: string
  /** Alias of the template instance it stands in, where that came without its name. */
  within?: string
  timestamp?: number
  datatype?: number
  historical: boolean
  isNull: boolean
  /** `engUnit` and the like, of births. */
  unit?: string
  /** 192 good, 500 stale, 0 bad; mostly not sent. */
  quality?: number
  value: RawValue | undefined
}
export type RawValue = number | string | boolean | { long: Long }
type Long = { toNumber(): number; toSigned(): { toNumber(): number }; toString(): string }
export interface SparkplugPayload {
  timestamp?: number
  seq?: number
  metrics: SparkplugMetric[]
  /** Names of template instances by their alias, of births. */
  templates?: Record<string, string>
}

/**
 * Bytes of a Sparkplug message: protobuf, perhaps compressed, or the JSON view that some bridges make of it.
 * @throws DecodeError `unknown-format`, `too-large`, and those of JSON
 */
export function parsePayload(body: Uint8Array): SparkplugPayload {
  if (body.length > MAX_BODY_BYTES) throw new DecodeError('too-large', `body of ${body.length} bytes`)
  // No Sparkplug payload begins with a brace: it would be field 15 as a group.
  if (body.find((byte) => byte > 32) === 123) {
    const json = tryJson(textOf(body))
    if (json === undefined) throw new DecodeError('not-json', 'body begins like JSON and is none')
    return payloadOfJson(json)
  }
  return parseProtobuf(fromBase64(body) ?? body, true)
}

/** Bridges that forward by HTTP write bytes as base64. No payload looks like that: its first field is 1, 2 or 3, no letter or digit. */
function fromBase64(body: Uint8Array): Uint8Array | undefined {
  if (body.length < 8 || body.length % 4 !== 0) return undefined
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1')
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined
}

function parseProtobuf(body: Uint8Array, mayBeCompressed: boolean): SparkplugPayload {
  let decoded: Record<string, unknown>
  try {
    decoded = payloadType.decode(body) as unknown as Record<string, unknown>
  } catch (cause) {
    throw new DecodeError('unknown-format', 'body is no Sparkplug B payload', { cause })
  }
  if (decoded.uuid === COMPRESSED && mayBeCompressed && decoded.body instanceof Uint8Array) {
    return parseProtobuf(decompress(decoded.body), false)
  }
  const metrics: SparkplugMetric[] = []
  const templates: Record<string, string> = {}
  flatten(decoded.metrics as Record<string, unknown>[], { prefix: '' }, metrics, templates)
  const named = Object.keys(templates).length > 0 && { templates }
  return { metrics, ...named, ...numberField(decoded, 'timestamp'), ...numberField(decoded, 'seq') }
}

function decompress(body: Uint8Array): Uint8Array {
  try {
    const gzip = body[0] === 0x1f && body[1] === 0x8b
    return (gzip ? gunzipSync : inflateSync)(body, { maxOutputLength: MAX_BODY_BYTES })
  } catch (cause) {
    throw new DecodeError('unknown-format', 'compressed payload cannot be read', { cause })
  }
}

/** Metrics in one list: those inside of a template instance get its name as a prefix. */
function flatten(
  raw: Record<string, unknown>[],
  { prefix, within }: { prefix: string; within?: string },
  into: SparkplugMetric[],
  templates: Record<string, string>,
): void {
  for (const metric of raw) {
    const name = Object.hasOwn(metric, 'name') ? prefix + String(metric.name) : undefined
    const alias = Object.hasOwn(metric, 'alias') ? String(metric.alias) : undefined
    const template = Object.hasOwn(metric, 'templateValue') ? metric.templateValue : undefined
    if (template) {
      if (get(template, 'isDefinition') === true) continue
      if (name !== undefined && alias !== undefined) templates[alias] = name
      const inside =
        name === undefined && alias !== undefined ? { prefix: '', within: alias } : { prefix: `${name ?? ''}/` }
      flatten(get(template, 'metrics') as Record<string, unknown>[], inside, into, templates)
      continue
    }
    if (into.length >= MAX_METRICS)
      throw new DecodeError('too-large', `more than ${MAX_METRICS} metrics in one message`)
    into.push({
      historical: metric.isHistorical === true,
      isNull: Object.hasOwn(metric, 'isNull') && metric.isNull === true,
      value: valueOf(metric),
      ...(name !== undefined && { name }),
      ...(alias !== undefined && { alias }),
      ...(within !== undefined && { within }),
      ...(Object.hasOwn(metric, 'datatype') && { datatype: metric.datatype as number }),
      ...numberField(metric, 'timestamp'),
      ...properties(metric.properties),
    })
  }
}
// Absent members read as defaults through the message's prototype: only own ones were sent.
function valueOf(metric: Record<string, unknown>): RawValue | undefined {
  for (const key of ['doubleValue', 'floatValue', 'intValue', 'booleanValue', 'stringValue']) {
    if (Object.hasOwn(metric, key)) return metric[key] as number | string | boolean
  }
  return Object.hasOwn(metric, 'longValue') ? { long: metric.longValue as Long } : undefined
}
function numberField<K extends string>(message: Record<string, unknown>, key: K): { [key in K]?: number } {
  if (!Object.hasOwn(message, key)) return {}
  return { [key]: Number(String(message[key])) } as { [key in K]?: number }
}
function properties(set: unknown): { unit?: string; quality?: number } {
  const keys = get(set, 'keys')
  const values = get(set, 'values')
  if (!Array.isArray(keys) || !Array.isArray(values)) return {}
  const found: { unit?: string; quality?: number } = {}
  keys.forEach((key, index) => {
    const value: unknown = values[index]
    if (isUnitKey(key))
      Object.assign(found, { unit: wordsOf(get(value, 'stringValue') ?? get(value, 'string_value'), 20) ?? '' })
    else if (key === 'Quality')
      Object.assign(found, { quality: finiteOf(get(value, 'intValue') ?? get(value, 'int_value')) })
  })
  return found
}
const isUnitKey = (key: unknown): boolean =>
  typeof key === 'string' && /^(eng(ineering)?_?units?|units?|uom)$/i.test(key)

/** The value as a number, text or flag, by its type: own, or the birth's. */
export function plainValue(
  value: RawValue | undefined,
  datatype: number | undefined,
): number | string | boolean | undefined {
  if (typeof value === 'object') return datatype === INT64 ? value.long.toSigned().toNumber() : value.long.toNumber()
  if (typeof value !== 'number') return value
  if (datatype === INT8) return (value << 24) >> 24
  if (datatype === INT16) return (value << 16) >> 16
  if (datatype === INT32) return value | 0
  // 32 bits hold seven digits: 37.29999923706055 was 37.3.
  return datatype === FLOAT && Number.isFinite(value) ? Number(value.toPrecision(7)) : value
}

const jsonSchema = z.looseObject({
  timestamp: z.unknown().optional(),
  seq: z.unknown().optional(),
  metrics: z
    .array(
      z.looseObject({
        name: z.string().max(500).optional(),
        alias: z.union([z.string().max(30), z.number()]).optional(),
        value: z.unknown().optional(),
      }),
    )
    .max(MAX_METRICS),
})
/** The object with the metrics: the JSON itself, or a member of it where the topic stands beside. */
export const payloadIn = (json: unknown): unknown =>
  [json, ...entriesOf(json).map(([, value]) => value)].find((value) => Array.isArray(get(value, 'metrics')))

/** The JSON view of a payload: as printed in the specification, or as encoders take it. */
function payloadOfJson(json: unknown): SparkplugPayload {
  const { timestamp, seq, metrics } = parseShape(jsonSchema, payloadIn(json) ?? json)
  const at = finiteOf(timestamp)
  const number = finiteOf(seq)
  return {
    ...(at !== undefined && { timestamp: at }),
    ...(number !== undefined && { seq: number }),
    metrics: metrics.map((metric): SparkplugMetric => {
      const type = metric.dataType ?? metric.datatype ?? metric.type
      const datatype =
        typeof type === 'string'
          ? TYPE_NAMES.findIndex((name) => name.toLowerCase() === type.toLowerCase())
          : finiteOf(type)
      const metricAt = epochMs(metric.timestamp, 'ms')
      const value = jsonValue(metric, datatype)
      return {
        historical: metric.isHistorical === true || metric.is_historical === true,
        isNull: value === null || metric.isNull === true || metric.is_null === true,
        value: typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean' ? value : undefined,
        ...(metric.name !== undefined && { name: metric.name }),
        ...(metric.alias !== undefined && { alias: String(metric.alias) }),
        ...(datatype !== undefined && datatype >= 0 && { datatype }),
        ...(metricAt !== undefined && { timestamp: metricAt }),
        ...(Array.isArray(get(metric, 'properties', 'keys'))
          ? properties(metric.properties)
          : jsonProperties(metric.properties)),
      }
    }),
  }
}
/** `value` as the specification prints it, or the field of the protobuf under its JSON name, where long numbers are text. */
function jsonValue(metric: Record<string, unknown>, datatype: number | undefined): unknown {
  if (metric.value !== undefined) return metric.value
  const [, value] =
    entriesOf(metric).find(([key]) => /^(int|long|float|double|boolean|string)(Value|_value)$/.test(key)) ?? []
  if (typeof value !== 'string' || !/^-?\d{1,20}$/.test(value) || datatype === undefined || datatype > 8) return value
  return Number(datatype === INT64 ? BigInt.asIntN(64, BigInt(value)) : BigInt(value))
}
function jsonProperties(set: unknown): { unit?: string; quality?: number } {
  const found: { unit?: string; quality?: number } = {}
  for (const [key, property] of entriesOf(set)) {
    const value = get(property, 'value') ?? property
    if (isUnitKey(key)) Object.assign(found, { unit: wordsOf(value, 20) ?? '' })
    else if (key === 'Quality') Object.assign(found, { quality: finiteOf(value) })
  }
  return found
}

/** The command that asks an edge node to send its births again. */
export function encodeRebirth(at: number): Uint8Array {
  const metric = { name: 'Node Control/Rebirth', timestamp: at, datatype: BOOLEAN, booleanValue: true }
  return payloadType.encode(payloadType.create({ timestamp: at, metrics: [metric] })).finish()
}
