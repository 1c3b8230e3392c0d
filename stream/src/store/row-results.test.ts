import { describe, expect, it } from 'vitest'
import type { DeviceId, Reading } from '@heliograph/crm-core/contracts'
import { RowResults } from './row-results.ts'

const reading = (device: string, ts: number, power: number): Reading =>
  ({ deviceId: device as DeviceId, ts, metrics: { ac_power_w: power }, quality: [] }) as unknown as Reading

describe('row results', () => {
  it('tells the first, the same again, and another one of the same instant', () => {
    const results = new RowResults()
    expect(results.of([reading('a', 1, 5), reading('a', 1, 5), reading('a', 1, 6), reading('b', 1, 5)])).toEqual(
      new Map([
        ['stored', 2],
        ['duplicate', 1],
        ['superseded', 1],
      ]),
    )
    expect(results.of([reading('a', 1, 6)])).toEqual(new Map([['duplicate', 1]]))
  })

  it('forgets the oldest instants of a device, and counts every reading once whatever it remembers', () => {
    const results = new RowResults()
    const many = Array.from({ length: 1_000 }, (_, ts) => reading('a', ts, 1))
    expect(results.of(many)).toEqual(new Map([['stored', 1_000]]))
    const again = results.of(many.slice(-10))
    expect([...again.values()].reduce((sum, count) => sum + count)).toBe(10)
    expect(again.get('duplicate')).toBe(10)
    expect(results.of(many.slice(0, 1))).toEqual(new Map([['stored', 1]]))
  })
})
