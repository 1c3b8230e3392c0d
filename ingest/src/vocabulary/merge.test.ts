import type { DecodedReading } from '@heliograph/crm-core/contracts'
import { describe, expect, it } from 'vitest'
import { joinInstant, type LastReadings } from './merge.ts'

const at = (device: string, ts: number, rest: Partial<DecodedReading> = {}): DecodedReading => ({
  device,
  ts,
  tsSource: 'device',
  metrics: {},
  quality: [],
  ...rest,
})

describe('joining bodies of one instant', () => {
  it('keeps what only the earlier body had, and the later value of what both had', () => {
    const last: LastReadings = {}
    joinInstant(
      last,
      at('a', 1, { metrics: { ac_power_w: 1, frequency_hz: 50 }, dc: [{ voltage_v: 400 }], faults: [] }),
    )
    const joined = joinInstant(
      last,
      at('a', 1, { metrics: { ac_power_w: 2 }, dc: [{ current_a: 3 }, { voltage_v: 1 }], quality: ['stale'] }),
    )
    expect(joined).toMatchObject({
      metrics: { ac_power_w: 2, frequency_hz: 50 },
      dc: [{ voltage_v: 400, current_a: 3 }, { voltage_v: 1 }],
      quality: ['stale'],
      faults: [],
    })
  })
  it('carries nothing into another instant', () => {
    const last: LastReadings = {}
    joinInstant(last, at('a', 1, { metrics: { frequency_hz: 50 } }))
    expect(joinInstant(last, at('a', 2, { metrics: { ac_power_w: 2 } })).metrics).toEqual({ ac_power_w: 2 })
  })
  it('stays bounded and leaves prototypes alone', () => {
    const last: LastReadings = {}
    for (let i = 0; i < 1000; i++) joinInstant(last, at(`d${i}`, 1), 50)
    expect(Object.keys(last)).toHaveLength(50)
    expect(Object.keys(last).at(-1)).toBe('d999')
    joinInstant(last, at('__proto__', 1))
    expect(Object.getPrototypeOf(last)).toBe(Object.prototype)
  })
})
