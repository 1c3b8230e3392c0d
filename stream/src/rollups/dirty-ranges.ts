import { joinRanges, type Range } from '@heliograph/crm-core'

/** What must be computed again: ranges of time per key, bounded. Where there would be too many they grow together. */
const MAX_RANGES = 8

export interface Dirty<Key> {
  key: Key
  ranges: Range[]
  /** When the first of them became so. */
  since: number
}

export class DirtyRanges<Key> {
  readonly #entries = new Map<Key, Dirty<Key>>()

  get size(): number {
    return this.#entries.size
  }
  /** When the longest waiting one became dirty; infinity when there is none. */
  get oldest(): number {
    let oldest = Number.POSITIVE_INFINITY
    for (const { since } of this.#entries.values()) oldest = Math.min(oldest, since)
    return oldest
  }
  /** Milliseconds of all ranges that are longer than so many. */
  lengthOver(ms: number): number {
    let sum = 0
    for (const { ranges } of this.#entries.values())
      for (const { from, to } of ranges) if (to - from > ms) sum += to - from
    return sum
  }
  /** @param since when the change came in */
  add(key: Key, from: number, to: number, since: number): void {
    if (!(to > from)) return
    const entry = this.#entries.get(key)
    if (!entry) {
      this.#entries.set(key, { key, ranges: [{ from, to }], since })
      return
    }
    entry.since = Math.min(entry.since, since)
    const newest = entry.ranges.at(-1)!
    // Rows that follow each other come one by one, a hundred thousand of a year: they lengthen the newest.
    if (from >= newest.from && from <= newest.to) {
      newest.to = Math.max(newest.to, to)
      return
    }
    const merged = joinRanges([...entry.ranges, { from, to }])
    // The two that lie closest become one: computing a little too much is safe, forgetting is not.
    while (merged.length > MAX_RANGES) {
      let closest = 1
      for (let index = 2; index < merged.length; index++)
        if (merged[index]!.from - merged[index - 1]!.to < merged[closest]!.from - merged[closest - 1]!.to)
          closest = index
      merged[closest - 1]!.to = merged[closest]!.to
      merged.splice(closest, 1)
    }
    entry.ranges = merged
  }
  /** Takes everything out, or only what a filter lets through. */
  take(filter: (key: Key) => boolean = () => true): Dirty<Key>[] {
    const taken = [...this.#entries.values()].filter(({ key }) => filter(key))
    for (const { key } of taken) this.#entries.delete(key)
    return taken
  }
}
