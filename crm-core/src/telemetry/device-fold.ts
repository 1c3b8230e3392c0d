/**
 * From the readings of one device, in order of time, to its five-minute buckets: energy, averages, extremes. The same fold
 * serves live data (kept between readings) and recomputation (fed from the store), so both give the same numbers.
 *
 * Energy comes from the best source the device has on a local day: its lifetime counter; else its day counter; else energy
 * per interval; else power times time. A day that a rise of the lifetime counter reaches over belongs to that counter.
 */
import type { Metrics, QualityFlag } from '@heliograph/crm-core/contracts'
import { CounterTracker, type CounterStep } from './counter.ts'
import { DayCounter } from './day-counter.ts'
import { addDays, dayStart, localDay } from './local-time.ts'
import { BUCKET_MS, bucketOf, spreadBySun, spreadEvenly, type Place } from './spread.ts'

/** Gauges kept in roll-ups, in the order of their columns. */
export const ROLLUP_GAUGES = [
  'ac_power_w',
  'dc_power_w',
  'pv_power_w',
  'grid_power_w',
  'load_power_w',
  'battery_power_w',
  'battery_soc_pct',
  'irradiance_wm2',
  'module_temp_c',
  'ambient_temp_c',
  'inverter_temp_c',
  'wind_ms',
] as const
export type RollupGauge = (typeof ROLLUP_GAUGES)[number]

/** Up to this long between two counter readings the rise is laid evenly; hourly loggers are ordinary. Longer is a gap. */
export const SMALL_STEP_MS = 65 * 60_000
/** Power of a day with a single reading counts for this long: nothing tells how often the device meant to speak. */
const LONE_READING_MS = 300_000

export type EnergyMethod = 'counter' | 'interval' | 'power'
export interface FoldReading {
  /** UTC milliseconds. */
  ts: number
  metrics: Metrics
  quality?: readonly QualityFlag[]
}
export interface FoldDevice extends Place {
  peakPowerW?: number
}
export interface GaugeValue {
  avg: number
  min: number
  max: number
}
export interface BucketRow {
  /** Start of the five minutes, UTC milliseconds. */
  ts: number
  /** Local day. */
  date: string
  energyWh?: number
  method?: EnergyMethod
  estimatedWh: number
  importWh?: number
  exportWh?: number
  samples: number
  gauges: Partial<Record<RollupGauge, GaugeValue>>
}
export interface DayInfo {
  date: string
  start: number
  end: number
  hasTotal: boolean
  hasDay: boolean
  hasInterval: boolean
  /** Power readings, only as long as the day may need them. */
  power: { ts: number[]; w: number[] } | undefined
}

interface Bucket {
  samples: number
  /** Per gauge: sum, minimum, maximum, count. */
  gauges: Float64Array | undefined
  total: number
  totalEstimated: number
  dayWh: number
  intervalWh: number
  importWh: number
  exportWh: number
  /** A step of that counter reaches this bucket. */
  hasImport: boolean
  hasExport: boolean
  reached: boolean
}
const WIDTH = 4
/** A reading reaches two readings of its counter far: one step, and one that was held back as odd. One more to be safe. */
const REACHED = 3

export class DeviceFold {
  readonly #device: FoldDevice
  readonly #total: CounterTracker
  readonly #import = new CounterTracker()
  readonly #export = new CounterTracker()
  readonly #dayCounter: DayCounter
  #buckets = new Map<number, Bucket>()
  #days = new Map<string, DayInfo>()
  #day: DayInfo | undefined
  #firstTs = Number.POSITIVE_INFINITY
  #lastTs = Number.NEGATIVE_INFINITY
  /** How many readings of each lifetime counter came, up to `REACHED`; and when the last of them to get there did. */
  readonly #counted = [0, 0, 0]
  #reachedAt = Number.NEGATIVE_INFINITY
  #lastIntervalTs = Number.NEGATIVE_INFINITY
  #floor: number
  #changed = new Set<number>()
  /** Buckets below the floor that a step reached: only the store knows the rest of them. */
  #reachedBelow: { from: number; to: number } | undefined

  /** @param floor buckets that begin before it are not kept: what reaches them is only reported */
  constructor(device: FoldDevice, floor = Number.NEGATIVE_INFINITY) {
    this.#device = device
    this.#total = new CounterTracker(device.peakPowerW)
    this.#dayCounter = new DayCounter(device.peakPowerW)
    this.#floor = floor
  }
  get lastTs(): number {
    return this.#lastTs
  }

  /** Takes the next reading; its time must be later than that of the one before. */
  push({ ts, metrics, quality }: FoldReading): void {
    if (ts <= this.#lastTs) throw new RangeError('readings must come in order of time')
    if (this.#firstTs === Number.POSITIVE_INFINITY) this.#firstTs = ts
    this.#lastTs = ts
    const day = this.#dayOf(ts)
    this.#countGauges(ts, metrics)
    // What a gateway repeats of a device it cannot reach says nothing about energy.
    if (quality?.includes('stale')) return
    const power = metrics.ac_power_w ?? metrics.pv_power_w
    if (metrics.energy_total_wh !== undefined) {
      day.hasTotal = true
      day.power = undefined
      this.#count(0, ts)
      for (const step of this.#total.push(ts, metrics.energy_total_wh, power)) this.#addTotal(step)
    }
    if (metrics.energy_day_wh !== undefined) {
      day.hasDay = true
      for (const { from, to, wh } of this.#dayCounter.push(ts, metrics.energy_day_wh, day.start, power))
        spreadEvenly(from, to, wh, (bucket, part) => this.#add(bucket, (b) => (b.dayWh += part)))
    }
    if (metrics.energy_interval_wh !== undefined && metrics.interval_s !== undefined) {
      day.hasInterval = true
      // The amount belongs to the interval that ends at the reading's time. Intervals that overlap keep their amounts.
      const from = Math.max(ts - metrics.interval_s * 1000, Math.min(this.#lastIntervalTs, ts - 1))
      const wh = Math.max(0, metrics.energy_interval_wh)
      spreadEvenly(from, ts, wh, (bucket, part) => this.#add(bucket, (b) => (b.intervalWh += part)))
      this.#lastIntervalTs = ts
    }
    if (power !== undefined && !day.hasTotal && !quality?.includes('spike')) {
      day.power ??= { ts: [], w: [] }
      day.power.ts.push(ts)
      day.power.w.push(power)
    }
    if (metrics.import_total_wh !== undefined) {
      this.#count(1, ts)
      for (const step of this.#import.push(ts, metrics.import_total_wh))
        this.#spread(step, (bucket, part) =>
          this.#add(bucket, (b) => {
            b.importWh += part
            b.hasImport = true
          }),
        )
    }
    if (metrics.export_total_wh !== undefined) {
      this.#count(2, ts)
      for (const step of this.#export.push(ts, metrics.export_total_wh))
        this.#spread(step, (bucket, part) =>
          this.#add(bucket, (b) => {
            b.exportWh += part
            b.hasExport = true
          }),
        )
    }
  }
  #count(counter: 0 | 1 | 2, ts: number): void {
    const count = this.#counted[counter]!
    if (count >= REACHED) return
    this.#counted[counter] = count + 1
    if (count + 1 === REACHED) this.#reachedAt = Math.max(this.#reachedAt, ts)
  }
  /**
   * Whether a reading from before all it has seen changes nothing of the buckets from `keepFrom` on: between the two lie as many
   * readings of each counter as one reaches.
   */
  isBeyond(ts: number, keepFrom: number): boolean {
    const isReached = this.#counted.every((count) => count === 0 || count === REACHED)
    return isReached && ts < this.#firstTs && this.#reachedAt < bucketOf(keepFrom)
  }

  #dayOf(ts: number): DayInfo {
    const current = this.#day
    if (current && ts >= current.start && ts < current.end) return current
    const { date, start, end } = localDay(this.#device.timezone, ts)
    let day = this.#days.get(date)
    if (!day) {
      day = { date, start, end, hasTotal: false, hasDay: false, hasInterval: false, power: undefined }
      this.#days.set(date, day)
    }
    this.#day = day
    return day
  }

  #add(bucketTs: number, change: (bucket: Bucket) => void): void {
    if (bucketTs < this.#floor) {
      const below = this.#reachedBelow
      this.#reachedBelow = {
        from: Math.min(bucketTs, below?.from ?? bucketTs),
        to: Math.max(bucketTs + BUCKET_MS, below?.to ?? 0),
      }
      return
    }
    change(this.#bucket(bucketTs))
    this.#changed.add(bucketTs)
  }
  #bucket(ts: number): Bucket {
    let bucket = this.#buckets.get(ts)
    if (!bucket) {
      bucket = {
        samples: 0,
        gauges: undefined,
        total: 0,
        totalEstimated: 0,
        dayWh: 0,
        intervalWh: 0,
        importWh: 0,
        exportWh: 0,
        hasImport: false,
        hasExport: false,
        reached: false,
      }
      this.#buckets.set(ts, bucket)
    }
    return bucket
  }

  #countGauges(ts: number, metrics: Metrics): void {
    this.#add(bucketOf(ts), (bucket) => {
      bucket.samples += 1
      for (let index = 0; index < ROLLUP_GAUGES.length; index++) {
        const value = metrics[ROLLUP_GAUGES[index]!]
        if (value === undefined) continue
        const gauges = (bucket.gauges ??= new Float64Array(ROLLUP_GAUGES.length * WIDTH))
        const at = index * WIDTH
        const count = gauges[at + 3]!
        gauges[at] = gauges[at]! + value
        gauges[at + 1] = count === 0 ? value : Math.min(gauges[at + 1]!, value)
        gauges[at + 2] = count === 0 ? value : Math.max(gauges[at + 2]!, value)
        gauges[at + 3] = count + 1
      }
    })
  }
  #spread(step: CounterStep, add: (bucket: number, wh: number) => void): void {
    if (step.to - step.from <= SMALL_STEP_MS) spreadEvenly(step.from, step.to, step.wh, add)
    else spreadBySun(step.from, step.to, step.wh, this.#device, add)
  }
  #addTotal(step: CounterStep): void {
    const gap = step.to - step.from > SMALL_STEP_MS
    this.#spread(step, (bucketTs, wh) =>
      this.#add(bucketTs, (bucket) => {
        bucket.reached = true
        bucket.total += wh
        if (gap || step.reset) bucket.totalEstimated += wh
      }),
    )
    // Days in between without any reading of the counter are its days too: nothing else may count there again.
    if (gap) this.#claimDays(step.from, step.to)
  }
  #claimDays(from: number, to: number): void {
    let { date, end } = localDay(this.#device.timezone, from)
    for (;;) {
      if (end >= to) return
      date = addDays(date, 1)
      const start = end
      end = dayStart(this.#device.timezone, addDays(date, 1))
      if (end > to) return
      const day = this.#days.get(date)
      if (day) day.hasTotal = true
      else
        this.#days.set(date, { date, start, end, hasTotal: true, hasDay: false, hasInterval: false, power: undefined })
    }
  }

  /** Whether every day from then on is settled on the lifetime counter, so that the buckets never change their source. */
  countsByTotal(from: number): boolean {
    for (const day of this.#days.values()) if (day.end > from && !day.hasTotal) return false
    return true
  }
  /** Whether something was read of every local day within [from, to): of a day without, nobody can say what its source is. */
  knowsDays(from: number, to: number): boolean {
    for (let at = from; at < to;) {
      const { date, end } = localDay(this.#device.timezone, at)
      if (!this.#days.has(date)) return false
      at = end
    }
    return true
  }
  /** Rows of the buckets in [from, to), oldest first. */
  rows(from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY): BucketRow[] {
    const powered = this.#powerBuckets()
    const starts: number[] = []
    for (const ts of this.#buckets.keys()) if (ts >= from && ts < to) starts.push(ts)
    for (const ts of powered.keys()) if (ts >= from && ts < to && !this.#buckets.has(ts)) starts.push(ts)
    return starts.sort((a, b) => a - b).map((ts) => this.#row(ts, powered.get(ts)))
  }
  /** Rows changed since the last call, and what was reached below the floor. Buckets that end before `keepFrom` are let go. */
  takeChanged(keepFrom: number): { rows: BucketRow[]; below: { from: number; to: number } | undefined } {
    const rows = [...this.#changed].sort((a, b) => a - b).map((ts) => this.#row(ts, undefined))
    const below = this.#reachedBelow
    this.letGo(keepFrom)
    return { rows, below }
  }
  /** Forgets what changed so far, for whoever has it from `rows`, and lets go the buckets that end before `keepFrom`. */
  letGo(keepFrom: number): void {
    this.#changed.clear()
    this.#reachedBelow = undefined
    const floor = bucketOf(keepFrom)
    if (floor > this.#floor) {
      this.#floor = floor
      for (const ts of this.#buckets.keys()) if (ts < floor) this.#buckets.delete(ts)
      for (const [date, day] of this.#days) if (day.end <= floor) this.#days.delete(date)
    }
  }

  #row(ts: number, powerWh: number | undefined): BucketRow {
    const bucket = this.#buckets.get(ts)
    const { date } = localDay(this.#device.timezone, ts)
    const day = this.#days.get(date)
    const row: BucketRow = { ts, date, estimatedWh: 0, samples: bucket?.samples ?? 0, gauges: {} }
    if (day?.hasTotal || bucket?.reached) {
      row.energyWh = bucket?.total ?? 0
      row.method = 'counter'
      row.estimatedWh = bucket?.totalEstimated ?? 0
    } else if (day?.hasDay) {
      row.energyWh = bucket?.dayWh ?? 0
      row.method = 'counter'
    } else if (day?.hasInterval || (bucket && bucket.intervalWh > 0)) {
      row.energyWh = bucket?.intervalWh ?? 0
      row.method = 'interval'
    } else if (powerWh !== undefined) {
      row.energyWh = powerWh
      row.method = 'power'
    }
    if (!bucket) return row
    if (bucket.hasImport) row.importWh = bucket.importWh
    if (bucket.hasExport) row.exportWh = bucket.exportWh
    const { gauges } = bucket
    if (gauges)
      for (let index = 0; index < ROLLUP_GAUGES.length; index++) {
        const at = index * WIDTH
        const count = gauges[at + 3]!
        if (count > 0)
          row.gauges[ROLLUP_GAUGES[index]!] = { avg: gauges[at]! / count, min: gauges[at + 1]!, max: gauges[at + 2]! }
      }
    return row
  }

  #powerBuckets(): Map<number, number> {
    const buckets = new Map<number, number>()
    for (const day of this.#days.values()) {
      if (!day.power || day.hasTotal || day.hasDay || day.hasInterval) continue
      for (const { from, to, wh } of powerSteps(day.power.ts, day.power.w, day.end))
        spreadEvenly(from, to, wh, (ts, part) => {
          if (ts >= this.#floor) buckets.set(ts, (buckets.get(ts) ?? 0) + part)
        })
    }
    return buckets
  }
}

/** The middle of the distances between instants; undefined with fewer than two. */
export function medianSpacing(times: readonly number[]): number | undefined {
  if (times.length < 2) return undefined
  const gaps = new Float64Array(times.length - 1)
  for (let index = 1; index < times.length; index++) gaps[index - 1] = times[index]! - times[index - 1]!
  gaps.sort()
  const middle = gaps.length >> 1
  return gaps.length % 2 === 1 ? gaps[middle]! : (gaps[middle - 1]! + gaps[middle]!) / 2
}

/**
 * Energy from power alone, one local day: each value holds until the next, at most for the day's median spacing, never
 * across a gap and never beyond the day. Negative power (a sleeping inverter's own draw) is no production.
 * @param end end of the local day, UTC milliseconds
 */
export function powerSteps(
  times: readonly number[],
  watts: readonly number[],
  end: number,
): { from: number; to: number; wh: number }[] {
  const nominal = medianSpacing(times) ?? LONE_READING_MS
  return times.map((from, index) => {
    const to = Math.min(from + Math.min((times[index + 1] ?? Number.POSITIVE_INFINITY) - from, nominal), end)
    return { from, to, wh: (Math.max(0, watts[index]!) * (to - from)) / 3_600_000 }
  })
}
