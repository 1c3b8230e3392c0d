/** Hours, days and months that wait to be computed. */
import { addDays, BUCKET_MS, localDate, type Range } from '@heliograph/crm-core'
import type { RegistrySite, TenantId, Warehouse } from '@heliograph/crm-core/contracts'
import { computeCoarse, type CoarseScope } from './coarse.ts'
import { DirtyRanges } from './dirty-ranges.ts'
import { eachOrRestore, extent } from './grouping.ts'

export interface DayQueueOptions {
  warehouse: Warehouse
  /** The site whose zone a device's or site's days have. */
  siteOf(scope: CoarseScope, id: string, at: number): RegistrySite | undefined
  nextVersion(): number
}
interface Group {
  scope: CoarseScope
  tenantId: TenantId
  timezone: string
  fromDate: string
  toDate: string
  removed: boolean
  members: { id: string; range: Range }[]
}
/** A long stretch is computed by pieces, so that no statement holds years of rows. */
const PIECE_DAYS = 92

export class DayQueue {
  readonly #options: DayQueueOptions
  readonly #dirty = new DirtyRanges<`${CoarseScope}:${string}`>()
  /** Of these, five-minute rows went away. */
  readonly #removed = new Set<string>()

  constructor(options: DayQueueOptions) {
    this.#options = options
  }
  get size(): number {
    return this.#dirty.size
  }
  get oldest(): number {
    return this.#dirty.oldest
  }
  /** @param times starts of the five-minute rows that changed */
  mark(scope: CoarseScope, id: string, times: readonly number[], since: number): void {
    if (times.length === 0) return
    const [from, to] = extent(times)
    this.#dirty.add(`${scope}:${id}`, from, to + BUCKET_MS, since)
  }
  markRemoved(scope: CoarseScope, id: string): void {
    this.#removed.add(`${scope}:${id}`)
  }

  async compute(since: number): Promise<void> {
    const { warehouse, nextVersion } = this.#options
    await eachOrRestore(
      this.#take(),
      async ({ members, ...job }) => {
        for (let fromDate = job.fromDate; fromDate <= job.toDate; fromDate = addDays(fromDate, PIECE_DAYS)) {
          const end = addDays(fromDate, PIECE_DAYS - 1)
          const toDate = end < job.toDate ? end : job.toDate
          await computeCoarse(warehouse, { ...job, fromDate, toDate, ids: members.map(({ id }) => id) }, nextVersion())
        }
      },
      ({ scope, removed, members }) => {
        for (const { id, range } of members) {
          this.#dirty.add(`${scope}:${id}`, range.from, range.to, since)
          if (removed) this.markRemoved(scope, id)
        }
      },
    )
  }

  /** Those of the same days of the same zone are computed together. */
  #take(): Group[] {
    const groups = new Map<string, Group>()
    for (const { key, ranges } of this.#dirty.take()) {
      const scope: CoarseScope = key.startsWith('device:') ? 'device' : 'site'
      const id = key.slice(scope.length + 1)
      const removed = this.#removed.delete(key)
      const site = this.#options.siteOf(scope, id, ranges[0]!.from)
      if (!site) continue
      const { tenantId, timezone } = site
      for (const range of ranges) {
        const fromDate = localDate(timezone, range.from)
        const toDate = localDate(timezone, range.to - 1)
        const groupKey = [scope, tenantId, timezone, fromDate, toDate, removed].join('|')
        const group = groups.get(groupKey) ?? { scope, tenantId, timezone, fromDate, toDate, removed, members: [] }
        group.members.push({ id, range })
        groups.set(groupKey, group)
      }
    }
    return [...groups.values()]
  }
}
