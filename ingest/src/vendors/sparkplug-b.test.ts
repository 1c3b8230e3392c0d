import { gzipSync } from 'node:zlib'
import protobuf from 'protobufjs/light.js'
import { describe, expect, it } from 'vitest'
import { meaningOf } from './sparkplug-b/names.ts'
import { encodeRebirth, parsePayload } from './sparkplug-b/payload.ts'
import { sparkplugB } from './sparkplug-b.ts'

const start = 1_700_000_000_000
type State = ReturnType<NonNullable<typeof sparkplugB.initialState>>
const fresh = () => sparkplugB.initialState?.() as State
const utf8 = (text: string) => new TextEncoder().encode(text)

function publish(state: State, type: string, payload: object, at = 0, device?: string) {
  const topic = `spBv1.0/G/${type}/N${device === undefined ? '' : `/${device}`}`
  return sparkplugB.decode(
    { topic, body: utf8(JSON.stringify(payload)), transport: 'mqtt', receivedAt: start + at },
    state,
  )
}
const nbirth = (bdSeq = 0) => ({
  timestamp: start,
  seq: 0,
  metrics: [{ name: 'bdSeq', dataType: 'UInt64', value: bdSeq }],
})
const dbirth = (seq: number) => ({
  timestamp: start,
  seq,
  metrics: [{ name: 'AC/Power', alias: 1, dataType: 'Double', value: 5 }],
})
const ddata = (seq: number, value = 6) => ({ timestamp: start + 1000, seq, metrics: [{ alias: 1, value }] })

describe('rebirth', () => {
  it('is encoded as the specification shows it', () => {
    // timestamp, one metric "Node Control/Rebirth" with timestamp, type 11 and true
    const expected = `08eaf2f5a8a02b12210a14${Buffer.from('Node Control/Rebirth').toString('hex')}18eaf2f5a8a02b200b7001`
    expect(Buffer.from(encodeRebirth(1_486_144_502_122)).toString('hex')).toBe(expected)
  })

  it('is asked for when data comes before birth, at most every ten seconds', () => {
    const state = fresh()
    const first = publish(state, 'DDATA', ddata(3), 0, 'D')
    expect(first).toMatchObject({
      readings: [],
      rejected: [{ reason: 'missing-birth' }],
      downlinks: [{ topic: 'spBv1.0/G/NCMD/N' }],
    })
    expect(publish(state, 'DDATA', ddata(4), 9999, 'D').downlinks).toBeUndefined()
    expect(publish(state, 'DDATA', ddata(5), 10_000, 'D').downlinks).toHaveLength(1)
  })

  it('is asked for when a number is skipped, and the data counts all the same', () => {
    const state = fresh()
    publish(state, 'NBIRTH', nbirth())
    publish(state, 'DBIRTH', dbirth(1), 0, 'D')
    expect(publish(state, 'DDATA', ddata(2), 1, 'D').downlinks).toBeUndefined()
    expect(publish(state, 'DDATA', ddata(2), 2, 'D').downlinks).toBeUndefined() // the same message again
    const skipped = publish(state, 'DDATA', ddata(4), 3, 'D')
    expect(skipped.downlinks).toHaveLength(1)
    expect(skipped.readings[0]?.metrics).toEqual({ ac_power_w: 6 })
  })

  it('is not asked for when 255 is followed by 0', () => {
    const state = fresh()
    publish(state, 'NBIRTH', nbirth())
    publish(state, 'DBIRTH', dbirth(1), 0, 'D')
    for (let seq = 2; seq < 600; seq++)
      expect(publish(state, 'DDATA', ddata(seq % 256), seq, 'D').downlinks).toBeUndefined()
  })
})

describe('births and deaths', () => {
  it('a node birth ends what was known of its devices, but not when it is the same one again', () => {
    const state = fresh()
    publish(state, 'NBIRTH', nbirth())
    publish(state, 'DBIRTH', dbirth(1), 0, 'D')
    publish(state, 'NBIRTH', nbirth())
    expect(publish(state, 'DDATA', ddata(1), 1, 'D').readings).toHaveLength(1)
    publish(state, 'NBIRTH', nbirth(1))
    expect(publish(state, 'DDATA', ddata(1), 1, 'D').rejected).toHaveLength(1)
  })

  it('a will of an earlier session says nothing, the one of this session makes all devices unreachable', () => {
    const state = fresh()
    publish(state, 'NBIRTH', nbirth(7))
    publish(state, 'DBIRTH', dbirth(1), 0, 'D')
    const will = (bdSeq: number) => ({ timestamp: 1, metrics: [{ name: 'bdSeq', dataType: 'UInt64', value: bdSeq }] })
    expect(publish(state, 'NDEATH', will(6), 5000).readings).toEqual([])
    expect(publish(state, 'NDEATH', will(7), 5000).readings).toMatchObject([
      { device: 'G/N', status: 'unreachable', ts: start + 5000, tsSource: 'arrival' },
      { device: 'G/N/D', status: 'unreachable', ts: start + 5000, tsSource: 'arrival' },
    ])
    expect(publish(state, 'DDATA', ddata(2), 6000, 'D').rejected).toMatchObject([{ reason: 'missing-birth' }])
  })

  it('a state stays small whatever is born', () => {
    const state = fresh()
    for (let i = 0; i < 300; i++) {
      const topic = `spBv1.0/G/NBIRTH/N${i}`
      sparkplugB.decode(
        { topic, body: utf8(JSON.stringify(nbirth())), transport: 'mqtt', receivedAt: start + i },
        state,
      )
    }
    expect(Object.keys(state.nodes)).toHaveLength(100)
    expect(Object.keys(state.nodes)).toContain('G/N299')
  })

  it('shards by group and edge node', () => {
    expect(sparkplugB.shard?.('spBv1.0/G/DDATA/N/D')).toBe('G/N')
    expect(sparkplugB.shard?.('spBv1.0/G/NBIRTH/N')).toBe('G/N')
  })
})

describe('data', () => {
  it('without a time of its own has that of its metrics', () => {
    const state = fresh()
    publish(state, 'DBIRTH', dbirth(1), 0, 'D')
    const metrics = [{ alias: 1, timestamp: start + 500, value: 6 }]
    expect(publish(state, 'DDATA', { seq: 2, metrics }, 900, 'D').readings).toMatchObject([
      { ts: start + 500, tsSource: 'device', metrics: { ac_power_w: 6 } },
    ])
  })
  it('of one instant in several messages ends in one reading', () => {
    const state = fresh()
    publish(state, 'NBIRTH', nbirth())
    const metrics = ['AC/Power', 'DC/1/Power', 'DC/2/Power'].map((name, alias) => ({
      name,
      alias,
      dataType: 'Double',
      value: 1,
    }))
    publish(state, 'DBIRTH', { timestamp: start, seq: 1, metrics }, 0, 'D')
    publish(state, 'DDATA', { timestamp: start + 1, seq: 2, metrics: [{ alias: 0, value: 5 }] }, 0, 'D')
    const { readings } = publish(
      state,
      'DDATA',
      { timestamp: start + 1, seq: 3, metrics: [{ alias: 2, value: 7 }] },
      0,
      'D',
    )
    expect(readings).toMatchObject([{ ts: start + 1, metrics: { ac_power_w: 5 }, dc: [{}, { power_w: 7 }] }])
    const next = publish(state, 'DDATA', { timestamp: start + 2, seq: 4, metrics: [{ alias: 2, value: 8 }] }, 0, 'D')
    expect(next.readings[0]?.metrics).toEqual({}) // what did not change is not measured again, and no half of a sum is made up
  })
})

describe('payload', () => {
  const writer = () => protobuf.Writer.create()
  it('finds the metrics of a template instance by its alias', () => {
    const string = (id: number, text: string) => writer().uint32(id).string(text).finish()
    const metric = (parts: Uint8Array[]) => Buffer.concat(parts)
    const power = (value: number) => metric([string(10, 'AC/Power'), writer().uint32(105).double(value).finish()])
    const alias = writer().uint32(16).uint64(7).finish()
    const template = (inner: Uint8Array) =>
      writer().uint32(146).bytes(writer().uint32(18).bytes(inner).finish()).finish()
    const payload = (seq: number, inner: Uint8Array) =>
      writer().uint32(8).uint64(start).uint32(24).uint64(seq).uint32(18).bytes(inner).finish()
    const state = fresh()
    const send = (type: string, body: Uint8Array) =>
      sparkplugB.decode({ topic: `spBv1.0/G/${type}/N/D`, body, transport: 'mqtt', receivedAt: start }, state)
    send('DBIRTH', payload(1, metric([string(10, 'Inverter'), alias, template(power(5))])))
    const { readings, rejected } = send('DDATA', payload(2, metric([alias, template(power(9))])))
    expect(readings).toMatchObject([{ device: 'G/N/D', metrics: { ac_power_w: 9 } }])
    expect(rejected).toBeUndefined()
  })
  it('is read as libraries of protobuf write it in JSON', () => {
    const { metrics, seq } = parsePayload(
      utf8(
        JSON.stringify({
          timestamp: '1700000000000',
          seq: '3',
          metrics: [
            {
              name: 'Grid/Power',
              alias: '12',
              datatype: 4,
              longValue: '18446744073709551516',
              properties: { keys: ['engUnit'], values: [{ type: 12, stringValue: 'kW' }] },
            },
            {
              name: 'AC/Power',
              float_value: 1.5,
              properties: { engUnit: 'kW', Quality: { type: 'Int32', value: 500 } },
            },
          ],
        }),
      ),
    )
    expect(seq).toBe(3)
    expect(metrics).toMatchObject([
      { alias: '12', value: -100, unit: 'kW' },
      { value: 1.5, unit: 'kW', quality: 500 },
    ])
  })
  it('is read from base64, as bridges write it into JSON', () => {
    const bytes = encodeRebirth(1_486_144_502_122)
    expect(parsePayload(utf8(Buffer.from(bytes).toString('base64')))).toEqual(parsePayload(bytes))
  })
  it('sees a zero that was sent', () => {
    const metric = writer().uint32(10).string('P').uint32(32).uint32(10).uint32(105).double(0).finish()
    expect(parsePayload(writer().uint32(18).bytes(metric).finish()).metrics[0]?.value).toBe(0)
  })
  it('reads a compressed payload, and refuses a bomb', () => {
    const inner = writer().uint32(8).uint64(start).uint32(24).uint64(9).finish()
    const compressed = (body: Uint8Array) =>
      writer().uint32(34).string('SPBV1.0_COMPRESSED').uint32(42).bytes(gzipSync(body)).finish()
    expect(parsePayload(compressed(inner))).toEqual({ timestamp: start, seq: 9, metrics: [] })
    expect(() => parsePayload(compressed(new Uint8Array(50_000_000)))).toThrow(/compressed/)
  })
  it('refuses templates nested without end', () => {
    let metric = writer().uint32(10).string('x').finish()
    for (let i = 0; i < 5000; i++)
      metric = writer().uint32(146).bytes(writer().uint32(18).bytes(metric).finish()).finish()
    expect(() => parsePayload(writer().uint32(18).bytes(metric).finish())).toThrow(/no Sparkplug B payload/)
  })
})

describe('names', () => {
  it.each([
    ['AC/Power', 'ac_power_w'],
    ['Inverter.AC_Power', 'ac_power_w'],
    ['acPower', 'ac_power_w'],
    ['Pac', 'ac_power_w'],
    ['Inverter1/AC/Power', 'ac_power_w'],
    ['Energy/Total', 'energy_total_wh'],
    ['totalYield', 'energy_total_wh'],
    ['E_Day', 'energy_day_wh'],
    ['Daily Energy', 'energy_day_wh'],
    ['Grid Frequency', 'frequency_hz'],
    ['Temperature', 'inverter_temp_c'],
    ['Module Temperature', 'module_temp_c'],
    ['Ambient Temp (C)', 'ambient_temp_c'],
    ['POA Irradiance', 'irradiance_wm2'],
    ['Grid Power', 'grid_power_w'],
    ['Battery/SOC', 'battery_soc_pct'],
    ['Battery/SoC', 'battery_soc_pct'],
    ['Site/PV Power', 'pv_power_w'],
    ['Import_Power', 'grid_power_w'],
    ['House Load', 'load_power_w'],
    ['Wirkleistung', 'ac_power_w'],
    ['Gesamtertrag', 'energy_total_wh'],
    ['Yield Total [kWh]', 'energy_total_wh'],
    ['Exported Energy', 'export_total_wh'],
    ['grid_power_w', 'grid_power_w'],
    ['Current Power', 'ac_power_w'],
    ['Temperatures/Heatsink', 'inverter_temp_c'],
    ['Inverter/WH', 'energy_total_wh'],
    ['Active Energy Import', 'import_total_wh'],
    ['Total Energy Export', 'export_total_wh'],
    ['Solar/Energy Today', 'energy_day_wh'],
    ['Solar Array Power', 'pv_power_w'],
    ['Power Factor Total', 'power_factor'],
  ])('%s is %s', (name, metric) => expect(meaningOf(name).meaning).toMatchObject({ kind: 'metric', metric }))
  it.each([
    ['DC/2/Voltage', 'dc', 1, 'voltage_v'],
    ['Vpv1', 'dc', 0, 'voltage_v'],
    ['MPPT 3 Power', 'dc', 2, 'power_w'],
    ['String 1 Current', 'dc', 0, 'current_a'],
    ['AC/L2/Voltage', 'ac', 1, 'voltage_v'],
    ['Phase C Current', 'ac', 2, 'current_a'],
    ['AC/Voltage', 'ac', 0, 'voltage_v'],
    ['Current Grid Voltage', 'ac', 0, 'voltage_v'],
    ['Strings/2/Current', 'dc', 1, 'current_a'],
    ['Meter/Voltage L1-N', 'ac', 0, 'voltage_v'],
  ])('%s is a channel', (name, side, index, quantity) =>
    expect(meaningOf(name).meaning).toEqual({ kind: 'channel', side, index, quantity }),
  )
  it.each(['Voltage L1-L2', 'Fan Speed', 'Inputs/A', 'Power Plant Name', ''])('%s is kept under its name', (name) =>
    expect(meaningOf(name).meaning.kind).toBe('unknown'),
  )
  it.each(['bdSeq', 'Node Control/Rebirth', 'Properties/Hardware Make'])('%s is of the protocol', (name) =>
    expect(meaningOf(name).meaning.kind).toBe('control'),
  )
  it('reads the unit at the end of a name', () =>
    expect(meaningOf('AC_Power_kW')).toMatchObject({ unit: 'kW', meaning: { metric: 'ac_power_w' } }))
  it('is quick on hostile names', () => {
    const started = performance.now()
    for (const name of [
      'ac '.repeat(100),
      'inverter '.repeat(5000),
      `${'total '.repeat(80)}x`,
      'A'.repeat(100_000),
      '1'.repeat(100_000),
    ])
      meaningOf(name)
    expect(performance.now() - started).toBeLessThan(500)
  })
})
