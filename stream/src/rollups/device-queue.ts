/** Devices whose five-minute rows wait to be computed from the store. */
import { setImmediate as turn } from 'node:timers/promises'
import {
  hourOf,
  joinNear,
  localDate,
  siteAt,
  recompute,
  type Range,
  type Recomputed,
  type RecomputeJob,
} from '@heliograph/crm-core'
import type { DeviceId, RegistryDevice, RegistrySite, TenantId, Warehouse } from '@heliograph/crm-core/contracts'
import type { Arrivals } from './arrivals.ts'
import type { DayQueue } from './day-queue.ts'
import type { DirtyRanges } from './dirty-ranges.ts'
import { existingRows } from './existing.ts'
import type { FreshRows } from './fresh-rows.ts'
import { eachOrRestore, groups, monthsOf, ofOneFlush, OVERLAPPING } from './grouping.ts'
import { KEEP_MS, type LiveDevices } from './live-devices.ts'
import { deviceBucketRow, type RollupRow } from './rows.ts'
import { inRuns, RUNS_AFTER_MS, type RunRow } from './runs.ts'
import type { SiteQueue } from './site-queue.ts'
import { WrittenRows } from './written-rows.ts'

export interface DeviceQueueOptions {
  warehouse: Warehouse
  device(id: DeviceId): RegistryDevice | undefined
  /** Where a device stood at an instant. */
  siteOf(device: RegistryDevice, at: number): RegistrySite | undefined
  /** UTC milliseconds. */
  clock(): number
  nextVersion(): number
  dirty: DirtyRanges<DeviceId>
  arrivals: Arrivals
  live: LiveDevices
  days: DayQueue
  sites: SiteQueue
  /** Marks what follows from buckets of a device that changed. */
  changed(device: RegistryDevice, rows: Recomputed['rows'], since: number): void
}
export interface DevicesComputed {
  rows: number
  recomputed: number
  /** Whether there is work whose turn has come: of a long past one call computes a part. */
  more: boolean
}
interface DeviceJob extends RecomputeJob {
  /** What lies before is written in runs; whole hours of it. */
  hoursBefore: number
}
interface Group {
  tenantId: TenantId
  jobs: DeviceJob[]
}
/** Of one device: what was computed, what of it lies before and after the border of its job, and what is written. */
interface Part {
  result: Recomputed
  past: Recomputed['rows']
  recent: Recomputed['rows']
  runs: readonly RunRow[]
}

export class DeviceQueue {
  readonly #options: DeviceQueueOptions
  readonly #written = new WrittenRows()

  constructor(options: DeviceQueueOptions) {
    this.#options = options
  }

  /** All that is computed of it next is written, whether it changed or not, and what stands above it follows. */
  forgetWritten(id: DeviceId): void {
    this.#written.forget(id)
  }

  /**
   * Computes and writes everything whose turn it is.
   * @param all what would wait for its turn is done as well
   * @param since when the oldest of it came in
   * @param fresh takes the rows of long stretches, for the sites that follow
   */
  async compute(all: boolean, since: number, fresh: FreshRows): Promise<DevicesComputed> {
    const { warehouse, clock, dirty, arrivals, live, nextVersion, changed } = this.#options
    const now = clock()
    const done: DevicesComputed = { rows: 0, recomputed: 0, more: false }
    const restore = (some: readonly RecomputeJob[]): void => {
      for (const { device, range } of some) dirty.add(device.id, range.from, range.to, since)
    }
    const work: Group[] = []
    for (const [tenantId, jobs] of this.#take(all, now)) {
      const {
        now: due,
        next,
        later,
      } = all ? { now: jobs, next: [], later: [] } : ofOneFlush(jobs, ({ device }) => arrivals.isOn(device.id, now))
      restore([...next, ...later])
      done.more ||= next.length > 0
      for (const group of groups(due)) work.push({ tenantId, jobs: group })
    }
    await eachOrRestore(
      work,
      async ({ tenantId, jobs }) => {
        const version = nextVersion()
        const results = await recompute({ warehouse, tenantId, scope: 'system' }, jobs)
        const rows: RollupRow[] = []
        const planOf = new Map(jobs.map((job) => [job.device.id, job]))
        const parts: Part[] = []
        for (const result of results) {
          const { device } = result
          const { hoursBefore } = planOf.get(device.id)!
          const border = result.rows.findIndex(({ ts }) => ts >= hoursBefore)
          const recent = border < 0 ? [] : result.rows.slice(border)
          // What lies before goes into runs, which are written whole.
          const past = result.rows.slice(0, result.rows.length - recent.length)
          const differing = [...past, ...this.#written.changed(device, recent)]
          const runs = inRuns(device, differing, hoursBefore)
          changed(device, differing, since)
          for (const row of runs) rows.push(deviceBucketRow(device, row, version))
          parts.push({ result, past, recent, runs })
          await turn()
        }
        for (const row of await this.#removals(tenantId, parts, version, since)) rows.push(row)
        await warehouse.insert('rollup_device_5m', rows)
        for (const { result, past, recent } of parts) {
          fresh.add(result)
          const { device } = result
          const { until } = planOf.get(device.id)!
          this.#written.drop(device.id, past)
          // A fold that goes on in memory writes its rows itself.
          if (live.adopt(result, until, now)) this.#written.forget(device.id)
          else if (until !== undefined || this.#written.knows(device.id)) this.#written.keep(device, recent)
        }
        done.rows += rows.length
        done.recomputed += results.length
      },
      ({ jobs }) => restore(jobs),
      OVERLAPPING,
    )
    return done
  }

  /** By tenant. */
  #take(all: boolean, now: number): Map<TenantId, DeviceJob[]> {
    const { dirty, live, siteOf } = this.#options
    const jobs = new Map<TenantId, DeviceJob[]>()
    for (const { key: deviceId, ranges } of dirty.take((id) => all || (live.get(id)?.notBefore ?? 0) <= now)) {
      const device = this.#options.device(deviceId)
      if (!device) continue
      const state = live.get(deviceId)
      // The newest range ends at what was applied, so that the fold can go on from there with what comes in meanwhile. It stays
      // apart from what an import left before it: what is live does not wait for a year of past.
      const isNewest = ({ from, to }: Range): boolean =>
        state !== undefined && to > state.applied && from <= state.applied
      const list = jobs.get(device.tenantId) ?? []
      const hoursBefore = hourOf(Math.min(now - RUNS_AFTER_MS, state ? state.applied - KEEP_MS : now))
      for (const range of [
        ...joinNear(ranges.filter((each) => !isNewest(each))).flatMap(monthsOf),
        ...ranges.filter(isNewest),
      ]) {
        const site = siteOf(device, range.from)
        if (!site) continue
        list.push({
          device,
          site,
          range,
          hoursBefore,
          ...(state && isNewest(range) ? { until: state.applied } : {}),
          ...(state?.withoutCounters ? { withoutCounters: true } : {}),
          ...(state?.byDays ? { byDays: true } : {}),
        })
      }
      jobs.set(device.tenantId, list)
    }
    return jobs
  }

  /** Rows that the store has and the computation does not yield any more. */
  async #removals(tenantId: TenantId, parts: readonly Part[], version: number, since: number): Promise<RollupRow[]> {
    const { warehouse, sites, days } = this.#options
    const removals: RollupRow[] = []
    const existing = await existingRows(
      warehouse,
      tenantId,
      parts.map(({ result }) => result),
    )
    for (const { result, recent, runs } of parts) {
      const { device, site, range } = result
      const gone = (existing.get(device.id) ?? []).filter(({ ts }) => ts >= range.from && ts < range.to)
      if (gone.length === 0) continue
      const kept = new Set([...runs, ...recent].map(({ ts }) => ts))
      for (const { ts, to, siteId } of gone) {
        // A device that was moved is another site's now: the site it left is computed again.
        if (siteId !== siteAt(device, ts)) sites.add(siteId, ts, to, since)
        if (kept.has(ts)) continue
        this.#written.drop(device.id, [{ ts }])
        removals.push({
          tenant_id: tenantId,
          site_id: siteId,
          device_id: device.id,
          ts,
          date: localDate(site.timezone, ts),
          version,
          is_deleted: 1,
        })
        sites.add(siteId, ts, to, since)
        days.markRemoved('device', device.id)
        days.markRemoved('site', siteId)
        days.mark('device', device.id, [ts], since)
      }
    }
    return removals
  }
}
