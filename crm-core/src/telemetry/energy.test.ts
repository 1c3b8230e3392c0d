import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  DeviceFold,
  medianSpacing,
  powerSteps,
  type BucketRow,
  type FoldDevice,
  type FoldReading,
} from './device-fold.ts'
import { BUCKET_MS } from './spread.ts'

const berlin: FoldDevice = { timezone: 'Europe/Berlin', latitude: 52.5, longitude: 13.4, peakPowerW: 10_000 }
const noon = Date.UTC(2026, 5, 1, 10)
const MINUTE = 60_000

function fold(readings: FoldReading[], device = berlin): BucketRow[] {
  const state = new DeviceFold(device)
  for (const reading of readings) state.push(reading)
  return state.rows()
}
const total = (rows: BucketRow[]): number => rows.reduce((sum, row) => sum + (row.energyWh ?? 0), 0)
const counter = (ts: number, wh: number, more: Partial<FoldReading> = {}): FoldReading => ({
  ts,
  metrics: { energy_total_wh: wh },
  ...more,
})

describe('a fold that goes on', () => {
  const after = (readings: FoldReading[]): DeviceFold => {
    const state = new DeviceFold(berlin)
    for (const reading of readings) state.push(reading)
    return state
  }
  const hour = Array.from({ length: 13 }, (_, step) => counter(noon + step * BUCKET_MS, 1000 + step))
  it('is left alone by what came before all it has seen, once three readings lie before what it keeps', () => {
    const state = after(hour)
    expect(state.isBeyond(noon - 1, noon + 12 * BUCKET_MS)).toBe(true)
    expect(state.isBeyond(noon, noon + 12 * BUCKET_MS)).toBe(false)
    expect(state.isBeyond(noon - 1, noon + 2 * BUCKET_MS)).toBe(false)
    expect(after(hour.slice(0, 2)).isBeyond(noon - 1, noon + 12 * BUCKET_MS)).toBe(false)
  })
  it('asks so of each of its counters', () => {
    const metered = (count: number) =>
      after(
        hour.map((reading, step) =>
          step < count ? { ...reading, metrics: { ...reading.metrics, import_total_wh: step } } : reading,
        ),
      )
    expect(metered(2).isBeyond(noon - 1, noon + 12 * BUCKET_MS)).toBe(false)
    expect(metered(3).isBeyond(noon - 1, noon + 12 * BUCKET_MS)).toBe(true)
  })
})

describe('energy from a lifetime counter', () => {
  it('lays a small step on the buckets it crosses', () => {
    const rows = fold([counter(noon, 1000), counter(noon + 8 * MINUTE, 1800)])
    expect(rows.map(({ ts, energyWh }) => [ts - noon, energyWh])).toEqual([
      [0, 500],
      [BUCKET_MS, 300],
    ])
    expect(rows.every(({ method, estimatedWh }) => method === 'counter' && estimatedWh === 0)).toBe(true)
  })
  it('keeps the total of a gap and lays it where the sun was up', () => {
    const evening = Date.UTC(2026, 5, 1, 16)
    const rows = fold([counter(evening, 1000), counter(evening + 24 * 60 * MINUTE, 21_000)])
    expect(total(rows)).toBeCloseTo(20_000, 6)
    expect(rows.reduce((sum, row) => sum + row.estimatedWh, 0)).toBeCloseTo(20_000, 6)
    const midnight = rows.find(({ ts }) => ts === Date.UTC(2026, 5, 1, 23))
    expect(midnight?.energyWh ?? 0).toBe(0)
  })
  it('lays a gap on the hours 6 to 20 where the place is unknown', () => {
    const device = { timezone: 'Asia/Kathmandu', peakPowerW: 10_000 }
    const rows = fold([counter(noon, 0), counter(noon + 48 * 60 * MINUTE, 28_000)], device)
    const hours = new Set(
      rows.filter((row) => (row.energyWh ?? 0) > 0).map(({ ts }) => new Date(ts + 5.75 * 3_600_000).getUTCHours()),
    )
    expect(Math.min(...hours)).toBe(6)
    expect(Math.max(...hours)).toBe(19)
    expect(total(rows)).toBeCloseTo(28_000, 6)
  })
  it.each([
    ['a restart at zero', [5_000_000, 5_000_100, 50, 150, 250], 100 + 50 + 200],
    ['a device exchanged for one with a lower count', [5_000_000, 5_000_100, 800_000, 800_100], 200],
    ['a device exchanged for one with a higher count', [5_000_000, 5_000_100, 9_000_000, 9_000_100], 200],
    ['one zero after a reboot', [5_000_000, 5_000_100, 0, 5_000_300, 5_000_400], 400],
    ['one absurd value', [5_000_000, 5_000_100, 4e9, 5_000_300, 5_000_400], 400],
    ['a wobble of the last digit', [5_000_000, 5_000_100, 5_000_099, 5_000_200], 200],
    ['a restart that nothing explains yet', [5_000_000, 5_000_100, 10], 100],
  ])('%s', (_, values, expected) => {
    const rows = fold(values.map((wh, index) => counter(noon + index * 5 * MINUTE, wh)))
    expect(total(rows)).toBeCloseTo(expected, 6)
  })
  it('is not held back by a rating somebody mistyped', () => {
    const readings = [0, 1, 2, 3].map((index) => ({
      ts: noon + index * 60 * MINUTE,
      metrics: { energy_total_wh: 1e6 + index * 5000, ac_power_w: 5000 },
    }))
    expect(total(fold(readings, { ...berlin, peakPowerW: 5 }))).toBeCloseTo(15_000, 6)
  })
  it('owns the days between two of its readings', () => {
    const power = Array.from({ length: 288 }, (_, index) => ({
      ts: noon + (index + 150) * 5 * MINUTE,
      metrics: { ac_power_w: 1000 },
    }))
    const rows = fold([counter(noon, 0), ...power, counter(noon + 72 * 60 * MINUTE, 5000)])
    expect(total(rows)).toBeCloseTo(5000, 6)
    expect(new Set(rows.filter((row) => row.energyWh).map(({ method }) => method))).toEqual(new Set(['counter']))
  })
  it('gives between any two readings exactly the rise, however the readings are spaced', () => {
    const steps = fc.array(
      fc.record({ gap: fc.integer({ min: 1, max: 3 * 24 * 60 }), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      { minLength: 1, maxLength: 40 },
    )
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: BUCKET_MS }), (list, phase) => {
        let ts = noon + phase
        let wh = 1_000_000
        const readings = [counter(ts, wh)]
        for (const { gap, share } of list) {
          ts += gap * MINUTE
          wh += share * 10_000 * (gap / 60)
          readings.push(counter(ts, wh))
        }
        const rows = fold(readings)
        expect(total(rows)).toBeCloseTo(wh - 1_000_000, 3)
        expect(rows.every((row) => (row.energyWh ?? 0) >= -1e-9)).toBe(true)
        // Buckets between two readings that lie on bucket borders.
        const middle = readings[readings.length >> 1]!
        const before = fold(readings.filter((reading) => reading.ts <= middle.ts))
        expect(total(before)).toBeCloseTo(middle.metrics.energy_total_wh! - 1_000_000, 3)
      }),
      { numRuns: 200 },
    )
  })
})

describe('energy from other sources', () => {
  it('uses the day counter only where there is no lifetime counter', () => {
    const day = (ts: number, wh: number): FoldReading => ({ ts, metrics: { energy_day_wh: wh } })
    const start = Date.UTC(2026, 4, 31, 22)
    const readings = [
      day(start - 60 * MINUTE, 30_000),
      // After midnight it still shows yesterday.
      day(start + 5 * MINUTE, 30_000),
      day(start + 6 * 60 * MINUTE, 30_000),
      day(start + 7 * 60 * MINUTE, 200),
      day(start + 8 * 60 * MINUTE, 1000),
      // Woke up again after a dark cloud.
      day(start + 9 * 60 * MINUTE, 100),
      day(start + 10 * 60 * MINUTE, 600),
    ]
    const rows = fold(readings)
    const today = rows.filter(({ date }) => date === '2026-06-01')
    expect(total(today)).toBeCloseTo(200 + 800 + 100 + 500, 6)
    expect(today.every(({ method }) => method === 'counter')).toBe(true)
    const both = readings.map((reading, index) => ({
      ...reading,
      metrics: { ...reading.metrics, energy_total_wh: 1e6 + index },
    }))
    expect(total(fold(both))).toBeCloseTo(6, 6)
  })
  it('lays energy of intervals before the time they are told at', () => {
    const rows = fold([
      { ts: noon, metrics: { energy_interval_wh: 100, interval_s: 300 } },
      { ts: noon + 15 * MINUTE, metrics: { energy_interval_wh: 300, interval_s: 900 } },
      { ts: noon + 20 * MINUTE, metrics: { energy_interval_wh: -3, interval_s: 300 } },
    ])
    expect(rows.filter(({ energyWh }) => energyWh! > 0).map(({ ts, energyWh }) => [ts - noon, energyWh])).toEqual([
      [-BUCKET_MS, 100],
      [0, 100],
      [BUCKET_MS, 100],
      [2 * BUCKET_MS, 100],
    ])
    expect(rows.every(({ method }) => method === 'interval')).toBe(true)
  })
  it('integrates power up to the nominal interval, never across a gap, never below zero', () => {
    const times = [0, 5, 10, 15, 60, 65].map((minutes) => noon + minutes * MINUTE)
    const steps = powerSteps(times, [1200, 1200, -50, 1200, 1200, 1200], noon + 24 * 60 * MINUTE)
    expect(steps.map(({ wh }) => wh)).toEqual([100, 100, 0, 100, 100, 100])
    expect(medianSpacing(times)).toBe(5 * MINUTE)
    const rows = fold(
      times.map((ts, index) => ({ ts, metrics: { ac_power_w: [1200, 1200, -50, 1200, 1200, 1200][index]! } })),
    )
    expect(total(rows)).toBe(500)
    expect(rows.every(({ method }) => method === 'power')).toBe(true)
  })
  it('does not count what a gateway repeats of a device it cannot reach', () => {
    const rows = fold([
      { ts: noon, metrics: { ac_power_w: 1200 } },
      { ts: noon + 5 * MINUTE, metrics: { ac_power_w: 1200 }, quality: ['stale'] },
      { ts: noon + 10 * MINUTE, metrics: { ac_power_w: 1200 }, quality: ['stale'] },
    ])
    expect(total(rows)).toBe(100)
    expect(rows.reduce((sum, { samples }) => sum + samples, 0)).toBe(3)
  })
  it('keeps import and export apart from production', () => {
    const rows = fold([
      { ts: noon, metrics: { import_total_wh: 5e6, export_total_wh: 1e6, grid_power_w: -200 } },
      { ts: noon + 5 * MINUTE, metrics: { import_total_wh: 5e6 + 10, export_total_wh: 1e6 + 30, grid_power_w: 400 } },
    ])
    expect(rows[0]).toMatchObject({ importWh: 10, exportWh: 30, samples: 1 })
    expect(rows[0]!.energyWh).toBeUndefined()
    expect(rows[1]!.gauges.grid_power_w).toEqual({ avg: 400, min: 400, max: 400 })
  })
})
