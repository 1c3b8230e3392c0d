/**
 * Keeps the roll-ups of devices and sites in step with the raw readings. Readings in order of time go through a fold in
 * memory; everything else (late, replayed, of a device not seen since the start, of a source chosen per day) is computed
 * again from the store. Both ways run the same fold, so they end in the same numbers.
 */
import {
  addDays,
  BUCKET_MS,
  bucketOf,
  localDate,
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
import { computeCoarse, type CoarseScope } from './coarse.ts'
import { DirtyRanges } from './dirty-ranges.ts'
import { existingBuckets } from './existing.ts'
import { deviceBucketRow, type RollupRow } from './rows.ts'
import { CARRY_MS, siteRows, type SiteJob } from './site-buckets.ts'
import { readMark, storedSince, writeMark } from './marks.ts'

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
  fold: DeviceFold | undefined
  /** Newest time observed. */
  watermark: number
  /** Not before this is its day computed again. */
  notBefore: number
  withoutCounters: boolean
}
/** Beyond this many readings between two flushes a device is computed from the store instead. */
const MAX_PENDING = 20_000
/** Live buckets kept in memory per device: the open one and two before it. */
const KEEP_MS = 2 * BUCKET_MS
/** Devices of one grouped query. */
const GROUP = 250
/** Ranges whose ends lie within this of each other are computed by one query. */
const NEAR_MS = 2 * 3_600_000
const MARK_EVERY_MS = 30_000
/** Between the store's acknowledgement and `observe`, and between two machines' clocks. */
const MARK_SLACK_MS = 60_000
/** A device silent for so long gives its memory back. */
const FORGET_MS = 6 * 3_600_000
/** Site rows of one query: a month of a site with a few devices, or the open buckets of thousands. */
const SITE_PIECE_MS = 31 * 86_400_000

export function createRollups(options: RollupOptions): Rollups {
  const { warehouse, registry, clock, coarseEveryMs = 60_000, wholeDayEveryMs = 60_000, worker = 'rollups' } = options
  const live = new Map<DeviceId, LiveDevice>()
  const dirty = new DirtyRanges<DeviceId>()
  const dirtySites = new DirtyRanges<SiteId>()
  const dirtyDays = new DirtyRanges<`${CoarseScope}:${string}`>()
  const removed = new Set<string>()
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

  function observe(readings: readonly ObservedReading[]): void {
    for (const { deviceId, ts, metrics, quality } of readings) {
      let state = live.get(deviceId)
      if (!state) {
        state = {
          pending: [],
          fold: undefined,
          watermark: Number.NEGATIVE_INFINITY,
          notBefore: 0,
          withoutCounters: false,
        }
        live.set(deviceId, state)
      }
      state.watermark = Math.max(state.watermark, ts)
      if (
        metrics.energy_total_wh !== undefined ||
        metrics.import_total_wh !== undefined ||
        metrics.export_total_wh !== undefined
      )
        state.withoutCounters = false
      if (state.pending.length >= MAX_PENDING) {
        for (const reading of state.pending) dirty.add(deviceId, reading.ts, reading.ts + 1, clock())
        state.pending = []
        state.fold = undefined
      }
      state.pending.push(quality && quality.length > 0 ? { ts, metrics, quality } : { ts, metrics })
    }
  }

  /** Moves what was observed into the folds; what does not fit there becomes a range to compute. */
  function applyPending(rows: RollupRow[], version: number, touched: DirtyRanges<SiteId>): void {
    const now = clock()
    for (const [deviceId, state] of live) {
      if (state.pending.length === 0) {
        if (state.watermark < now - FORGET_MS) live.delete(deviceId)
        continue
      }
      const device = registry.device(deviceId)
      const pending = inOrder(state.pending)
      state.pending = []
      if (!device) {
        live.delete(deviceId)
        continue
      }
      const first = pending[0]!
      const fold = state.fold
      if (!fold || first.ts <= fold.lastTs) {
        // Late, or nothing to go on from: its buckets are computed from the store, the fold with them.
        state.fold = undefined
        const from = fold ? Math.min(first.ts, bucketOf(fold.lastTs) - KEEP_MS) : first.ts
        if (fold && first.ts < bucketOf(fold.lastTs) - NEAR_MS) {
          for (const reading of pending) dirty.add(deviceId, reading.ts, reading.ts + 1, since)
          dirty.add(deviceId, bucketOf(fold.lastTs) - KEEP_MS, state.watermark + 1, since)
        } else dirty.add(deviceId, from, pending.at(-1)!.ts + 1, since)
        continue
      }
      for (const reading of pending) fold.push(reading)
      if (!fold.countsByTotal(bucketOf(fold.lastTs) - KEEP_MS)) {
        state.fold = undefined
        dirty.add(deviceId, first.ts, fold.lastTs + 1, since)
        continue
      }
      const { rows: changed, below } = fold.takeChanged(fold.lastTs - KEEP_MS)
      // A rise over a gap reaches buckets that only the store has whole.
      if (below) dirty.add(deviceId, below.from, below.to, since)
      emit(device, changed, rows, version, touched)
    }
  }
  function emit(
    device: RegistryDevice,
    changed: Recomputed['rows'],
    rows: RollupRow[],
    version: number,
    touched: DirtyRanges<SiteId>,
  ): void {
    for (const row of changed) {
      rows.push(deviceBucketRow(device, row, version))
      // Power is carried into the following buckets of its site.
      touched.add(siteAt(device, row.ts), row.ts, row.ts + BUCKET_MS + CARRY_MS, since)
    }
    markDays(
      'device',
      device.id,
      changed.map(({ ts }) => ts),
    )
  }
  function markDays(scope: CoarseScope, id: string, times: readonly number[]): void {
    if (times.length === 0) return
    const [from, to] = extent(times)
    dirtyDays.add(`${scope}:${id}`, from, to + BUCKET_MS, since)
  }

  /** Everything whose turn it is, from the store. */
  async function recomputeDirty(
    all: boolean,
  ): Promise<{ rows: number; recomputed: number; touched: DirtyRanges<SiteId> }> {
    const now = clock()
    const touched = new DirtyRanges<SiteId>()
    const jobs = new Map<TenantId, RecomputeJob[]>()
    for (const { key: deviceId, ranges } of dirty.take((id) => all || (live.get(id)?.notBefore ?? 0) <= now)) {
      const device = registry.device(deviceId)
      if (!device) continue
      const state = live.get(deviceId)
      for (const range of ranges) {
        const site = siteOf(device, range.from)
        if (!site) continue
        const list = jobs.get(device.tenantId) ?? []
        // The newest range ends at what was observed, so that the fold can go on from there.
        const isNewest = state !== undefined && range.to > state.watermark && state.pending.length === 0
        list.push({
          device,
          site,
          range,
          ...(isNewest ? { until: state.watermark } : {}),
          ...(state?.withoutCounters ? { withoutCounters: true } : {}),
        })
        jobs.set(device.tenantId, list)
      }
    }
    let count = 0
    let recomputed = 0
    for (const [tenantId, list] of jobs)
      for (const group of groups(list)) {
        const version = nextVersion()
        try {
          const results = await recompute({ warehouse, tenantId, scope: 'system' }, group)
          const rows: RollupRow[] = []
          for (const result of results) {
            emit(result.device, result.rows, rows, version, touched)
            adopt(result, group, now)
          }
          await writeRemovals(tenantId, results, rows, version, touched)
          await warehouse.insert('rollup_device_5m', rows)
          count += rows.length
          recomputed += results.length
        } catch (error) {
          for (const { device, range } of group) dirty.add(device.id, range.from, range.to, since)
          throw error
        }
      }
    return { rows: count, recomputed, touched }
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
    result.fold.takeChanged(result.fold.lastTs - KEEP_MS)
    state.fold = result.fold
  }

  /** Rows that the store has and the computation does not yield any more. */
  async function writeRemovals(
    tenantId: TenantId,
    results: readonly Recomputed[],
    rows: RollupRow[],
    version: number,
    touched: DirtyRanges<SiteId>,
  ): Promise<void> {
    const existing = await existingBuckets(warehouse, tenantId, results)
    for (const { device, site, range, rows: computed } of results) {
      const kept = new Set(computed.map(({ ts }) => ts))
      const gone = (existing.get(device.id) ?? []).filter(({ ts }) => ts >= range.from && ts < range.to)
      for (const { ts, siteId } of gone) {
        // A device that was moved is another site's now: the site it left is computed again.
        if (siteId !== siteAt(device, ts)) touched.add(siteId, ts, ts + BUCKET_MS, since)
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
        touched.add(siteId, ts, ts + BUCKET_MS, since)
        removed.add(`device:${device.id}`).add(`site:${siteId}`)
        markDays('device', device.id, [ts])
      }
    }
  }

  async function computeSites(): Promise<number> {
    const jobs = new Map<TenantId, SiteJob[]>()
    for (const { key: siteId, ranges } of dirtySites.take()) {
      const site = registry.site(siteId)
      if (!site) continue
      const devices = registry.devicesOfSite(siteId)
      for (const range of ranges)
        for (let from = range.from; from < range.to; from += SITE_PIECE_MS) {
          const list = jobs.get(site.tenantId) ?? []
          list.push({ site, devices, range: { from, to: Math.min(range.to, from + SITE_PIECE_MS) } })
          jobs.set(site.tenantId, list)
        }
    }
    let count = 0
    for (const [tenantId, list] of jobs)
      for (const group of groups(list)) {
        try {
          const rows = await siteRows(warehouse, tenantId, group, nextVersion())
          await warehouse.insert('rollup_site_5m', rows)
          count += rows.length
          for (const { site, range } of group) markDays('site', site.id, [range.from, range.to - BUCKET_MS])
          for (const row of rows) if (row['is_deleted'] === 1) removed.add(`site:${String(row['site_id'])}`)
        } catch (error) {
          for (const { site, range } of group) dirtySites.add(site.id, range.from, range.to, since)
          throw error
        }
      }
    return count
  }

  async function computeDays(): Promise<void> {
    interface Group {
      scope: CoarseScope
      tenantId: TenantId
      timezone: string
      fromDate: string
      toDate: string
      removed: boolean
      members: { id: string; range: Range }[]
    }
    const byRange = new Map<string, Group>()
    for (const { key, ranges } of dirtyDays.take()) {
      const scope: CoarseScope = key.startsWith('device:') ? 'device' : 'site'
      const id = key.slice(scope.length + 1)
      const device = scope === 'device' ? registry.device(id as DeviceId) : undefined
      const site = device ? siteOf(device, ranges[0]!.from) : registry.site(id as SiteId)
      if (!site) continue
      const gone = removed.delete(key)
      for (const range of ranges) {
        const fromDate = localDate(site.timezone, range.from)
        const toDate = localDate(site.timezone, range.to - 1)
        const groupKey = [scope, site.tenantId, site.timezone, fromDate, toDate, gone].join('|')
        const group = byRange.get(groupKey) ?? {
          scope,
          tenantId: site.tenantId,
          timezone: site.timezone,
          fromDate,
          toDate,
          removed: gone,
          members: [],
        }
        group.members.push({ id, range })
        byRange.set(groupKey, group)
      }
    }
    const groupsLeft = [...byRange.values()]
    for (let group = groupsLeft.shift(); group; group = groupsLeft.shift()) {
      try {
        const { members, ...job } = group
        // A long stretch by pieces of a quarter, so that no statement holds years of rows.
        for (let fromDate = job.fromDate; fromDate <= job.toDate; fromDate = addDays(fromDate, 92)) {
          const end = addDays(fromDate, 91)
          await computeCoarse(
            warehouse,
            { ...job, fromDate, toDate: end < job.toDate ? end : job.toDate, ids: members.map(({ id }) => id) },
            nextVersion(),
          )
        }
      } catch (error) {
        for (const left of [group, ...groupsLeft])
          for (const { id, range } of left.members) {
            dirtyDays.add(`${left.scope}:${id}`, range.from, range.to, since)
            if (left.removed) removed.add(`${left.scope}:${id}`)
          }
        throw error
      }
    }
  }

  function merge(touched: DirtyRanges<SiteId>): void {
    for (const { key, ranges } of touched.take())
      for (const { from, to } of ranges) dirtySites.add(key, from, to, since)
  }

  async function run(all: boolean): Promise<FlushResult> {
    // Whatever follows from what waits now has been waiting as long.
    since = Math.min(clock(), dirty.oldest, dirtySites.oldest, dirtyDays.oldest)
    const startedAt = clock()
    const rows: RollupRow[] = []
    const touched = new DirtyRanges<SiteId>()
    applyPending(rows, nextVersion(), touched)
    try {
      await warehouse.insert('rollup_device_5m', rows)
    } catch (error) {
      // The folds have let these go: the store knows them.
      for (const row of rows)
        dirty.add(row['device_id'] as DeviceId, row['ts'] as number, (row['ts'] as number) + BUCKET_MS, since)
      throw error
    }
    merge(touched)
    const computed = await recomputeDirty(all)
    merge(computed.touched)
    const sites = await computeSites()
    if (all || clock() - coarseAt >= coarseEveryMs) {
      await computeDays()
      coarseAt = clock()
    }
    // Everything observed before this flush is in, but for what waits for its turn.
    if (all || clock() - markedAt >= MARK_EVERY_MS) {
      await writeMark(
        warehouse,
        worker,
        Math.min(startedAt, dirty.oldest, dirtySites.oldest, dirtyDays.oldest) - MARK_SLACK_MS,
      )
      markedAt = clock()
    }
    return {
      deviceRows: rows.length + computed.rows,
      siteRows: sites,
      recomputed: computed.recomputed,
      waiting: waiting(),
    }
  }
  const waiting = (): number => {
    let count = dirty.size + dirtySites.size
    for (const { pending } of live.values()) if (pending.length > 0) count += 1
    return count
  }

  return {
    observe,
    touch: (deviceId, from, to) => {
      // What the fold holds may be about rows that changed.
      const state = live.get(deviceId)
      if (state?.fold && to > bucketOf(state.fold.lastTs) - NEAR_MS) {
        state.fold = undefined
        dirty.add(deviceId, Math.min(from, state.watermark), state.watermark + 1, clock())
      }
      dirty.add(deviceId, from, to, clock())
    },
    async recover() {
      const mark = await readMark(warehouse, worker)
      const ranges = await storedSince(warehouse, mark)
      for (const { deviceId, from, to } of ranges) dirty.add(deviceId, from, to, Math.max(mark, 0))
      return ranges.length
    },
    touchSite: (siteId, from, to) => dirtySites.add(siteId, from, to, clock()),
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

/** In order of time; of several at one instant the last observed. */
function inOrder(readings: FoldReading[]): FoldReading[] {
  let ordered = true
  for (let index = 1; index < readings.length && ordered; index++)
    ordered = readings[index]!.ts > readings[index - 1]!.ts
  if (ordered) return readings
  const byTime = new Map<number, FoldReading>()
  for (const reading of readings) byTime.set(reading.ts, reading)
  return [...byTime.values()].sort((a, b) => a.ts - b.ts)
}

function extent(times: readonly number[]): [number, number] {
  let from = Number.POSITIVE_INFINITY
  let to = Number.NEGATIVE_INFINITY
  for (const ts of times) {
    from = Math.min(from, ts)
    to = Math.max(to, ts)
  }
  return [from, to]
}

/** Jobs whose ranges lie close together, each device or site at most once per group. */
function groups<Job extends { range: Range; device?: { id: string }; site: { id: string } }>(
  jobs: readonly Job[],
): Job[][] {
  const sorted = [...jobs].sort((a, b) => a.range.from - b.range.from)
  const result: { jobs: Job[]; ids: Set<string>; from: number; to: number }[] = []
  for (const job of sorted) {
    const key = job.device?.id ?? job.site.id
    const last = result.at(-1)
    const near = last && job.range.from - last.from <= NEAR_MS && Math.abs(job.range.to - last.to) <= NEAR_MS
    if (last && near && last.jobs.length < GROUP && !last.ids.has(key)) {
      last.jobs.push(job)
      last.ids.add(key)
      last.to = Math.max(last.to, job.range.to)
    } else result.push({ jobs: [job], ids: new Set([key]), from: job.range.from, to: job.range.to })
  }
  return result.map((group) => group.jobs)
}
