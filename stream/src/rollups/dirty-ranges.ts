import type { Range } from '@heliograph/crm-core'

/** What must be computed again: ranges of time per key, bounded. Where there would be too many they grow together. */
const MAX_RANGES = 8

export class DirtyRanges<Key> {
  readonly #ranges = new Map<Key, Range[]>()

  get size(): number {
    return this.#ranges.size
  }
  has(key: Key): boolean {
    return this.#ranges.has(key)
  }
  add(key: Key, from: number, to: number): void {
    if (!(to > from)) return
    const list = this.#ranges.get(key)
    if (!list) {
      this.#ranges.set(key, [{ from, to }])
      return
    }
    list.push({ from, to })
    list.sort((a, b) => a.from - b.from)
    const merged: Range[] = []
    for (const range of list) {
      const last = merged.at(-1)
      if (last && range.from <= last.to) last.to = Math.max(last.to, range.to)
      else merged.push({ ...range })
    }
    // The two that lie closest become one: computing a little too much is safe, forgetting is not.
    while (merged.length > MAX_RANGES) {
      let closest = 1
      for (let index = 2; index < merged.length; index++)
        if (merged[index]!.from - merged[index - 1]!.to < merged[closest]!.from - merged[closest - 1]!.to) closest = index
      merged[closest - 1]!.to = merged[closest]!.to
      merged.splice(closest, 1)
    }
    this.#ranges.set(key, merged)
  }
  /** Takes everything out, or only what a filter lets through. */
  take(filter: (key: Key) => boolean = () => true): [Key, Range[]][] {
    const taken = [...this.#ranges].filter(([key]) => filter(key))
    for (const [key] of taken) this.#ranges.delete(key)
    return taken
  }
  delete(key: Key): void {
    this.#ranges.delete(key)
  }
}
