/**
 * What became of each reading given to the store, so that the books balance: produced = stored + duplicate + superseded + refused
 * + still in the log. A row is a device and an instant: the first reading of it is stored, the same again is a duplicate, another
 * one supersedes it. Repeats are told by the newest instants of a device, which is where retries come; an older one written
 * again counts as stored, which it is.
 */
import type { DeviceId, Metric, Reading } from '@heliograph/crm-core/contracts'

/** Instants remembered per device, and devices: a few dozen megabytes at most. */
const INSTANTS = 64
const DEVICES = 50_000

export type RowResult = 'stored' | 'duplicate' | 'superseded' | 'refused' | 'replayed'

export class RowResults {
  readonly #seen = new Map<DeviceId, Seen>()

  /** Judges readings that are in the store now, in the order they were given. */
  of(readings: readonly Reading[]): Map<RowResult, number> {
    const counts = new Map<RowResult, number>()
    for (const reading of readings) {
      const result = this.#judge(reading)
      counts.set(result, (counts.get(result) ?? 0) + 1)
    }
    return counts
  }

  #judge(reading: Reading): RowResult {
    const seen = this.#seenOf(reading.deviceId)
    const content = fingerprint(reading)
    // Nearly always: later than everything that was seen.
    const at = reading.ts > seen.newest ? -1 : seen.instants.indexOf(reading.ts)
    if (at < 0) {
      seen.instants[seen.next] = reading.ts
      seen.contents[seen.next] = content
      seen.next = (seen.next + 1) % INSTANTS
      seen.newest = Math.max(seen.newest, reading.ts)
      return 'stored'
    }
    const before = seen.contents[at]
    seen.contents[at] = content
    return before === content ? 'duplicate' : 'superseded'
  }

  #seenOf(deviceId: DeviceId): Seen {
    const known = this.#seen.get(deviceId)
    if (known) return known
    if (this.#seen.size >= DEVICES) this.#seen.delete(this.#seen.keys().next().value!)
    const fresh: Seen = { newest: Number.NEGATIVE_INFINITY, next: 0, instants: [], contents: [] }
    this.#seen.set(deviceId, fresh)
    return fresh
  }
}

/** Instants of a device in a ring, and what was read at each. */
interface Seen {
  newest: number
  /** Where the next instant goes, over the oldest. */
  next: number
  instants: number[]
  contents: number[]
}

/** Tells two contents apart for counting; not for anything that must be right. */
function fingerprint({ metrics, status, faults }: Reading): number {
  let sum = (status?.length ?? 0) + 31 * (faults?.length ?? 0)
  let place = 1
  for (const name in metrics) sum += (metrics[name as Metric] ?? 0) * place++
  return sum
}
