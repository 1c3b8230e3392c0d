/** Devices as they speak: what waits for the next flush, and the folds that it goes into. */
import {
  BUCKET_MS,
  bucketOf,
  NEAR_MS,
  type BucketRow,
  type DeviceFold,
  type FoldReading,
  type Recomputed,
} from '@heliograph/crm-core'
import type { DeviceId, Metrics, QualityFlag, RegistryDevice } from '@heliograph/crm-core/contracts'
import type { Arrivals } from './arrivals.ts'
import type { DirtyRanges } from './dirty-ranges.ts'
import { inOrder } from './grouping.ts'

/** What the roll-ups need of a stored reading. */
export interface ObservedReading {
  deviceId: DeviceId
  ts: number
  metrics: Metrics
  quality?: readonly QualityFlag[]
}
export interface LiveDevicesOptions {
  device(id: DeviceId): RegistryDevice | undefined
  /** UTC milliseconds. */
  clock(): number
  /** Takes what only the store has whole. */
  dirty: DirtyRanges<DeviceId>
  arrivals: Arrivals
  /** A device whose source is chosen per day has its day computed at most this often. */
  wholeDayEveryMs: number
}

interface LiveDevice {
  pending: FoldReading[]
  /** Some of `pending` is older than what the fold has: the store's turn, at the next flush. */
  hasLate: boolean
  fold: DeviceFold | undefined
  /** Oldest time that went into the fold since its changed buckets were taken. */
  foldedFrom: number | undefined
  /** Newest time observed. */
  watermark: number
  /** Newest time that has left `pending`: what is newer comes to the fold by itself. */
  applied: number
  /** Not before this is its day computed again. */
  notBefore: number
  withoutCounters: boolean
  /** Its source was chosen per day when it was computed last. */
  byDays: boolean
}
/** What makes a device one of more than power. */
const ENERGY_METRICS = [
  'energy_total_wh',
  'energy_day_wh',
  'energy_interval_wh',
  'import_total_wh',
  'export_total_wh',
] as const
/** Beyond this many readings between two flushes a device is computed from the store instead. */
const MAX_PENDING = 20_000
/**
 * A device that sends so much between two flushes is folded meanwhile: readings that are kept for seconds cost more to clear
 * away than to fold. The newest stay, so that two that come in the wrong order are still put right.
 */
const FOLD_AT = 32
const FOLD_KEEPS = 8
/** Live buckets kept in memory per device: the open one and two before it. */
export const KEEP_MS = 2 * BUCKET_MS
/** Older than this is history that comes in. */
const PAST_MS = 86_400_000
/** A device silent for so long gives its memory back. */
const FORGET_MS = 6 * 3_600_000

type Changed = (device: RegistryDevice, rows: BucketRow[]) => void

export class LiveDevices {
  readonly #options: LiveDevicesOptions
  readonly #live = new Map<DeviceId, LiveDevice>()

  constructor(options: LiveDevicesOptions) {
    this.#options = options
  }
  /** Devices of which something waits. */
  get waiting(): number {
    let count = 0
    for (const { pending } of this.#live.values()) if (pending.length > 0) count += 1
    return count
  }
  /** Up to when a device was applied, and what is known of how it counts; undefined for one that was not heard. */
  get(id: DeviceId): Readonly<Pick<LiveDevice, 'applied' | 'withoutCounters' | 'byDays' | 'notBefore'>> | undefined {
    return this.#live.get(id)
  }

  /** Cheap; nothing is written before `apply`. */
  observe(readings: readonly ObservedReading[]): void {
    const { dirty, clock } = this.#options
    for (const { deviceId, ts, metrics, quality } of readings) {
      let state = this.#live.get(deviceId)
      if (!state) {
        state = {
          pending: [],
          hasLate: false,
          fold: undefined,
          foldedFrom: undefined,
          watermark: Number.NEGATIVE_INFINITY,
          applied: Number.NEGATIVE_INFINITY,
          notBefore: 0,
          withoutCounters: false,
          byDays: false,
        }
        this.#live.set(deviceId, state)
      }
      state.watermark = Math.max(state.watermark, ts)
      if (state.withoutCounters && ENERGY_METRICS.some((name) => metrics[name] !== undefined))
        state.withoutCounters = false
      if (state.pending.length >= MAX_PENDING) {
        for (const reading of state.pending) dirty.add(deviceId, reading.ts, reading.ts + 1, clock())
        state.applied = state.watermark
        state.pending = []
        state.hasLate = false
        this.#dropFold(deviceId, state, clock())
      }
      state.pending.push(quality && quality.length > 0 ? { ts, metrics, quality } : { ts, metrics })
      if (state.fold && ts <= state.fold.lastTs) state.hasLate = true
      if (state.fold && !state.hasLate && state.pending.length % FOLD_AT === 0) foldMeanwhile(state, state.fold)
    }
  }

  /**
   * Moves what was observed into the folds; what does not fit there becomes a range to compute.
   * @param since when the oldest of what this flush works on came in
   * @param changed told of each device's changed rows
   */
  apply(since: number, changed: Changed): void {
    const { dirty, arrivals, clock } = this.#options
    const now = clock()
    for (const [deviceId, state] of this.#live) {
      if (state.pending.length === 0) {
        if (state.watermark < now - FORGET_MS) this.#live.delete(deviceId)
        continue
      }
      const device = this.#options.device(deviceId)
      let pending = inOrder(state.pending)
      state.pending = []
      state.hasLate = false
      if (!device) {
        this.#live.delete(deviceId)
        continue
      }
      state.applied = Math.max(state.applied, pending.at(-1)!.ts)
      const fold = state.fold
      if (fold) pending = this.#withoutPast(deviceId, fold, pending, since)
      const first = pending[0]
      if (!first) {
        if (state.foldedFrom !== undefined) this.#take(state, fold!, device, since, changed)
        continue
      }
      if (!fold || first.ts <= fold.lastTs) {
        // Late, or nothing to go on from: its buckets are computed from the store, the fold with them.
        this.#dropFold(deviceId, state, since)
        if (first.ts < now - PAST_MS) arrivals.add(deviceId, clock())
        const from = fold ? Math.min(first.ts, bucketOf(fold.lastTs) - KEEP_MS) : first.ts
        if (fold && first.ts < bucketOf(fold.lastTs) - NEAR_MS) {
          for (const reading of pending) dirty.add(deviceId, reading.ts, reading.ts + 1, since)
          dirty.add(deviceId, bucketOf(fold.lastTs) - KEEP_MS, state.watermark + 1, since)
        } else dirty.add(deviceId, from, pending.at(-1)!.ts + 1, since)
        continue
      }
      for (const reading of pending) fold.push(reading)
      state.foldedFrom = Math.min(state.foldedFrom ?? first.ts, first.ts)
      this.#take(state, fold, device, since, changed)
    }
  }

  /** What changed in a fold since it was asked last. */
  #take(state: LiveDevice, fold: DeviceFold, device: RegistryDevice, since: number, changed: Changed): void {
    if (!fold.countsByTotal(bucketOf(fold.lastTs) - KEEP_MS)) {
      this.#dropFold(device.id, state, since)
      return
    }
    state.foldedFrom = undefined
    const { rows, below } = fold.takeChanged(fold.lastTs - KEEP_MS)
    // A rise over a gap reaches buckets that only the store has whole.
    if (below) this.#options.dirty.add(device.id, below.from, below.to, since)
    changed(device, rows)
  }

  /** Leaves the store what came from so long ago that the fold goes on as it is, as an import does beside what is live. */
  #withoutPast(id: DeviceId, fold: DeviceFold, pending: FoldReading[], since: number): FoldReading[] {
    const { dirty, arrivals, clock } = this.#options
    const late = pending.filter(({ ts }) => ts <= fold.lastTs)
    if (late.length === 0 || !fold.isBeyond(late.at(-1)!.ts, fold.lastTs - KEEP_MS)) return pending
    if (late[0]!.ts < clock() - PAST_MS) arrivals.add(id, clock())
    for (const { ts } of late) dirty.add(id, ts, ts + 1, since)
    return pending.slice(late.length)
  }

  /** Rows of the store changed under it; `to` exclusive. */
  touch(deviceId: DeviceId, from: number, to: number): void {
    const state = this.#live.get(deviceId)
    if (!state?.fold || to <= bucketOf(state.fold.lastTs) - NEAR_MS) return
    const now = this.#options.clock()
    this.#dropFold(deviceId, state, now)
    this.#options.dirty.add(deviceId, Math.min(from, state.watermark), state.watermark + 1, now)
  }

  /**
   * Goes on from a recomputed fold where it ends at what was observed last and can be kept in memory.
   * @param until what the computation read up to; undefined where it ended before what is live
   * @returns whether it does
   */
  adopt({ device, fold, counters }: Recomputed, until: number | undefined, now: number): boolean {
    const state = this.#live.get(device.id)
    if (!state) return false
    state.withoutCounters = !counters
    const settled = fold.countsByTotal(bucketOf(fold.lastTs) - KEEP_MS)
    if (until !== undefined) state.byDays = !settled
    // All at the same instants, so that they share their queries.
    const { wholeDayEveryMs } = this.#options
    if (!settled) state.notBefore = (Math.floor(now / wholeDayEveryMs) + 1) * wholeDayEveryMs
    if (until === undefined || fold.lastTs !== until || !settled) return false
    fold.letGo(fold.lastTs - KEEP_MS)
    state.fold = fold
    state.hasLate = state.pending.some(({ ts }) => ts <= fold.lastTs)
    return true
  }

  /** What went into a fold and was not written from it yet is computed from the store. */
  #dropFold(deviceId: DeviceId, state: LiveDevice, since: number): void {
    if (state.fold && state.foldedFrom !== undefined)
      this.#options.dirty.add(deviceId, state.foldedFrom, state.fold.lastTs + 1, since)
    state.fold = undefined
    state.foldedFrom = undefined
  }
}

function foldMeanwhile(state: LiveDevice, fold: DeviceFold): void {
  const pending = inOrder(state.pending)
  state.pending = pending.splice(-FOLD_KEEPS)
  if (pending.length === 0) return
  for (const reading of pending) fold.push(reading)
  state.foldedFrom ??= pending[0]!.ts
  state.applied = Math.max(state.applied, fold.lastTs)
}
