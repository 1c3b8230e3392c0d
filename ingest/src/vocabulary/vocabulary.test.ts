import { describe, expect, it } from 'vitest'
import { DecodeError, type Rejection } from '../vendor.ts'
import {
  epochMs,
  jsonOf,
  numberOf,
  parseJson,
  put,
  reading,
  scale,
  textMs,
  textOf,
  unitFactor,
  valueIn,
  windowOf,
} from './index.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const reason = (run: () => unknown) => {
  try {
    run()
  } catch (error) {
    return error instanceof DecodeError ? error.reason : error
  }
  return 'nothing thrown'
}

describe('text and JSON', () => {
  it('drops a byte order mark and trailing NUL bytes', () => {
    expect(jsonOf(bytes('\u{feff}{"a":1}\n\0\0'))).toEqual({ a: 1 })
  })
  it.each([
    ['bad UTF-8', () => textOf(new Uint8Array([0x22, 0xff, 0x22])), 'not-utf8'],
    ['no JSON', () => parseJson('{'), 'not-json'],
    ['NaN', () => parseJson('{"a":NaN}'), 'not-json'],
    ['empty', () => parseJson(''), 'not-json'],
    ['depth 65', () => parseJson('['.repeat(65) + ']'.repeat(65)), 'too-deep'],
    ['depth 1 000 000', () => parseJson('['.repeat(1_000_000)), 'too-deep'],
    ['open string', () => parseJson('{"a":"' + '['.repeat(100)), 'not-json'],
  ])('refuses %s', (_, run, expected) => expect(reason(run)).toBe(expected))
  it('does not count brackets in strings', () => {
    expect(parseJson(`{"a":"\\\\${'['.repeat(100)}\\""}`)).toEqual({ a: `\\${'['.repeat(100)}"` })
    expect(parseJson('['.repeat(64) + ']'.repeat(64))).toBeDefined()
  })
})

describe('numbers', () => {
  it.each([
    [12.5, 12.5],
    ['12.5', 12.5],
    [' 2.16491e7 ', 21649100],
    ['+.5', 0.5],
    ['5.', 5],
    ['--', undefined],
    ['', undefined],
    [null, undefined],
    [undefined, undefined],
    ['abc', NaN],
    ['0x10', NaN],
    ['1e309', NaN],
    [Infinity, NaN],
    ['NaN', NaN],
    [{}, NaN],
    [true, NaN],
  ])('%j is %j', (value, expected) => expect(numberOf(value)).toEqual(expected))
  it('scales without dust', () => {
    expect(scale(123.456, 1000)).toBe(123456)
    expect(scale(4.35, 1000)).toBe(4350)
    expect(scale(4998, 0.01)).toBe(49.98)
    expect(scale(1234, 0.001)).toBe(1.234)
    expect(scale(-7, -1)).toBe(7)
  })
  it('knows units', () => {
    expect(unitFactor('kWh', 'energy_total_wh')).toBe(1000)
    expect(unitFactor('mW', 'ac_power_w')).toBe(0.001)
    expect(unitFactor('MW', 'ac_power_w')).toBe(1e6)
    expect(unitFactor('V', 'ac_power_w')).toBeUndefined()
    expect(unitFactor('°C', 'inverter_temp_c')).toBe(1)
  })
})

describe('times', () => {
  it.each([
    ['2021-11-26T10:47:53+01:00', undefined, Date.UTC(2021, 10, 26, 9, 47, 53)],
    ['2021-11-26T10:47:53.123Z', undefined, Date.UTC(2021, 10, 26, 10, 47, 53, 123)],
    ['2021-11-26 10:47', 'Europe/Berlin', Date.UTC(2021, 10, 26, 9, 47)],
    ['20230801123000', 'Asia/Kolkata', Date.UTC(2023, 7, 1, 7, 0)],
    ['2021-11-26 10:47:53', undefined, undefined],
    ['2021-11-26 10:47:53', 'Nowhere/Land', undefined],
    ['2021-02-30T00:00:00Z', undefined, undefined],
    ['2024-10-27 02:30:00', 'Europe/Berlin', Date.UTC(2024, 9, 27, 0, 30)],
    ['2024-03-31 02:30:00', 'Europe/Berlin', Date.UTC(2024, 2, 31, 1, 30)],
    ['yesterday', 'Europe/Berlin', undefined],
  ])('%s in %s', (text, zone, expected) => expect(textMs(text, zone)).toBe(expected))
  it('tells seconds from milliseconds and zero from a time', () => {
    expect(epochMs(1680176747)).toBe(1680176747000)
    expect(epochMs('1680176747000')).toBe(1680176747000)
    expect(epochMs(0)).toBeUndefined()
  })
})

describe('reading builder', () => {
  it('keeps the good values and rejects the bad ones', () => {
    const rejected: Rejection[] = []
    const built = reading('a', { ts: 5, tsSource: 'device' }, rejected)
      .metric('ac_power_w', '1.5', 1000)
      .metric('energy_total_wh', 1e16)
      .metric('frequency_hz', null)
      .metric('inverter_temp_c', 'hot')
      .metric('load_power_w', 0, -1)
      .dc(1, { voltage_v: 300, power_w: 30 })
      .dc(2, { voltage_v: null })
      .sumDc()
      .extra('__proto__', 1)
      .build()
    expect(built).toEqual({
      device: 'a',
      ts: 5,
      tsSource: 'device',
      metrics: { ac_power_w: 1500, load_power_w: 0, dc_power_w: 30 },
      dc: [{}, { voltage_v: 300, power_w: 30 }],
      quality: [],
    })
    expect(rejected.map((one) => one.reason)).toEqual(['out-of-bounds', 'invalid-field'])
  })
})

describe('windows', () => {
  const options = { windowMs: 2000, carryMs: 60_000, maxDevices: 2, maxValues: 2 }
  it('carries recent values, drops old ones, keeps to its bounds', () => {
    const state = { devices: {} }
    const first = windowOf(state, 'a', 1000, options)
    put(first, 'x', 1, 1000, options)
    expect(windowOf(state, 'a', 2999, options).start).toBe(1000)
    const second = windowOf(state, 'a', 3000, options)
    expect([second.start, valueIn(second, 'x')]).toEqual([3000, 1])
    expect(valueIn(windowOf(state, 'a', 61_000, options), 'x')).toBeUndefined()
    put(second, 'x', 1, 61_000, options)
    put(second, 'y', 1, 61_000, options)
    expect(put(second, 'z', 1, 61_000, options)).toBe(false)
    expect(put(second, '__proto__', 1, 61_000, options)).toBe(false)
    windowOf(state, 'b', 62_000, options)
    windowOf(state, 'c', 63_000, options)
    expect(Object.keys(state.devices)).toEqual(['b', 'c'])
  })
})
