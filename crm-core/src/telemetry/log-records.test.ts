/** Records of the log are read long after they were written, by newer versions of the product. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createRawReader,
  createReadingWriter,
  decodeRaw,
  decodeRecord,
  encodeRaw,
  encodeRecord,
  LogRecordError,
  METRIC_NAMES,
  type RawHeader,
  type ReadingRecord,
} from '@heliograph/crm-core/contracts'

const reading = {
  tenantId: 't1',
  siteId: 's1',
  deviceId: 'd1',
  ts: 1_760_000_000_123,
  receivedAt: 1_760_000_000_456,
  source: 'native',
  metrics: { ac_power_w: 5321.5, energy_total_wh: 123_456_789 },
  quality: [],
  rawRef: { connectionId: 'c1', partition: 3, offset: 4_503_599_627_370_497, revision: 0 },
} as unknown as ReadingRecord

/** As they lie on the disks of those who run an earlier version. */
const WRITTEN = {
  'a reading as JSON (version 1)': `01${hex(JSON.stringify(reading))}`,
  'a reading with its numbers apart (version 2)':
    `020080${hex('{"tenantId":"t1","siteId":"s1","deviceId":"d1","source":"native","connectionId":"c1","metrics":["ac_power_w","energy_total_wh"]}')}` +
    '42799c82cc07b000' +
    '42799c82cc1c8000' +
    '4008000000000000' +
    '4330000000000001' +
    '0000000000000000' +
    '40b4c98000000000' +
    '419d6f3454000000',
}
function hex(text: string): string {
  return Buffer.from(text).toString('hex')
}

describe('records of the log', () => {
  it.each(Object.entries(WRITTEN))('reads %s', (_, bytes) => {
    expect(decodeRecord(Buffer.from(bytes, 'hex'))).toEqual(reading)
  })

  it('writes readings as the newest version says', () => {
    expect(Buffer.from(createReadingWriter()(reading)).toString('hex')).toBe(Object.values(WRITTEN).at(-1))
  })

  it('gives back every reading, whatever the same writer wrote before', () => {
    const text = fc.string({ unit: 'grapheme' })
    const channel = fc.record({ voltage_v: number(), power_w: number() }, { requiredKeys: [] })
    const any = fc.record(
      {
        tenantId: fc.constantFrom('t1', 't2'),
        siteId: fc.constantFrom('s1', 's2'),
        deviceId: fc.constantFrom('d1', 'd2'),
        ts: fc.integer({ min: -8.64e15, max: 8.64e15 }),
        receivedAt: fc.nat(),
        source: fc.constantFrom('native', 'sma'),
        metrics: fc.dictionary(fc.constantFrom(...METRIC_NAMES), number(), { noNullPrototype: true }),
        quality: fc.subarray(['estimated', 'clock_suspect']),
        rawRef: fc.record({
          connectionId: fc.constantFrom('c1', 'c2'),
          partition: fc.nat(),
          offset: fc.maxSafeNat(),
          revision: fc.nat(),
        }),
        extra: fc.dictionary(text, fc.oneof(text, number(), fc.boolean()), { noNullPrototype: true }),
        status: fc.constant('running'),
        faults: fc.array(fc.record({ code: text })),
        dc: fc.array(channel),
        traceparent: text,
        replayId: text,
      },
      {
        requiredKeys: ['tenantId', 'siteId', 'deviceId', 'ts', 'receivedAt', 'source', 'metrics', 'quality', 'rawRef'],
      },
    )
    const write = createReadingWriter((size) => Buffer.alloc(size, 0xff))
    fc.assert(
      fc.property(any, (made) => {
        // As JSON would: what is told from its absence there is told here.
        expect(decodeRecord(write(made as unknown as ReadingRecord))).toEqual(JSON.parse(JSON.stringify(made)))
      }),
    )
  })

  it('says what is no record, wherever it ends', () => {
    const bytes = createReadingWriter()(reading)
    for (let length = 0; length < bytes.length; length++) expect(() => decodeRecord(bytes.slice(0, length))).toThrow()
    expect(() => decodeRecord(Uint8Array.of(3, 0x7b, 0x7d))).toThrow(LogRecordError)
    expect(() => decodeRecord(Uint8Array.of(2))).toThrow(LogRecordError)
  })

  it('reads many raw records as it reads one', () => {
    const header = { tenantId: 't1', connectionId: 'c1', vendor: 'native', transport: 'mqtt', receivedAt: 7 }
    const body = Buffer.from('{"device":"d"}')
    const record = encodeRaw(header as RawHeader, body)
    const read = createRawReader()
    for (let times = 0; times < 3; times++) expect(read(record)).toEqual(decodeRaw(record))
    expect(decodeRecord(encodeRecord({ id: 'ü' }))).toEqual({ id: 'ü' })
  })
})

/** As devices send them: finite, and JSON knows no negative zero. */
function number() {
  return fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
}
