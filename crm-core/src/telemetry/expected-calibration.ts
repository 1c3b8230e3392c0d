/**
 * A site's factor: what its model says too much or too little, from the days on which it was healthy and the light steady. One
 * figure per day is kept; the factor of a day follows from those of the weeks before it, so that it is the same whenever it is
 * computed, and late data change it where they change one of those.
 */
import { knowsItsSky, peakPowerOf, powerUnderIndex, type Plant } from '../solar/plant-model.ts'
import { addDays } from './local-time.ts'
import { geometryOf, median, powerOfSensor, type Calibration, type SiteBucket } from './expected.ts'
import { BUCKET_MS } from './spread.ts'

export const MIN_FACTOR = 0.7
export const MAX_FACTOR = 1.15
/** Days that a factor looks back over, and how many of them must have clear intervals. */
export const CALIBRATION_DAYS = 42
const MIN_DAYS = 3
/** An hour of steady light. */
const INTERVAL = 12
const MIN_ELEVATION_DEG = 15
/** Power over the model's may vary by this share of its mean within an interval: a clear sky, not passing clouds. */
const STEADY = 0.03
/** Under less of a clear sky than this a steady curve is an overcast one, or a plant in trouble. */
const MIN_CLEAR = 0.6
/** More than this over a clear sky is the edge of a cloud, or a rating that is wrong. */
const MAX_OVER_CLEAR = 1.25
/** Clear intervals of a day below this share of its best are those of a fault or a shadow. */
const HEALTHY = 0.9
/** The healthy level of several weeks: soiling, snow and outages only ever lower a day. */
const HEALTHY_QUANTILE = 0.75
/** Factors differ by a hundredth: what differs by less is the same, so that a late reading changes few days. */
const STEPS = 100

export interface CalibrationDay {
  /** Local day. */
  date: string
  /** Power over modelled power in its healthy clear intervals. */
  ratio: number
  /** How many intervals of an hour it rests on. */
  intervals: number
  basis: 'irradiance' | 'clear-sky'
}

/** The figure of one local day; undefined where it had no healthy clear interval. @param buckets of that day, in order */
export function calibrationDay(plant: Plant, date: string, buckets: readonly SiteBucket[]): CalibrationDay | undefined {
  // The site's own sensor knows haze that a clear sky of the model does not.
  for (const basis of ['irradiance', 'clear-sky'] as const) {
    const ratios = intervalRatios(plant, buckets, basis)
    if (ratios.length === 0) continue
    const best = Math.max(...ratios)
    const healthy = ratios.filter((ratio) => ratio >= HEALTHY * best)
    return { date, ratio: Math.round(median(healthy) * 1_000) / 1_000, intervals: healthy.length, basis }
  }
  return undefined
}

function intervalRatios(plant: Plant, buckets: readonly SiteBucket[], basis: CalibrationDay['basis']): number[] {
  const found: number[] = []
  let run: number[] = []
  let before = Number.NaN
  for (const bucket of buckets) {
    const ratio = ratioOf(plant, bucket, basis)
    if (ratio === undefined || bucket.ts !== before + BUCKET_MS) run = []
    before = bucket.ts
    if (ratio === undefined) continue
    run.push(ratio)
    if (run.length < INTERVAL) continue
    const mean = run.reduce((sum, each) => sum + each, 0) / run.length
    const steady = Math.sqrt(run.reduce((sum, each) => sum + (each - mean) ** 2, 0) / run.length) <= STEADY * mean
    if (steady && mean >= MIN_CLEAR * MIN_FACTOR) {
      found.push(mean)
      run = []
    } else run.shift()
  }
  return found
}
/** Power over what the model says without a factor; undefined where the two may not be compared. */
function ratioOf(plant: Plant, bucket: SiteBucket, basis: CalibrationDay['basis']): number | undefined {
  const { powerW, limited, faulted, whole } = bucket
  const peak = peakPowerOf(plant)
  if (powerW === undefined || peak === undefined || limited || faulted || whole !== 'power') return undefined
  const capacity = plant.acCapacityW ?? peak
  if (powerW >= 0.95 * capacity) return undefined
  const geometry = geometryOf(plant, bucket.ts)
  if (geometry && geometry.sun.elevationDeg < MIN_ELEVATION_DEG) return undefined
  const weather = {
    ...(bucket.ambientC !== undefined && { ambientC: bucket.ambientC }),
    ...(bucket.windMs !== undefined && { windMs: bucket.windMs }),
    ...(bucket.moduleC !== undefined && { moduleC: bucket.moduleC }),
  }
  let model: number | undefined
  if (basis === 'irradiance') {
    if ((bucket.irradianceWm2 ?? 0) < 300) return undefined
    model = powerOfSensor(plant, bucket, 1)
  } else {
    if (!geometry || !knowsItsSky(plant)) return undefined
    model = powerUnderIndex(plant, geometry, 1, weather)
    // A model at its own limit says nothing of the modules.
    if (model >= 0.98 * capacity || powerW > MAX_OVER_CLEAR * model) return undefined
    if (powerW < MIN_CLEAR * MIN_FACTOR * model) return undefined
  }
  return model === undefined || model < 0.1 * peak ? undefined : powerW / model
}

/**
 * The factor of a local day: the upper quartile of the days before it, within bounds; where those are too few (the beginning of a
 * history) that of the days from it on; 1 and unknown where those are too few as well.
 * @param days of the site, in any order; those further away are ignored
 */
export function calibrationFor(date: string, days: readonly CalibrationDay[]): Calibration {
  const within = (from: string, to: string) => days.filter((day) => day.date >= from && day.date < to)
  const before = within(addDays(date, -CALIBRATION_DAYS), date)
  const used =
    before.length >= MIN_DAYS ? before : within(addDays(date, -CALIBRATION_DAYS), addDays(date, CALIBRATION_DAYS))
  if (used.length < MIN_DAYS) return { factor: 1, known: false }
  // One figure of one kind: a sensor's where it has measured at least half of the days.
  const sensed = used.filter(({ basis }) => basis === 'irradiance')
  const chosen = sensed.length * 2 >= used.length ? sensed : used.filter(({ basis }) => basis === 'clear-sky')
  const ratios = chosen.map(({ ratio }) => ratio).sort((a, b) => a - b)
  const level = ratios[Math.floor((ratios.length - 1) * HEALTHY_QUANTILE)]!
  const bounded = Math.min(MAX_FACTOR, Math.max(MIN_FACTOR, level))
  return { factor: Math.round(bounded * STEPS) / STEPS, known: true }
}
