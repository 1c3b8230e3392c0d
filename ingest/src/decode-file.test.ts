import { describe, expect, it } from 'vitest'
import { decodedLine, decodeFile } from './decode-file.ts'
import { DecodeError, type VendorMessage } from './vendor.ts'
import { native } from './vendors/native.ts'
import { sparkplugB } from './vendors/sparkplug-b.ts'
import { victron } from './vendors/victron.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const receivedAt = 1_700_000_000_000

describe('decodeFile', () => {
  it('takes one message a line, at received-at plus offset, and goes on behind a broken line', () => {
    const file = [
      '{"topic":"readings","payload":{"device":"a","metrics":{"ac_power_w":1}}}',
      'broken',
      '{"topic":"readings","payload":"{\\"device\\":\\"a\\",\\"metrics\\":{\\"ac_power_w\\":2}}","offset_s":1.5,"retain":true}',
      '',
      '{"payload":"no topic"}',
      '{"topic":"readings","payload":"nonsense"}',
      '{"topic":"readings","payload":{"device":"a","metrics":{"ac_power_w":1e309}}}',
      '{"topic":"readings","payload":{"device":"a","metrics":{"ac_power_w":3}}}',
    ].join('\n')
    const { readings, rejected } = decodeFile(native, 'x.mqtt.ndjson', bytes(file), { receivedAt })
    expect(readings.map(({ ts, metrics }) => [ts - receivedAt, metrics.ac_power_w])).toEqual([
      [0, 3],
      [1500, 2],
    ])
    expect(rejected.map(({ line, reason }) => [line, reason])).toEqual([
      [2, 'not-json'],
      [5, 'invalid-field'],
      [6, 'not-json'],
      [7, 'out-of-bounds'],
    ])
  })

  it('hands an absent payload on as a zero-length one', () => {
    const seen: VendorMessage[] = []
    const spy = { ...native, decode: (message: VendorMessage) => (seen.push(message), { readings: [] }) }
    decodeFile(spy, 'x.mqtt.ndjson', bytes('{"topic":"a"}\n{"topic":"b","payload":null}\n{"topic":"c","payload":0}'), {
      receivedAt,
    })
    expect(seen.map(({ topic, body }) => [topic, new TextDecoder().decode(body)])).toEqual([
      ['a', ''],
      ['b', ''],
      ['c', '0'],
    ])
  })

  it('takes any other file as one body and says what is wrong with it', () => {
    expect(() => decodeFile(native, 'x.json', bytes('{'), { receivedAt })).toThrow(DecodeError)
    expect(() => decodeFile(native, 'x.csv', bytes('a,b\n1,2\n'), { receivedAt })).toThrow(/neither JSON/)
    expect(() => decodeFile(sparkplugB, 'x.bin', new Uint8Array([8, 1]), { receivedAt })).toThrow(/--topic/)
    expect(decodeFile(native, 'x.json', bytes('[]'), { receivedAt })).toEqual({ readings: [], rejected: [] })
  })

  it('keeps the state from line to line and merges what comes again', () => {
    const line = (path: string, value: unknown) =>
      JSON.stringify({ topic: `N/c0619ab12345/grid/30/${path}`, payload: { value } })
    const file = [line('Ac/Power', 5), line('Ac/Energy/Forward', 1.5), line('Ac/Power', 6)].join('\n')
    const { readings } = decodeFile(victron, 'x.mqtt.ndjson', bytes(file), { receivedAt })
    expect(readings).toHaveLength(1)
    expect(readings[0]?.metrics).toEqual({ grid_power_w: 6, import_total_wh: 1500 })
  })

  it('goes on in the state that an earlier file left', () => {
    const file = (name: string, topic: string, payload: object) =>
      [name, bytes(JSON.stringify({ topic, payload })), { receivedAt }] as const
    const metrics = [{ name: 'AC/Power', alias: 1, dataType: 'Double', value: 5 }]
    const birth = file('birth.json', 'spBv1.0/G/DBIRTH/N/D', { timestamp: 1000, seq: 1, metrics })
    const data = file('data.json', 'spBv1.0/G/DDATA/N/D', {
      timestamp: 2000,
      seq: 2,
      metrics: [{ alias: 1, value: 6 }],
    })
    const state: unknown = sparkplugB.initialState?.()
    decodeFile(sparkplugB, ...birth, state)
    expect(decodeFile(sparkplugB, ...data, state).readings).toMatchObject([{ ts: 2000, metrics: { ac_power_w: 6 } }])
    expect(decodeFile(sparkplugB, ...data).rejected).toMatchObject([{ reason: 'missing-birth' }])
  })

  it('prints the fields of the contract', () => {
    const [reading] = decodeFile(
      native,
      'x.json',
      bytes('{"device":"a","ts":1,"metrics":{"x":1},"faults":[],"attributes":{"model":"m"}}'),
      { receivedAt },
    ).readings
    expect(reading && decodedLine(reading)).toBe(
      '{"device":"a","ts":1,"tsSource":"device","metrics":{},"faults":[],"quality":[]}',
    )
  })
})
