/** Hours, days and months that wait to be computed. */
import { addDays, BUCKET_MS, byZone, dayStart, joinNear, localDate, type Range } from '@heliograph/crm-core'
import type { RegistrySite, TenantId, Warehouse } from '@heliograph/crm-core/contracts'
import { computeCoarse, monthStart, nextMonth, type CoarseScope } from './coarse.ts'
import { DirtyRanges } from './dirty-ranges.ts'
import { eachOrRestore, extent } from './grouping.ts'

export interface DayQueueOptions {
  warehouse: Warehouse
  /** The site whose zone a device's or site's days have. */
  siteOf(scope: CoarseScope, id: string, at: number): RegistrySite | undefined
  nextVersion(): number
}
interface Member {
  id: string
  timezone: string
  range: Range
}
interface Group {
  scope: CoarseScope
  tenantId: TenantId
  fromDate: string
  toDate: string
  removed: boolean
  members: Member[]
}
/**
 * A stretch longer than this is computed by whole months: no statement holds years of rows, and what came in at
 * once for many devices, of each from and to another day, goes through the same few statements.
 */
const LONG_DAYS = 7

export class DayQueue {
  readonly #options: DayQueueOptions
  readonly #dirty = new DirtyRanges<`${CoarseScope}:${string}`>()
  /** Of these, five-minute rows went away. */
  readonly #removed = new Set<string>()
  /** Since when what is being computed has waited. */
  #computing = Number.POSITIVE_INFINITY

  constructor(options: DayQueueOptions) {
    this.#options = options
  }
  get size(): number {
    return this.#dirty.size
  }
  get oldest(): number {
    return Math.min(this.#dirty.oldest, this.#computing)
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
    this.#computing = since
    await eachOrRestore(
      this.#take(),
      async ({ members, ...job }) => {
        await computeCoarse(warehouse, { ...job, zones: byZone(members) }, nextVersion())
      },
      ({ scope, removed, members }) => {
        for (const { id, range } of members) {
          this.#dirty.add(`${scope}:${id}`, range.from, range.to, since)
          if (removed) this.markRemoved(scope, id)
        }
      },
    ).finally(() => (this.#computing = Number.POSITIVE_INFINITY))
  }

  /** Those of about the same days are computed together. */
  #take(): Group[] {
    const groups = new Map<string, Group>()
    for (const { key, ranges } of this.#dirty.take()) {
      const scope: CoarseScope = key.startsWith('device:') ? 'device' : 'site'
      const id = key.slice(scope.length + 1)
      const removed = this.#removed.delete(key)
      const site = this.#options.siteOf(scope, id, ranges[0]!.from)
      if (!site) continue
      const { tenantId, timezone } = site
      for (const { fromDate, toDate, range } of joinNear(ranges).flatMap((each) => piecesOf(timezone, each))) {
        const group: Group = { scope, tenantId, fromDate, toDate, removed, members: [{ id, timezone, range }] }
        const groupKey = [scope, tenantId, fromDate, toDate, removed].join('|')
        const known = groups.get(groupKey)
        if (known) known.members.push(...group.members)
        else groups.set(groupKey, group)
      }
    }
    return joinShort([...groups.values()])
  }
}

/** Those of a few days each as few: days that are computed once more cost less than a statement. */
function joinShort(groups: readonly Group[]): Group[] {
  const joined: Group[] = []
  const open = new Map<string, Group>()
  for (const group of groups.toSorted((a, b) => (a.fromDate < b.fromDate ? -1 : 1))) {
    const { scope, tenantId, removed } = group
    const kind = [scope, tenantId, removed].join('|')
    const last = open.get(kind)
    if (last && group.toDate <= addDays(last.fromDate, LONG_DAYS)) {
      if (group.toDate > last.toDate) last.toDate = group.toDate
      last.members.push(...group.members)
      continue
    }
    joined.push(group)
    if (group.toDate <= addDays(group.fromDate, LONG_DAYS)) open.set(kind, group)
  }
  return joined
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
  for (let begin = monthStart(fromDate); begin <= toDate; begin = nextMonth(begin)) {
    const from = Math.max(range.from, dayStart(timezone, begin))
    const to = Math.min(range.to, dayStart(timezone, nextMonth(begin)))
    pieces.push({ fromDate: begin, toDate: addDays(nextMonth(begin), -1), range: { from, to } })
  }
  return pieces
}
