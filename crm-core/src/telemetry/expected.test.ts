import { describe, expect, it } from 'vitest'
import { powerUnderIndex, solarGeometry, type Plant } from '../solar/index.ts'
import { calibrationDay, calibrationFor, MAX_FACTOR, MIN_FACTOR, type CalibrationDay } from './expected-calibration.ts'
import {
  expectedBucket,
  indexOfPeers,
  indexToldBy,
  settleGaps,
  type ExpectedBucket,
  type SiteBucket,
} from './expected.ts'
import { addDays } from './local-time.ts'
import { BUCKET_MS } from './spread.ts'

const NOON = Date.parse('2026-06-21T11:00:00Z')
const plant: Plant = {
  latitude: 48.1,
  longitude: 11.6,
  acCapacityW: 9_000,
  arrays: [{ azimuthDeg: 180, tiltDeg: 30, peakPowerW: 10_000 }],
}
const known = { factor: 1, known: true }
const bucket = (changes: Partial<SiteBucket> = {}): SiteBucket => ({
  ts: NOON,
  heard: true,
  whole: 'power',
  ...changes,
})
const model = (index: number, ts = NOON, factor = 1) =>
  powerUnderIndex(plant, solarGeometry(ts + BUCKET_MS / 2, 48.1, 11.6), index, {}, factor)

describe('five minutes of a site', () => {
  const sky = { peers: { index: 0.6, spread: 0.02 } }
  const expected = model(0.6)
  it.each<[string, Partial<SiteBucket>, object, string, boolean]>([
    ['as expected', { powerW: expected }, sky, 'ok', true],
    ['a little under, within the band', { powerW: expected * 0.9 }, sky, 'ok', true],
    ['half', { powerW: expected * 0.5 }, sky, 'under', true],
    ['more than expected', { powerW: expected * 1.3 }, sky, 'ok', true],
    ['held back', { powerW: expected * 0.5, limited: true }, sky, 'curtailed', false],
    ['not heard', { heard: false, whole: 'no' }, sky, 'no-contact', false],
    ['one inverter of two not heard', { powerW: expected / 2, whole: 'no' }, sky, 'no-contact', false],
    ['its counter told later', { heard: false, whole: 'energy', energyWh: expected / 12 }, sky, 'ok', true],
    ['nothing tells of the sky', { powerW: 10 }, {}, 'unknown', false],
    ['night', { ts: NOON + 11 * 3_600_000, powerW: 0 }, sky, 'night', false],
    ['heavy cloud', { powerW: 50 }, { peers: { index: 0.03, spread: 0 } }, 'dim', false],
    ['at its limit', { powerW: 9_000 }, { peers: { index: 1.2, spread: 0 } }, 'clipped', true],
  ])('%s', (_, changes, told, state, isCompared) => {
    const result = expectedBucket(plant, bucket(changes), known, told)
    expect([result.state, result.lossWh !== undefined]).toEqual([state, isCompared])
    if (state !== 'under') expect(result.lossWh ?? 0).toBe(0)
    else expect(result.lossWh).toBeCloseTo(result.lowW! / 12 - (expected * 0.5) / 12)
  })
  it('prefers the sensor, then the weather, then the neighbours', () => {
    const all = { weather: { index: 0.5, spread: 0 }, peers: { index: 0.6, spread: 0 } }
    expect(expectedBucket(plant, bucket({ powerW: 1, irradianceWm2: 500 }), known, all).source).toBe('irradiance')
    expect(expectedBucket(plant, bucket({ powerW: 1 }), known, all).source).toBe('weather')
    expect(expectedBucket(plant, bucket({ powerW: 1 }), known, { peers: all.peers }).source).toBe('peers')
  })
  it('has a wider band without a factor, and where neighbours differ', () => {
    const width = (result: ExpectedBucket) => result.highW! - result.lowW!
    const usual = width(expectedBucket(plant, bucket({ powerW: 1 }), known, sky))
    expect(width(expectedBucket(plant, bucket({ powerW: 1 }), { factor: 1, known: false }, sky))).toBeGreaterThan(
      usual * 1.5,
    )
    expect(
      width(expectedBucket(plant, bucket({ powerW: 1 }), known, { peers: { index: 0.6, spread: 0.3 } })),
    ).toBeGreaterThan(usual * 2)
  })
  it('an array at its sensor, several planes: the sensor speaks through the sky', () => {
    const two: Plant = {
      ...plant,
      arrays: [
        { azimuthDeg: 90, tiltDeg: 40, peakPowerW: 6_000 },
        { azimuthDeg: 270, tiltDeg: 40, peakPowerW: 4_000 },
      ],
    }
    const morning = Date.parse('2026-06-21T06:30:00Z')
    const result = expectedBucket(two, bucket({ ts: morning, powerW: 3_000, irradianceWm2: 750 }), known)
    const asOnePlane = expectedBucket(
      { peakPowerW: 10_000, acCapacityW: 9_000 },
      bucket({ ts: morning, powerW: 3_000, irradianceWm2: 750 }),
      known,
    )
    expect(result.expectedW!).toBeLessThan(asOnePlane.expectedW! * 0.8)
    // More than the sun can give there: no measure.
    expect(expectedBucket(two, bucket({ ts: morning, powerW: 3_000, irradianceWm2: 2_400 }), known).state).toBe(
      'unknown',
    )
  })
  it('is not measured without a rating', () => {
    expect(
      expectedBucket({ latitude: 48, longitude: 11 }, bucket({ irradianceWm2: 500, powerW: 1 }), known).state,
    ).toBe('unknown')
  })
})

describe('neighbours', () => {
  it('agree, three at least; who is in trouble is left out', () => {
    expect(indexOfPeers([0.5, 0.52])).toBeUndefined()
    expect(indexOfPeers([0.5, 0.52, 0.51])?.index).toBeCloseTo(0.51)
    expect(indexOfPeers([0.5, 0.52, 0.51, 0.1])?.index).toBeCloseTo(0.51)
    expect(indexOfPeers([0.5, 0.52, 0.51, 0.1, 0.12])?.index).toBeCloseTo(0.51)
    expect(indexOfPeers([1, 0.2, 0.6])!.spread).toBeGreaterThan(0.3)
  })
  it('tell their sky, unless limited, clipped, in fault, incomplete or dead', () => {
    const good = bucket({ powerW: model(0.7, NOON, 0.9) })
    expect(indexToldBy(plant, good, 0.9)).toBeCloseTo(0.7, 2)
    for (const trouble of [
      { limited: true },
      { faulted: true },
      { whole: 'no' },
      { powerW: 0 },
      { powerW: 8_990 },
    ] as const)
      expect([trouble, indexToldBy(plant, { ...good, ...trouble }, 0.9)]).toEqual([trouble, undefined])
  })
})

describe('a gap', () => {
  it('is judged as a whole, because counters tell no course', () => {
    const gap = [0, 1, 2].map((index): ExpectedBucket => ({
      ts: NOON + index * BUCKET_MS,
      expectedW: 1_200,
      lowW: 1_080,
      highW: 1_320,
      source: 'peers',
      state: 'ok',
      expectedWh: 100,
      comparedWh: [200, 60, 10][index]!,
      lossWh: [0, 30, 80][index]!,
    }))
    expect(settleGaps(gap, () => true).map(({ lossWh, state }) => [lossWh, state])).toEqual([
      [0, 'ok'],
      [0, 'ok'],
      [0, 'ok'],
    ])
    const dead = gap.map((each) => ({ ...each, comparedWh: 30 }))
    expect(settleGaps(dead, () => true).reduce((sum, { lossWh }) => sum + lossWh!, 0)).toBeCloseTo(3 * 60)
    expect(settleGaps(gap, () => false)).toEqual(gap)
  })
})

describe('the factor', () => {
  const start = Date.parse('2026-06-21T00:00:00Z')
  const day = (of: (ts: number) => Partial<SiteBucket>): SiteBucket[] =>
    Array.from({ length: 288 }, (_, index) => start + index * BUCKET_MS).map((ts) => bucket({ ts, ...of(ts) }))
  it('comes from the clear hours of a day', () => {
    const clear = calibrationDay(
      plant,
      '2026-06-21',
      day((ts) => ({ powerW: model(1, ts, 0.9) })),
    )!
    expect(clear.ratio).toBeCloseTo(0.9, 1)
    expect(clear).toMatchObject({ basis: 'clear-sky', date: '2026-06-21' })
    expect(clear.intervals).toBeGreaterThan(5)
    // Two broken hours in an otherwise clear day, and one of a fault, change nothing.
    const fault = day((ts) => {
      const hour = new Date(ts).getUTCHours()
      if (hour === 9 || hour === 10) return { powerW: model(0.6, ts, 0.9) }
      return hour === 13 ? { powerW: model(1, ts, 0.9) / 2, faulted: true } : { powerW: model(1, ts, 0.9) }
    })
    expect(calibrationDay(plant, '2026-06-21', fault)!.ratio).toBeCloseTo(clear.ratio, 2)
  })
  it('has nothing to learn from clouds, limits and gaps', () => {
    let seed = 1
    const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
    expect(
      calibrationDay(
        plant,
        'd',
        day((ts) => ({ powerW: model(0.3 + 0.7 * random(), ts) })),
      ),
    ).toBeUndefined()
    expect(
      calibrationDay(
        plant,
        'd',
        day((ts) => ({ powerW: model(1, ts), limited: true })),
      ),
    ).toBeUndefined()
    expect(
      calibrationDay(
        plant,
        'd',
        day((ts) => ({ powerW: model(1, ts), whole: 'no' })),
      ),
    ).toBeUndefined()
    expect(
      calibrationDay(
        plant,
        'd',
        day((ts) => ({ powerW: model(0.15, ts) })),
      ),
    ).toBeUndefined()
    expect(calibrationDay(plant, 'd', [])).toBeUndefined()
  })
  it('prefers the sensor, which knows haze', () => {
    const hazy = day((ts) => ({ powerW: model(0.8, ts, 0.95), irradianceWm2: 0 }))
    for (const each of hazy) {
      const geometry = solarGeometry(each.ts + BUCKET_MS / 2, 48.1, 11.6)
      each.irradianceWm2 = Math.max(0, geometry.clearGhi * 0.8)
    }
    expect(calibrationDay(plant, 'd', hazy)!.basis).toBe('irradiance')
  })
  const history = (ratios: number[], basis: CalibrationDay['basis'] = 'clear-sky'): CalibrationDay[] =>
    ratios.map((ratio, index) => ({ date: addDays('2026-05-01', index), ratio, intervals: 4, basis }))
  it('looks back over weeks, keeps to the healthy days and to its bounds', () => {
    const days = history([0.95, 0.94, 0.5, 0.95, 0.96, 0.6, 0.95])
    expect(calibrationFor('2026-05-08', days)).toEqual({ factor: 0.95, known: true })
    expect(calibrationFor('2026-05-08', history([0.2, 0.2, 0.2]))).toEqual({ factor: MIN_FACTOR, known: true })
    expect(calibrationFor('2026-05-08', history([2, 2, 2]))).toEqual({ factor: MAX_FACTOR, known: true })
    expect(calibrationFor('2026-05-08', history([0.9, 0.9]))).toEqual({ factor: 1, known: false })
    // The beginning of a history is judged by what follows it.
    expect(calibrationFor('2026-04-30', days)).toEqual({ factor: 0.95, known: true })
    expect(calibrationFor('2026-08-30', days)).toEqual({ factor: 1, known: false })
  })
  it('is the same whatever order the days come in', () => {
    const days = history([0.9, 0.91, 0.93, 0.88, 0.95])
    expect(calibrationFor('2026-05-06', days)).toEqual(calibrationFor('2026-05-06', [...days].reverse()))
  })
})
