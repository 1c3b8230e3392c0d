import { describe, expect, it } from 'vitest'
import type { BucketRow } from '@heliograph/crm-core'
import type { DeviceId, RegistryDevice } from '@heliograph/crm-core/contracts'
import { FreshRows } from './fresh-rows.ts'

const DAY = 86_400_000
const HOUR = 3_600_000
const device = (id: string) => ({ id: id as DeviceId }) as RegistryDevice
const rows = (count: number): BucketRow[] =>
  Array.from({ length: count }, (_, at) => ({
    ts: at * 300_000,
    date: '1970-01-01',
    estimatedWh: 0,
    samples: 1,
    gauges: {},
  }))
const month = { from: 0, to: 31 * DAY }

describe('rows that were just computed', () => {
  it('stand for a window that they cover but for a little at its ends', () => {
    const fresh = new FreshRows()
    fresh.add({ device: device('a'), range: month, rows: rows(10) })
    const of = (from: number, to: number) => fresh.covering('a' as DeviceId, { from, to })
    expect(of(-20 * HOUR, 31 * DAY + 20 * HOUR)?.rows).toHaveLength(10)
    expect(of(-2 * DAY, 31 * DAY)).toBeUndefined()
    expect(of(0, 33 * DAY)).toBeUndefined()
    expect(fresh.covering('b' as DeviceId, month)).toBeUndefined()
  })
  it('are those of the month that is asked for, where a device has several', () => {
    const fresh = new FreshRows()
    fresh.add({ device: device('a'), range: month, rows: rows(1) })
    fresh.add({ device: device('a'), range: { from: 31 * DAY, to: 59 * DAY }, rows: rows(2) })
    expect(fresh.covering('a' as DeviceId, { from: 31 * DAY, to: 59 * DAY })?.rows).toHaveLength(2)
  })
  it('are none of a short stretch, and no more than fit', () => {
    const fresh = new FreshRows()
    fresh.add({ device: device('short'), range: { from: 0, to: DAY }, rows: rows(1) })
    fresh.add({ device: device('a'), range: month, rows: rows(1_000_000) })
    fresh.add({ device: device('b'), range: month, rows: rows(300_000) })
    fresh.add({ device: device('c'), range: month, rows: rows(9_000) })
    expect(['short', 'a', 'b', 'c'].filter((id) => fresh.covering(id as DeviceId, month))).toEqual(['a', 'c'])
    expect(fresh.covering('short' as DeviceId, { from: 0, to: DAY })).toBeUndefined()
  })
})
