/** Hours, days and months that wait to be computed. */
import { addDays, BUCKET_MS, dayStart, joinNear, localDate, type Range } from '@heliograph/crm-core'
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
/**
 * A stretch longer than this is computed by whole quarters of a year: no statement holds years of rows, and what came in at
 * once for many devices, of each from and to another day, goes through the same few statements.
 */
const LONG_DAYS = 7

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
        await computeCoarse(warehouse, { ...job, ids: members.map(({ id }) => id) }, nextVersion())
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
      for (const piece of joinNear(ranges).flatMap((range) => piecesOf(timezone, range))) {
        const { fromDate, toDate, range } = piece
        const groupKey = [scope, tenantId, timezone, fromDate, toDate, removed].join('|')
        const group = groups.get(groupKey) ?? { scope, tenantId, timezone, fromDate, toDate, removed, members: [] }
        group.members.push({ id, range })
        groups.set(groupKey, group)
      }
    }
    return [...groups.values()]
  }
}

interface Piece {
  fromDate: string
  toDate: string
  range: Range
}
function piecesOf(timezone: string, range: Range): Piece[] {
  const fromDate = localDate(timezone, range.from)
  const toDate = localDate(timezone, range.to - 1)
  if (toDate <= addDays(fromDate, LONG_DAYS)) return [{ fromDate, toDate, range }]
  const pieces: Piece[] = []
  for (let begin = quarterStart(fromDate); begin <= toDate; begin = nextQuarter(begin)) {
    const from = Math.max(range.from, dayStart(timezone, begin))
    const to = Math.min(range.to, dayStart(timezone, nextQuarter(begin)))
    pieces.push({ fromDate: begin, toDate: addDays(nextQuarter(begin), -1), range: { from, to } })
  }
  return pieces
}
const quarterStart = (date: string): string =>
  `${date.slice(0, 4)}-${String(Math.floor((Number(date.slice(5, 7)) - 1) / 3) * 3 + 1).padStart(2, '0')}-01`
const nextQuarter = (quarter: string): string => quarterStart(addDays(quarter, 100))
