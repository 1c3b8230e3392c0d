/**
 * Keeps the roll-ups of devices and sites in step with the raw readings. Readings in order of time go through a fold in
 * memory; everything else (late, replayed, of a device not seen since the start, of a source chosen per day) is computed
 * again from the store. Both ways run the same fold, so they end in the same numbers.
 */
import { BUCKET_MS, siteAt, type BucketRow } from '@heliograph/crm-core'
import type { DeviceId, RegistryDevice, RegistrySite, SiteId, Warehouse } from '@heliograph/crm-core/contracts'
import { Arrivals } from './arrivals.ts'
import type { CoarseScope } from './coarse.ts'
import { DayQueue } from './day-queue.ts'
import { DeviceQueue } from './device-queue.ts'
import { DirtyRanges } from './dirty-ranges.ts'
import { FreshRows } from './fresh-rows.ts'
import { LONG_MS } from './grouping.ts'
import { LiveDevices, type ObservedReading } from './live-devices.ts'
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
  /** Hours, days and months are computed at most this often, and never more than a tenth of the time. Default 60 s. */
  coarseEveryMs?: number
  /** Name of this worker's mark in the store; several workers at once have different ones. Default `rollups`. */
  worker?: string
  /** A device whose source is chosen per day has its day computed at most this often. Default 60 s. */
  wholeDayEveryMs?: number
  /** Told of the sites' five-minute rows that were written; `to` exclusive. */
  onSiteRows?(siteId: SiteId, from: number, to: number): void
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
  /** Days of devices whose past waits (an import, a replay); what devices say now is none of it. */
  readonly pastDays: number
}

const DAY_MS = 86_400_000
const MARK_EVERY_MS = 30_000
/** On a slow machine the days of what is live are computed more seldom rather than all the time. */
const COARSE_REST = 9
const MOST_COARSE_REST_MS = 30_000
/** Between the store's acknowledgement and `observe`, and between two machines' clocks. */
const MARK_SLACK_MS = 60_000

export function createRollups(options: RollupOptions): Rollups {
  const { warehouse, registry, clock, coarseEveryMs = 60_000, wholeDayEveryMs = 60_000, worker = 'rollups' } = options
  const dirty = new DirtyRanges<DeviceId>()
  const arrivals = new Arrivals()
  const days = new DayQueue({ warehouse, siteOf: siteOfDays, nextVersion })
  const sites = new SiteQueue({
    warehouse,
    registry,
    days,
    nextVersion,
    ...(options.onSiteRows && { onRows: options.onSiteRows }),
  })
  const device = (id: DeviceId): RegistryDevice | undefined => registry.device(id)
  const live = new LiveDevices({ device, clock, dirty, arrivals, wholeDayEveryMs })
  const devices = new DeviceQueue({
    warehouse,
    device,
    siteOf,
    clock,
    nextVersion,
    dirty,
    arrivals,
    live,
    days,
    sites,
    changed,
  })
  let running: Promise<FlushResult> | undefined
  /** While hours, days and months are computed; a failure is that of the flush that waits for it, or of the next. */
  let coarse: Promise<void> | undefined
  let coarseFailure: unknown
  let coarseAt = Number.NEGATIVE_INFINITY
  let lastVersion = 0
  let markedAt = Number.NEGATIVE_INFINITY

  /** Later computations win; taken before anything is read, so that a computation on older data never hides a newer one. */
  function nextVersion(): number {
    lastVersion = Math.max(lastVersion + 2, Math.floor(clock() * 1000))
    return lastVersion
  }
  function siteOf(device: RegistryDevice, at: number): RegistrySite | undefined {
    return registry.site(siteAt(device, at)) ?? registry.site(device.siteId)
  }
  function siteOfDays(scope: CoarseScope, id: string, at: number): RegistrySite | undefined {
    if (scope === 'site') return registry.site(id as SiteId)
    const found = registry.device(id as DeviceId)
    return found && siteOf(found, at)
  }
  /** What follows from buckets of a device that changed: its sites and days. */
  function changed(of: RegistryDevice, rows: readonly BucketRow[], since: number): void {
    // Power is carried into the following buckets of its site. Rows that follow each other are one stretch; of a long past its
    // nights are part of it, so that the sites of a month go through the same few queries.
    const isLong = rows.length > 0 && rows.at(-1)!.ts - rows[0]!.ts > LONG_MS
    const gapMs = isLong ? DAY_MS : BUCKET_MS
    let at = 0
    while (at < rows.length) {
      const from = rows[at]!.ts
      const siteId = siteAt(of, from)
      let last = from
      while (++at < rows.length && rows[at]!.ts <= last + gapMs && siteAt(of, rows[at]!.ts) === siteId)
        last = rows[at]!.ts
      sites.add(siteId, from, last + BUCKET_MS + CARRY_MS, since)
    }
    days.mark(
      'device',
      of.id,
      rows.map(({ ts }) => ts),
      since,
    )
  }

  const oldest = (): number => Math.min(clock(), dirty.oldest, sites.oldest, days.oldest)

  async function run(all: boolean): Promise<FlushResult> {
    // Whatever follows from what waits now has been waiting as long.
    const since = oldest()
    const startedAt = clock()
    const rows: RollupRow[] = []
    const version = nextVersion()
    live.apply(since, (of, buckets) => {
      changed(of, buckets, since)
      for (const bucket of buckets) rows.push(deviceBucketRow(of, bucket, version))
    })
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
    const fresh = new FreshRows()
    const computed = await devices.compute(all, since, fresh)
    const siteCount = await sites.compute(since, fresh)
    if (all || (!coarse && clock() - coarseAt >= coarseEveryMs)) {
      await coarse
      coarse = computeDays(since)
      // Of a long past the store sums up one part while the devices of the next are computed.
      if (all || pastDays() === 0) await coarse
    }
    if (coarseFailure !== undefined) {
      const failure = coarseFailure
      coarseFailure = undefined
      throw failure
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
  async function computeDays(since: number): Promise<void> {
    const begin = clock()
    try {
      await days.compute(since)
      coarseAt = clock() + Math.min(COARSE_REST * (clock() - begin), MOST_COARSE_REST_MS)
    } catch (error) {
      coarseFailure = error
    }
    coarse = undefined
  }
  const pastDays = (): number => Math.round(dirty.lengthOver(LONG_MS) / DAY_MS)
  const waiting = (): number => dirty.size + sites.size + live.waiting

  return {
    observe: (readings) => live.observe(readings),
    touch: (deviceId, from, to) => {
      live.touch(deviceId, from, to)
      devices.forgetWritten(deviceId)
      arrivals.add(deviceId, clock())
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
    get pastDays() {
      return pastDays()
    },
  }
}
