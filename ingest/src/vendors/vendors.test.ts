/**
 * Walks every vendor of the index: its fixtures must give the readings that lie beside them, whatever is wrong with a body
 * must end in a `DecodeError` or in nothing, and a state must survive being written down between any two messages.
 *
 * A fixture is `<case>.<ending>` with `<case>.expected.ndjson` (one reading a line, merged by device and ts) and, where
 * needed, `<case>.meta.json` `{topic, receivedAt, timezone, contentType, rejected}`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  channelSchema,
  DEAD_LETTER_REASONS,
  type DecodedReading,
  deviceStatusSchema,
  extraSchema,
  faultSchema,
  metricsSchema,
  qualityFlagSchema,
} from '@heliograph/crm-core/contracts'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { decodeFile, type DecodeFileOptions, messagesOf } from '../decode-file.ts'
import { type AnyVendor, type Decoded, DecodeError, PASTE_WORDS, type VendorMessage } from '../vendor.ts'
import { vendors } from './index.ts'

const fixtures = join(import.meta.dirname, '../../fixtures')
const RECEIVED_AT = 1_700_000_000_000

const metaSchema = z.strictObject({
  topic: z.string().optional(),
  receivedAt: z.union([z.number(), z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))]).optional(),
  timezone: z.string().optional(),
  contentType: z.string().optional(),
  rejected: z.number().optional(),
})
const readingSchema = z.strictObject({
  device: z.string().min(1),
  ts: z.number().int(),
  tsSource: z.enum(['device', 'arrival']),
  metrics: metricsSchema,
  extra: extraSchema.optional(),
  status: deviceStatusSchema.optional(),
  faults: z.array(faultSchema).optional(),
  dc: z.array(channelSchema).optional(),
  ac: z.array(channelSchema).optional(),
  quality: z.array(qualityFlagSchema),
  attributes: z.record(z.string(), z.string()).optional(),
})

interface Fixture {
  name: string
  file: string
  bytes: Uint8Array
  options: DecodeFileOptions
  expected: unknown[]
  rejected: number
}
function fixturesOf(id: string): Fixture[] {
  const folder = join(fixtures, id)
  const files = existsSync(folder) ? readdirSync(folder).sort() : []
  return files
    .filter((file) => file.endsWith('.expected.ndjson'))
    .map((expected) => {
      const name = expected.slice(0, -'.expected.ndjson'.length)
      const inputs = files.filter(
        (file) => file.startsWith(`${name}.`) && !/\.(expected\.ndjson|meta\.json)$/.test(file),
      )
      if (inputs.length !== 1 || !inputs[0]) throw new Error(`${id}/${name}: ${inputs.length} input files`)
      const meta = join(folder, `${name}.meta.json`)
      const {
        receivedAt = RECEIVED_AT,
        rejected = 0,
        ...rest
      } = metaSchema.parse(existsSync(meta) ? JSON.parse(readFileSync(meta, 'utf8')) : {})
      return {
        name,
        file: inputs[0],
        bytes: readFileSync(join(folder, inputs[0])),
        options: { ...rest, receivedAt },
        expected: readFileSync(join(folder, expected), 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as unknown),
        rejected,
      }
    })
}
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** Decodes a message as a hostile one: anything but a `DecodeError` fails, and what is yielded must be well-formed. */
function attempt(
  vendor: AnyVendor,
  message: VendorMessage,
  state: unknown = vendor.initialState?.(),
): Decoded | undefined {
  try {
    const decoded = vendor.decode(message, state)
    for (const reading of decoded.readings) readingSchema.parse(plain(reading))
    for (const { reason, detail } of decoded.rejected ?? []) {
      expect(DEAD_LETTER_REASONS).toContain(reason)
      expect(detail.length).toBeLessThan(1000)
    }
    return decoded
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

const bytes = (text: string) => new TextEncoder().encode(text)
/** A megabyte that looks random and is the same every time. */
function garbage(size: number): Uint8Array {
  const body = new Uint8Array(size)
  let seed = 42
  for (let i = 0; i < size; i++) {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff
    body[i] = seed >> 16
  }
  return body
}
const HOSTILE: Record<string, Uint8Array> = {
  empty: new Uint8Array(),
  blank: bytes('  \n '),
  NaN: bytes('NaN'),
  'NaN in JSON': bytes('{"device":"a","metrics":{"ac_power_w":NaN},"value":NaN}'),
  '1e309': bytes('1e309'),
  '1e309 in JSON': bytes('{"device":"a","ts":1,"metrics":{"ac_power_w":1e309},"value":1e309,"ENERGY":{"Power":1e309}}'),
  '2^53+1': bytes('{"device":"a","metrics":{"energy_total_wh":9007199254740993},"value":9007199254740993}'),
  'bad UTF-8': new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
  BOM: bytes('\u{feff}{"value":1}'),
  'NUL after JSON': bytes('{"value":1}\0\0\0'),
  'NUL alone': bytes('\0\0'),
  'a __proto__ key': bytes('{"__proto__":{"polluted":1},"device":"__proto__","metrics":{"__proto__":1},"value":1}'),
  'constructor and prototype': bytes(
    '{"constructor":{"prototype":{"polluted":1}},"device":"constructor","metrics":{"toString":1}}',
  ),
  'depth 10 000': bytes('{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000)),
  'a million brackets': bytes('['.repeat(1_000_000)),
  'a megabyte of garbage': garbage(1_000_000),
  'a megabyte of text': bytes('a'.repeat(1_000_000)),
  'a list of 200 000 numbers': bytes(`[${'0,'.repeat(199_999)}0]`),
  'a list of 50 000 objects': bytes(`[${'{},'.repeat(49_999)}{}]`),
  null: bytes('null'),
  true: bytes('true'),
  text: bytes('"text"'),
  'empty object': bytes('{}'),
  'empty list': bytes('[]'),
  'half of an object': bytes('{"a": [1, 2'),
}

describe.each([...vendors])('%s', (id, vendor) => {
  const own = fixturesOf(id)

  it('has fixtures, a name, a guide', () => {
    expect(own.length).toBeGreaterThan(0)
    expect(vendor.name).not.toBe('')
    expect(vendor.guide.length).toBeGreaterThan(0)
  })
  it('gives what to copy in words that are filled in, for ways it is reached by, once a label', () => {
    const seen = new Set<string>()
    for (const { label, transport, scheme = '', text } of vendor.paste ?? []) {
      for (const [, word] of text.matchAll(/%([a-z]+)%/g)) expect(PASTE_WORDS).toContain(word)
      expect(vendor.transports).toContain(transport)
      expect(text).toMatch(/%(?:host|address|server)%/)
      const key = `${transport} ${scheme} ${label}`
      expect(seen).not.toContain(key)
      seen.add(key)
    }
  })

  it.each(own.map((fixture) => [fixture.name, fixture] as const))('decodes %s', (_, fixture) => {
    const decoded = decodeFile(vendor, fixture.file, fixture.bytes, fixture.options)
    expect(plain(decoded.readings)).toEqual(fixture.expected)
    expect(decoded.rejected).toHaveLength(fixture.rejected)
    for (const reading of decoded.readings) readingSchema.parse(plain(reading))
    const again = decodeFile(vendor, fixture.file, fixture.bytes, fixture.options)
    expect(again).toEqual(decoded)
  })

  it.each(own.map((fixture) => [fixture.name, fixture] as const))(
    'goes on from a checkpoint anywhere in %s',
    (_, fixture) => {
      let state: unknown = vendor.initialState?.()
      const merged = new Map<string, DecodedReading>()
      for (const item of messagesOf(fixture.file, fixture.bytes, fixture.options)) {
        if (!('message' in item)) continue
        for (const reading of attempt(vendor, item.message, state)?.readings ?? [])
          merged.set(JSON.stringify([reading.device, reading.ts]), reading)
        if (state !== undefined) state = plain(state)
      }
      expect(plain([...merged.values()])).toEqual(fixture.expected)
    },
  )

  it.each(Object.keys(HOSTILE))('survives %s', (name) => {
    const body = HOSTILE[name] as Uint8Array
    const topics = [
      undefined,
      ...(vendor.topics ?? []).map((topic) => topic.replaceAll('+', '112233445566').replace('#', '0/power')),
    ]
    const started = performance.now()
    for (const topic of topics) {
      const message: VendorMessage = {
        body,
        transport: 'mqtt',
        receivedAt: RECEIVED_AT,
        ...(topic !== undefined && { topic }),
      }
      const decoded = attempt(vendor, message)
      expect(decoded?.rejected?.length ?? 0).toBeLessThan(1000)
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    // Generous: the machine may be busy. What is meant to be caught takes minutes.
    expect(performance.now() - started).toBeLessThan(5000)
  })

  it('survives every message of the fixtures with any value replaced by nonsense', () => {
    const started = performance.now()
    for (const fixture of own) {
      for (const item of messagesOf(fixture.file, fixture.bytes, fixture.options)) {
        if (performance.now() - started > 8000) return
        if ('message' in item) for (const body of spoiled(item.message.body)) attempt(vendor, { ...item.message, body })
      }
    }
  })
})

const NONSENSE: unknown[] = [null, 'abc', '', '1e309', -1e300, {}, [], true, '__proto__', { __proto__: null, v: {} }]
/** Bodies in which one value at a time is replaced; of large bodies a sample. */
function* spoiled(body: Uint8Array): Generator<Uint8Array> {
  for (const cut of [1, 2, 3]) yield body.subarray(0, Math.floor((body.length * cut) / 4))
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(body))
  } catch {
    for (const one of NONSENSE) yield bytes(typeof one === 'string' ? one : JSON.stringify(one))
    return
  }
  const paths = [...leaves(json, [])]
  const step = Math.max(1, Math.floor(paths.length / 40))
  for (let index = 0; index < paths.length; index += step) {
    for (const one of NONSENSE) yield bytes(JSON.stringify(replaced(json, paths[index] ?? [], one)))
  }
}
function* leaves(value: unknown, path: string[]): Generator<string[]> {
  yield path
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) yield* leaves(inner, [...path, key])
}
function replaced(value: unknown, path: string[], by: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return by
  const copy = structuredClone(value) as Record<string, unknown>
  copy[key] = replaced(copy[key], rest, by)
  return copy
}
