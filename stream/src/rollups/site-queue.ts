/** Sites whose five-minute rows wait to be computed. */
import { BUCKET_MS, joinRanges, NEAR_MS } from '@heliograph/crm-core'
import type { SiteId, TenantId, Warehouse } from '@heliograph/crm-core/contracts'
import type { DayQueue } from './day-queue.ts'
import { DirtyRanges } from './dirty-ranges.ts'
import type { FreshRows } from './fresh-rows.ts'
import { eachOrRestore, groups, monthsOf, OVERLAPPING } from './grouping.ts'
import type { RollupRegistry } from './rollups.ts'
import { siteRows, type SiteJob } from './site-buckets.ts'

export interface SiteQueueOptions {
  warehouse: Warehouse
  registry: RollupRegistry
  days: DayQueue
  nextVersion(): number
  /** Told of what was written; `to` exclusive. */
  onRows?(siteId: SiteId, from: number, to: number): void
}

export class SiteQueue {
  readonly #options: SiteQueueOptions
  readonly #dirty = new DirtyRanges<SiteId>()

  constructor(options: SiteQueueOptions) {
    this.#options = options
  }
  get size(): number {
    return this.#dirty.size
  }
  get oldest(): number {
    return this.#dirty.oldest
  }
  add(siteId: SiteId, from: number, to: number, since: number): void {
    this.#dirty.add(siteId, from, to, since)
  }

  /**
   * @param fresh rows of devices that this flush has written
   * @returns how many rows were written
   */
  async compute(since: number, fresh: FreshRows): Promise<number> {
    const { warehouse, days, nextVersion } = this.#options
    let count = 0
    await eachOrRestore(
      this.#take(),
      async ({ tenantId, jobs }) => {
        const rows = await siteRows(warehouse, tenantId, jobs, nextVersion(), fresh)
        await warehouse.insert('rollup_site_5m', rows)
        count += rows.length
        for (const { site, range } of jobs) this.#options.onRows?.(site.id, range.from, range.to)
        for (const { site, range } of jobs) days.mark('site', site.id, [range.from, range.to - BUCKET_MS], since)
        for (const row of rows) if (row['is_deleted'] === 1) days.markRemoved('site', String(row['site_id']))
      },
      ({ jobs }) => {
        for (const { site, range } of jobs) this.#dirty.add(site.id, range.from, range.to, since)
      },
      OVERLAPPING,
    )
    return count
  }

  #take(): { tenantId: TenantId; jobs: SiteJob[] }[] {
    const { registry } = this.#options
    const byTenant = new Map<TenantId, SiteJob[]>()
    for (const { key, ranges } of this.#dirty.take()) {
      const site = registry.site(key)
      if (!site) continue
      const devices = registry.devicesOfSite(key)
      const jobs = byTenant.get(site.tenantId) ?? []
      // No further apart: between what a past left and what is live lie days that nobody changed, however long the past.
      for (const range of joinRanges(ranges, () => NEAR_MS).flatMap(monthsOf)) jobs.push({ site, devices, range })
      byTenant.set(site.tenantId, jobs)
    }
    return [...byTenant].flatMap(([tenantId, list]) =>
      groups(list, ({ devices }) => devices.length).map((jobs) => ({ tenantId, jobs })),
    )
  }
}
