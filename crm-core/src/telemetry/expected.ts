/**
 * What a site should have given in five minutes, and what of it is lost. The light comes from the site's own sensor, else from a
 * weather service, else from what healthy neighbours give; a clear sky alone says nothing. Method: infra/docs/expected-power.md.
 */
import type { ExpectedSource, ExpectedState } from '@heliograph/crm-core/contracts'
import {
  hasSeveralPlanes,
  indexOfPlaneIrradiance,
  indexOfPower,
  knowsItsSky,
  largestArray,
  peakPowerOf,
  powerUnderIndex,
  powerUnderPlaneIrradiance,
  solarGeometry,
  type Plant,
  type PlantWeather,
  type SolarGeometry,
} from '../solar/plant-model.ts'
import { DAYLIGHT_ELEVATION_DEG } from '../solar/sun-position.ts'
import { BUCKET_MS } from './spread.ts'

/** Five minutes of a site as the roll-ups have them. Absent is not measured. */
export interface SiteBucket {
  /** Start, UTC milliseconds. */
  ts: number
  /** Mean AC power of the production, W. */
  powerW?: number
  /** Production, Wh; a rise over a gap is spread over it. */
  energyWh?: number
  /** Any reading of the site fell into it. */
  heard: boolean
  /** Every device of the production was heard, or at least its counter tells of this time. */
  whole: 'power' | 'energy' | 'no'
  irradianceWm2?: number
  ambientC?: number
  windMs?: number
  moduleC?: number
  /** A device was told to give less. */
  limited?: boolean
  /** A device told a fault. */
  faulted?: boolean
}
/** The site's bounded factor, and whether it rests on enough clear intervals. */
export interface Calibration {
  factor: number
  known: boolean
}
/** What the neighbours or the weather say of the sky: its index, and how far it may be off (share of it). */
export interface SkyIndex {
  index: number
  spread: number
}
export interface ExpectedBucket {
  ts: number
  /** W: the expectation and its band. Absent: not measured. */
  expectedW?: number
  lowW?: number
  highW?: number
  source?: ExpectedSource
  state: ExpectedState
  /** Wh that were expected, made, and lost, where both are known and may be compared. */
  expectedWh?: number
  comparedWh?: number
  lossWh?: number
}

/** Half width of the band as a share of the expectation: what model and sensor do not know. */
const BAND: Record<ExpectedSource, number> = { irradiance: 0.08, weather: 0.3, peers: 0.1 }
/** A site without clear intervals yet: its factor may be anything between the bounds. */
const UNCALIBRATED_BAND = 0.25
/** And as a share of the rating: at low power everything is relative. */
const BAND_OF_PEAK = 0.01
/** Below this share of the rating there is too little light to compare. */
const DIM_SHARE = 0.05
/** From this share of its capacity an inverter is at its limit. */
const CLIPPED_SHARE = 0.98

/** Neighbours: how near, how many are asked, how many must agree. */
export const PEER_KM = 25
export const MAX_PEERS = 12
export const MIN_PEERS = 3
/** A darker sky than this is none by day: a plant that says so is in trouble. */
const MIN_INDEX = 0.03
/** A plant below this share of its rating under a clear sky is no sensor. */
const MIN_CLEAR_SHARE = 0.1
/** Further from the middle of the others than this (or three of their scaled deviations) is an outlier. */
const MIN_OUTLIER = 0.15
/** A median absolute deviation as the standard deviation of a normal distribution. */
const MAD_SCALE = 1.4826

const middleOf = (ts: number): number => ts + BUCKET_MS / 2

export function geometryOf(plant: Plant, ts: number): SolarGeometry | undefined {
  return plant.latitude === undefined || plant.longitude === undefined
    ? undefined
    : solarGeometry(middleOf(ts), plant.latitude, plant.longitude)
}
const isDark = (geometry: SolarGeometry): boolean => geometry.sun.elevationDeg < DAYLIGHT_ELEVATION_DEG
const weatherOf = ({ ambientC, windMs, moduleC }: SiteBucket): PlantWeather => ({
  ...(ambientC !== undefined && { ambientC }),
  ...(windMs !== undefined && { windMs }),
  ...(moduleC !== undefined && { moduleC }),
})
const isClipped = (plant: Plant, powerW: number): boolean =>
  plant.acCapacityW !== undefined && powerW >= CLIPPED_SHARE * plant.acCapacityW

/** The sky index that a site's own power tells its neighbours; undefined where it is in trouble or at a limit. */
export function indexToldBy(plant: Plant, bucket: SiteBucket, factor: number): number | undefined {
  const { powerW } = bucket
  if (powerW === undefined || bucket.whole !== 'power' || bucket.limited || bucket.faulted) return undefined
  if (!knowsItsSky(plant) || isClipped(plant, powerW)) return undefined
  const geometry = geometryOf(plant, bucket.ts)!
  if (isDark(geometry)) return undefined
  const weather = weatherOf(bucket)
  if (powerUnderIndex(plant, geometry, 1, weather, factor) < MIN_CLEAR_SHARE * peakPowerOf(plant)!) return undefined
  const index = indexOfPower(plant, geometry, powerW, weather, factor)
  return index === undefined || index < MIN_INDEX ? undefined : index
}

/** What most neighbours agree on; undefined where fewer than three do. */
export function indexOfPeers(told: readonly number[]): SkyIndex | undefined {
  if (told.length < MIN_PEERS) return undefined
  const middle = median(told)
  const deviation = MAD_SCALE * median(told.map((index) => Math.abs(index - middle)))
  const allowed = Math.max(MIN_OUTLIER * middle, 3 * deviation)
  const agreeing = told.filter((index) => Math.abs(index - middle) <= allowed)
  if (agreeing.length < MIN_PEERS) return undefined
  const index = median(agreeing)
  return { index, spread: (MAD_SCALE * median(agreeing.map((each) => Math.abs(each - index)))) / index }
}
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** AC power that the site's own sensor lets expect, W. The sensor lies in the plane of the (largest) array. */
export function powerOfSensor(plant: Plant, bucket: SiteBucket, factor: number): number | undefined {
  const { irradianceWm2 } = bucket
  if (irradianceWm2 === undefined) return undefined
  const arrays = plant.arrays ?? []
  const geometry = geometryOf(plant, bucket.ts)
  if (geometry && hasSeveralPlanes(arrays)) {
    if (geometry.cosZenith <= 0) return 0
    const index = indexOfPlaneIrradiance(largestArray(arrays)!, geometry, Math.max(0, irradianceWm2))
    // Out of reach: the sensor does not lie where it is said to, or is broken.
    return index === undefined ? undefined : powerUnderIndex(plant, geometry, index, weatherOf(bucket), factor)
  }
  return powerUnderPlaneIrradiance(plant, irradianceWm2, weatherOf(bucket), factor)
}

interface Expectation {
  power: number
  source: ExpectedSource
  spread: number
}
function expectationOf(
  plant: Plant,
  bucket: SiteBucket,
  factor: number,
  sky: { weather?: SkyIndex; peers?: SkyIndex },
  geometry: SolarGeometry | undefined,
): Expectation | undefined {
  const sensed = powerOfSensor(plant, bucket, factor)
  if (sensed !== undefined) return { power: sensed, source: 'irradiance', spread: 0 }
  if (!geometry || !knowsItsSky(plant)) return undefined
  for (const source of ['weather', 'peers'] as const) {
    const told = sky[source]
    if (told)
      return {
        power: powerUnderIndex(plant, geometry, told.index, weatherOf(bucket), factor),
        source,
        spread: told.spread,
      }
  }
  return undefined
}

/** Expectation, band and state of five minutes; the loss of gaps comes from `settleGaps`. */
export function expectedBucket(
  plant: Plant,
  bucket: SiteBucket,
  { factor, known }: Calibration,
  sky: { weather?: SkyIndex; peers?: SkyIndex } = {},
): ExpectedBucket {
  const { ts } = bucket
  const peak = peakPowerOf(plant)
  const geometry = geometryOf(plant, ts)
  if (geometry && isDark(geometry)) return { ts, state: 'night' }
  const expectation = peak === undefined ? undefined : expectationOf(plant, bucket, factor, sky, geometry)
  if (!expectation) return { ts, state: 'unknown' }
  const { power, source, spread } = expectation
  const share = (known ? BAND[source] : Math.max(BAND[source], UNCALIBRATED_BAND)) + spread
  const tolerance = power * Math.min(1, share) + peak! * BAND_OF_PEAK
  const lowW = Math.max(0, power - tolerance)
  const highW = Math.min(plant.acCapacityW ?? Number.POSITIVE_INFINITY, power + tolerance)
  const result: ExpectedBucket = { ts, expectedW: power, lowW, highW: Math.max(power, highW), source, state: 'ok' }
  if (power < peak! * DIM_SHARE) return { ...result, state: 'dim' }
  if (bucket.limited) return { ...result, state: 'curtailed' }
  if (bucket.powerW !== undefined && bucket.whole === 'power') {
    if (isClipped(plant, bucket.powerW)) result.state = 'clipped'
    return compared(result, wh(bucket.powerW))
  }
  // Not heard: what its counters told of this time is compared over the whole gap, because its course is not known.
  if (bucket.whole === 'energy' && bucket.energyWh !== undefined) return compared(result, bucket.energyWh)
  return { ...result, state: 'no-contact' }
}

const wh = (power: number): number => (power * BUCKET_MS) / 3_600_000
function compared(result: ExpectedBucket, comparedWh: number): ExpectedBucket {
  const lossWh = result.state === 'clipped' ? 0 : Math.max(0, wh(result.lowW!) - comparedWh)
  return {
    ...result,
    state: lossWh > 0 ? 'under' : result.state,
    expectedWh: wh(result.expectedW!),
    comparedWh,
    lossWh,
  }
}

/**
 * Counters tell the sum over a gap, not its course: its loss is judged over each gap as a whole and spread over its buckets.
 * @param buckets in order of time
 * @param isGap whether a bucket's production was told by counters alone
 */
export function settleGaps(buckets: readonly ExpectedBucket[], isGap: (ts: number) => boolean): ExpectedBucket[] {
  const result = [...buckets]
  for (let first = 0; first < result.length; first++) {
    if (!inGap(result[first]!, isGap)) continue
    let end = first
    while (
      end < result.length &&
      inGap(result[end]!, isGap) &&
      (end === first || result[end]!.ts - result[end - 1]!.ts === BUCKET_MS)
    )
      end++
    const gap = result.slice(first, end)
    const low = gap.reduce((sum, { lowW }) => sum + wh(lowW!), 0)
    const made = gap.reduce((sum, { comparedWh }) => sum + comparedWh!, 0)
    const loss = Math.max(0, low - made)
    for (const [index, bucket] of gap.entries())
      result[first + index] = {
        ...bucket,
        state: loss > 0 ? 'under' : 'ok',
        lossWh: low > 0 ? (loss * wh(bucket.lowW!)) / low : 0,
      }
    first = end - 1
  }
  return result
}
const inGap = (bucket: ExpectedBucket, isGap: (ts: number) => boolean): boolean =>
  bucket.comparedWh !== undefined && isGap(bucket.ts)
