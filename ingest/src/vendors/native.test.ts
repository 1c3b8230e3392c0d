import { describe, expect, it } from 'vitest'
import { DecodeError } from '../vendor.ts'
import { native } from './native.ts'

const decode = (body: unknown) =>
  native.decode(
    {
      body: new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body)),
      transport: 'mqtt',
      receivedAt: 1_700_000_000_000,
    },
    undefined,
  )
const reasonOf = (body: unknown) => {
  try {
    decode(body)
  } catch (error) {
    return error instanceof DecodeError ? error.reason : error
  }
  return undefined
}

describe('native', () => {
  it.each([
    ['a number', '5', 'unknown-format'],
    ['a word', '"a"', 'unknown-format'],
    ['no metrics', { device: 'a' }, 'unknown-format'],
    ['no device', { metrics: { ac_power_w: 1 } }, 'invalid-field'],
    ['a device with a control character', { device: 'a\u0000b', metrics: {} }, 'invalid-field'],
    ['a device of 201 characters', { device: 'a'.repeat(201), metrics: {} }, 'invalid-field'],
    ['text for a number', { device: 'a', metrics: { ac_power_w: '5' } }, 'invalid-field'],
    ['an unknown metric that is no number', { device: 'a', metrics: { mood: 'good' } }, 'invalid-field'],
    ['1e309', '{"device":"a","metrics":{"ac_power_w":1e309}}', 'out-of-bounds'],
    ['1e309 in an unknown metric', '{"device":"a","metrics":{"mood":1e309}}', 'out-of-bounds'],
    ['1e309 in a channel', '{"device":"a","dc":[{"voltage_v":1e309}]}', 'out-of-bounds'],
    ['2^53+1', '{"device":"a","metrics":{"energy_total_wh":9007199254740993}}', 'out-of-bounds'],
    ['a negative counter', { device: 'a', metrics: { energy_total_wh: -1 } }, 'out-of-bounds'],
    ['a local time', { device: 'a', ts: '2025-01-01T10:00:00', metrics: {} }, 'invalid-field'],
    ['a time beyond all dates', { device: 'a', ts: 1e17, metrics: {} }, 'out-of-bounds'],
    ['a quality that only an import may claim', { device: 'a', metrics: {}, quality: ['backfill'] }, 'invalid-field'],
    ['65 channels', { device: 'a', dc: Array.from({ length: 65 }, () => ({})) }, 'invalid-field'],
    ['an unknown key in a channel', { device: 'a', dc: [{ volts: 1 }] }, 'invalid-field'],
    ['a __proto__ in metrics', '{"device":"a","metrics":{"__proto__":1}}', 'invalid-field'],
    ['broken pretty-printed JSON', '{\n"device": "a",\n"metrics": {\n', 'not-json'],
    ['20 001 items', `[${'{},'.repeat(20_000)}{}]`, 'too-large'],
  ])('refuses %s', (_, body, reason) => expect(reasonOf(body)).toBe(reason))

  it('sums rejections up beyond the first hundred', () => {
    const { readings, rejected } = decode([
      ...Array.from({ length: 5000 }, () => 0),
      { device: 'a', metrics: { ac_power_w: 1 } },
    ])
    expect(readings).toHaveLength(1)
    expect(rejected).toHaveLength(101)
    expect(rejected?.at(-1)?.detail).toBe('and 4900 more bad items')
  })

  it('takes seconds for what they are, 1970: the stage behind says that the clock is wrong', () => {
    expect(decode({ device: 'a', ts: 1_700_000_000, metrics: { ac_power_w: 1 } }).readings[0]?.ts).toBe(1_700_000_000)
  })

  it('takes pretty-printed JSON and a list over several lines', () => {
    expect(decode(JSON.stringify({ device: 'a', metrics: { ac_power_w: 1 } }, null, 2)).readings).toHaveLength(1)
    expect(decode(JSON.stringify([{ device: 'a', metrics: { ac_power_w: 1 } }], null, 2)).readings).toHaveLength(1)
  })
})
