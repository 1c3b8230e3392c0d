/**
 * Keeps the roll-ups of devices and sites in step with the raw readings. Readings in order of time go through a fold in
 * memory; everything else (late, replayed, of a device not seen since the start, of a source chosen per day) is computed
 * again from the store. Both ways run the same fold, so they end in the same numbers.
 */
import { setImmediate as turn } from 'node:timers/promises'
import {
  BUCKET_MS,
  bucketOf,
  joinNear,
  localDate,
  NEAR_MS,
  siteAt,
  type DeviceFold,
  type FoldReading,
  type Range,
  recompute,
  type Recomputed,
  type RecomputeJob,
} from '@heliograph/crm-core'
import type {
  DeviceId,
  Metrics,
  QualityFlag,
  RegistryDevice,
  RegistrySite,
  SiteId,
  TenantId,
  Warehouse,
} from '@heliograph/crm-core/contracts'
import type { CoarseScope } from './coarse.ts'
import { DayQueue } from './day-queue.ts'
import { DirtyRanges } from './dirty-ranges.ts'
import { existingBuckets } from './existing.ts'
import { eachOrRestore, groups, inOrder, ofOneFlush, OVERLAPPING } from './grouping.ts'
import { readMark, storedSince, writeMark } from './marks.ts'
import { deviceBucketRow, type RollupRow } from './rows.ts'
import { CARRY_MS } from './site-buckets.ts'
import { SiteQueue } from './site-queue.ts'

export interface RollupRegistry {
  device(id: DeviceId): RegistryDevice | undefined
  site(id: SiteId): RegistrySite | undefined
  devicesOfSite(id: SiteId): RegistryDevice[]
}
export interface RollupOptions {
  warehouse: Warehouse
  registry: RollupRegistry
  /** UTC milliseconds. */
  clock: () => number
  /** Hours, days and months are computed at most this often. Default 60 s. */
  coarseEveryMs?: number
  /** Name of this worker's mark in the store; several workers at once have different ones. Default `rollups`. */
  worker?: string
  /** A device whose source is chosen per day has its day computed at most this often. Default 60 s. */
  wholeDayEveryMs?: number
  /** Told of the sites' five-minute rows that were written; `to` exclusive. */
  onSiteRows?(siteId: SiteId, from: number, to: number): void
}
/** What the roll-ups need of a stored reading. */
export interface ObservedReading {
  deviceId: DeviceId
  ts: number
  metrics: Metrics
  quality?: readonly QualityFlag[]
}
export interface FlushResult {
  deviceRows: number
  siteRows: number
  /** Devices that were computed from raw. */
  recomputed: number
  /** Devices and sites that still wait. */
  waiting: number
  /** Whether there is work whose turn has come: of a long past one flush computes a part. */
  more: boolean
}
export interface Rollups {
  /** Readings that the store has acknowledged. Cheap; nothing is computed before `flush`. */
  observe(readings: readonly ObservedReading[]): void
  /** Raw rows of a device changed in a way nobody observed (tombstones, an import, a move, a new rating). `to` exclusive. */
  touch(deviceId: DeviceId, from: number, to: number): void
  /** A site's composition changed (roles, parents, moves). */
  touchSite(siteId: SiteId, from: number, to: number): void
  /**
   * Marks everything that came into the store since the last completed flush of this worker; call it once on start.
   * @returns how many ranges were marked
   */
  recover(): Promise<number>
  /**
   * Computes and writes what is due. Calls do not overlap: one that comes while another runs waits for it and then runs.
   * @param options `all`: what would wait for its turn is done as well
   */
  flush(options?: { all?: boolean }): Promise<FlushResult>
  /** Devices and sites with something to compute. */
  readonly waiting: number
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
const KEEP_MS = 2 * BUCKET_MS
const MARK_EVERY_MS = 30_000
/** Between the store's acknowledgement and `observe`, and between two machines' clocks. */
const MARK_SLACK_MS = 60_000
/**
 * A past that is still coming in (an import, a replay) is computed once it has stopped for a while, rather than piece by piece with the
 * days, months and sites above it each time; one that never stops is not waited for.
 */
const QUIET_MS = 3_000
const MOST_QUIET_WAIT_MS = 60_000
const PAST_MS = 86_400_000
/** A device silent for so long gives its memory back. */
const FORGET_MS = 6 * 3_600_000

export function createRollups(options: RollupOptions): Rollups {
  const { warehouse, registry, clock, coarseEveryMs = 60_000, wholeDayEveryMs = 60_000, worker = 'rollups' } = options
  const live = new Map<DeviceId, LiveDevice>()
  const dirty = new DirtyRanges<DeviceId>()
  /** Devices whose past is coming in: since when, and when it last did. */
  const arriving = new Map<DeviceId, { first: number; last: number }>()
  const days = new DayQueue({ warehouse, siteOf: siteOfDays, nextVersion })
  const sites = new SiteQueue({
    warehouse,
    registry,
    days,
    nextVersion,
    ...(options.onSiteRows && { onRows: options.onSiteRows }),
  })
  let running: Promise<FlushResult> | undefined
  let coarseAt = Number.NEGATIVE_INFINITY
  let lastVersion = 0
  let markedAt = Number.NEGATIVE_INFINITY
  /** When the oldest change came in that the running flush works on. */
  let since = 0

  /** Later computations win; taken before anything is read, so that a computation on older data never hides a newer one. */
  function nextVersion(): number {
    lastVersion = Math.max(lastVersion + 2, Math.floor(clock() * 1000))
    return lastVersion
  }
  const siteOf = (device: RegistryDevice, at: number): RegistrySite | undefined =>
    registry.site(siteAt(device, at)) ?? registry.site(device.siteId)
  function siteOfDays(scope: CoarseScope, id: string, at: number): RegistrySite | undefined {
    if (scope === 'site') return registry.site(id as SiteId)
    const device = registry.device(id as DeviceId)
    return device && siteOf(device, at)
  }

  function observe(readings: readonly ObservedReading[]): void {
    for (const { deviceId, ts, metrics, quality } of readings) {
      let state = live.get(deviceId)
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
        }
        live.set(deviceId, state)
      }
      state.watermark = Math.max(state.watermark, ts)
      if (state.withoutCounters && ENERGY_METRICS.some((name) => metrics[name] !== undefined))
        state.withoutCounters = false
      if (state.pending.length >= MAX_PENDING) {
        for (const reading of state.pending) dirty.add(deviceId, reading.ts, reading.ts + 1, clock())
        state.applied = state.watermark
        state.pending = []
        state.hasLate = false
        dropFold(deviceId, state, clock())
      }
      state.pending.push(quality && quality.length > 0 ? { ts, metrics, quality } : { ts, metrics })
      if (state.fold && ts <= state.fold.lastTs) state.hasLate = true
      if (state.pending.length % FOLD_AT === 0 && !state.hasLate) foldMeanwhile(state)
    }
  }
  function foldMeanwhile(state: LiveDevice): void {
    const { fold } = state
    if (!fold) return
    const pending = inOrder(state.pending)
    state.pending = pending.splice(-FOLD_KEEPS)
    if (pending.length === 0) return
    for (const reading of pending) fold.push(reading)
    state.foldedFrom ??= pending[0]!.ts
    state.applied = Math.max(state.applied, fold.lastTs)
  }
  /** What went into a fold and was not written from it yet is computed from the store. */
  function dropFold(deviceId: DeviceId, state: LiveDevice, since: number): void {
    if (state.fold && state.foldedFrom !== undefined)
      dirty.add(deviceId, state.foldedFrom, state.fold.lastTs + 1, since)
    state.fold = undefined
    state.foldedFrom = undefined
  }

  function arrives(deviceId: DeviceId): void {
    const at = clock()
    const known = arriving.get(deviceId)
    arriving.set(deviceId, { first: known && at - known.last < QUIET_MS ? known.first : at, last: at })
  }
  function isArriving(deviceId: DeviceId, at: number): boolean {
    const known = arriving.get(deviceId)
    return known !== undefined && at - known.last < QUIET_MS && at - known.first < MOST_QUIET_WAIT_MS
  }

  /** Moves what was observed into the folds; what does not fit there becomes a range to compute. */
  function applyPending(rows: RollupRow[], version: number): void {
    const now = clock()
    for (const [deviceId, state] of live) {
      if (state.pending.length === 0) {
        if (state.watermark < now - FORGET_MS) live.delete(deviceId)
        continue
      }
      const device = registry.device(deviceId)
      const pending = inOrder(state.pending)
      state.pending = []
      state.hasLate = false
      if (!device) {
        live.delete(deviceId)
        continue
      }
      const first = pending[0]!
      state.applied = Math.max(state.applied, pending.at(-1)!.ts)
      const fold = state.fold
      if (!fold || first.ts <= fold.lastTs) {
        // Late, or nothing to go on from: its buckets are computed from the store, the fold with them.
        dropFold(deviceId, state, since)
        if (first.ts < now - PAST_MS) arrives(deviceId)
        const from = fold ? Math.min(first.ts, bucketOf(fold.lastTs) - KEEP_MS) : first.ts
        if (fold && first.ts < bucketOf(fold.lastTs) - NEAR_MS) {
          for (const reading of pending) dirty.add(deviceId, reading.ts, reading.ts + 1, since)
          dirty.add(deviceId, bucketOf(fold.lastTs) - KEEP_MS, state.watermark + 1, since)
        } else dirty.add(deviceId, from, pending.at(-1)!.ts + 1, since)
        continue
      }
      for (const reading of pending) fold.push(reading)
      state.foldedFrom = Math.min(state.foldedFrom ?? first.ts, first.ts)
      if (!fold.countsByTotal(bucketOf(fold.lastTs) - KEEP_MS)) {
        dropFold(deviceId, state, since)
        continue
      }
      state.foldedFrom = undefined
      const { rows: changed, below } = fold.takeChanged(fold.lastTs - KEEP_MS)
      // A rise over a gap reaches buckets that only the store has whole.
      if (below) dirty.add(deviceId, below.from, below.to, since)
      emit(device, changed, rows, version)
    }
  }
  function emit(device: RegistryDevice, changed: Recomputed['rows'], rows: RollupRow[], version: number): void {
    for (const row of changed) {
      rows.push(deviceBucketRow(device, row, version))
      // Power is carried into the following buckets of its site.
      sites.add(siteAt(device, row.ts), row.ts, row.ts + BUCKET_MS + CARRY_MS, since)
    }
    days.mark(
      'device',
      device.id,
      changed.map(({ ts }) => ts),
      since,
    )
  }

  /** Everything whose turn it is, from the store. */
  async function recomputeDirty(all: boolean): Promise<Pick<FlushResult, 'recomputed' | 'more'> & { rows: number }> {
    const now = clock()
    const done = { rows: 0, recomputed: 0, more: false }
    const jobs = new Map<TenantId, RecomputeJob[]>()
    for (const { key: deviceId, ranges } of dirty.take((id) => all || (live.get(id)?.notBefore ?? 0) <= now)) {
      const device = registry.device(deviceId)
      if (!device) continue
      const state = live.get(deviceId)
      // The newest range ends at what was applied, so that the fold can go on from there with what comes in meanwhile. It stays
      // apart from what an import left before it: what is live does not wait for a year of past.
      const isNewest = ({ from, to }: Range): boolean =>
        state !== undefined && to > state.applied && from <= state.applied
      const list = jobs.get(device.tenantId) ?? []
      for (const range of [...joinNear(ranges.filter((each) => !isNewest(each))), ...ranges.filter(isNewest)]) {
        const site = siteOf(device, range.from)
        if (!site) continue
        list.push({
          device,
          site,
          range,
          ...(state && isNewest(range) ? { until: state.applied } : {}),
          ...(state?.withoutCounters ? { withoutCounters: true } : {}),
        })
      }
      jobs.set(device.tenantId, list)
    }
    const restore = (some: readonly RecomputeJob[]): void => {
      for (const { device, range } of some) dirty.add(device.id, range.from, range.to, since)
    }
    const grouped = [...jobs].flatMap(([tenantId, list]) => {
      const {
        now: due,
        next,
        later,
      } = all ? { now: list, next: [], later: [] } : ofOneFlush(list, ({ device }) => isArriving(device.id, now))
      restore([...next, ...later])
      done.more ||= next.length > 0
      for (const { device } of due) if (!isArriving(device.id, now)) arriving.delete(device.id)
      return groups(due).map((group) => ({ tenantId, group }))
    })
    await eachOrRestore(
      grouped,
      async ({ tenantId, group }) => {
        const version = nextVersion()
        const results = await recompute({ warehouse, tenantId, scope: 'system' }, group)
        const rows: RollupRow[] = []
        for (const result of results) {
          emit(result.device, result.rows, rows, version)
          await turn()
        }
        await addRemovals(tenantId, results, rows, version)
        await warehouse.insert('rollup_device_5m', rows)
        for (const result of results) adopt(result, group, now)
        done.rows += rows.length
        done.recomputed += results.length
      },
      ({ group }) => restore(group),
      OVERLAPPING,
    )
    return done
  }

  /** Goes on from a recomputed fold where it ends at what was observed last and can be kept in memory. */
  function adopt(result: Recomputed, group: readonly RecomputeJob[], now: number): void {
    const state = live.get(result.device.id)
    if (!state) return
    state.withoutCounters = !result.counters
    const job = group.find(({ device }) => device.id === result.device.id)!
    const settled = result.fold.countsByTotal(bucketOf(result.fold.lastTs) - KEEP_MS)
    if (!settled) state.notBefore = now + wholeDayEveryMs
    if (job.until === undefined || result.fold.lastTs !== job.until || !settled) return
    result.fold.letGo(result.fold.lastTs - KEEP_MS)
    state.fold = result.fold
    state.hasLate = state.pending.some(({ ts }) => ts <= result.fold.lastTs)
  }

  /** Rows that the store has and the computation does not yield any more. */
  async function addRemovals(
    tenantId: TenantId,
    results: readonly Recomputed[],
    rows: RollupRow[],
    version: number,
  ): Promise<void> {
    const existing = await existingBuckets(warehouse, tenantId, results)
    for (const { device, site, range, rows: computed } of results) {
      const gone = (existing.get(device.id) ?? []).filter(({ ts }) => ts >= range.from && ts < range.to)
      if (gone.length === 0) continue
      const kept = new Set(computed.map(({ ts }) => ts))
      for (const { ts, siteId } of gone) {
        // A device that was moved is another site's now: the site it left is computed again.
        if (siteId !== siteAt(device, ts)) sites.add(siteId, ts, ts + BUCKET_MS, since)
        if (kept.has(ts)) continue
        rows.push({
          tenant_id: tenantId,
          site_id: siteId,
          device_id: device.id,
          ts,
          date: localDate(site.timezone, ts),
          version,
          is_deleted: 1,
        })
        sites.add(siteId, ts, ts + BUCKET_MS, since)
        days.markRemoved('device', device.id)
        days.markRemoved('site', siteId)
        days.mark('device', device.id, [ts], since)
      }
    }
  }

  const oldest = (): number => Math.min(clock(), dirty.oldest, sites.oldest, days.oldest)

  async function run(all: boolean): Promise<FlushResult> {
    // Whatever follows from what waits now has been waiting as long.
    since = oldest()
    const startedAt = clock()
    const rows: RollupRow[] = []
    applyPending(rows, nextVersion())
    try {
      await warehouse.insert('rollup_device_5m', rows)
    } catch (error) {
      // The folds have let these go: the store knows them.
      for (const row of rows) {
        const ts = row['ts'] as number
        dirty.add(row['device_id'] as DeviceId, ts, ts + BUCKET_MS, since)
      }
      throw error
    }
    const computed = await recomputeDirty(all)
    const siteCount = await sites.compute(since)
    if (all || clock() - coarseAt >= coarseEveryMs) {
      await days.compute(since)
      coarseAt = clock()
    }
    // Everything observed before this flush is in, but for what waits for its turn.
    if (all || clock() - markedAt >= MARK_EVERY_MS) {
      await writeMark(warehouse, worker, Math.min(startedAt, oldest()) - MARK_SLACK_MS)
      markedAt = clock()
    }
    return {
      deviceRows: rows.length + computed.rows,
      siteRows: siteCount,
      recomputed: computed.recomputed,
      waiting: waiting(),
      more: computed.more,
    }
  }
  const waiting = (): number => {
    let count = dirty.size + sites.size
    for (const { pending } of live.values()) if (pending.length > 0) count += 1
    return count
  }

  return {
    observe,
    touch: (deviceId, from, to) => {
      // What the fold holds may be about rows that changed.
      const state = live.get(deviceId)
      if (state?.fold && to > bucketOf(state.fold.lastTs) - NEAR_MS) {
        dropFold(deviceId, state, clock())
        dirty.add(deviceId, Math.min(from, state.watermark), state.watermark + 1, clock())
      }
      arrives(deviceId)
      dirty.add(deviceId, from, to, clock())
    },
    async recover() {
      const mark = await readMark(warehouse, worker)
      const ranges = await storedSince(warehouse, mark)
      for (const { deviceId, from, to } of ranges) dirty.add(deviceId, from, to, Math.max(mark, 0))
      return ranges.length
    },
    touchSite: (siteId, from, to) => sites.add(siteId, from, to, clock()),
    async flush({ all = false } = {}) {
      while (running) await running.catch(() => undefined)
      running = run(all)
      try {
        return await running
      } finally {
        running = undefined
      }
    },
    get waiting() {
      return waiting()
    },
  }
}
