import type { DeviceId } from '@heliograph/crm-core/contracts'

/**
 * A past that is still coming in (an import, a replay) is computed once it has stopped for a while, rather than piece by piece with the
 * days, months and sites above it each time; one that never stops is not waited for.
 */
const QUIET_MS = 3_000
const MOST_QUIET_WAIT_MS = 60_000

/** Devices whose past is coming in: since when, and when it last did. */
export class Arrivals {
  readonly #known = new Map<DeviceId, { first: number; last: number }>()

  /** @param at UTC milliseconds, now */
  add(id: DeviceId, at: number): void {
    const known = this.#known.get(id)
    this.#known.set(id, { first: known && at - known.last < QUIET_MS ? known.first : at, last: at })
  }
  /** Whether more of it is to be expected. Who is not waited for any more is forgotten. */
  isOn(id: DeviceId, at: number): boolean {
    const known = this.#known.get(id)
    if (known === undefined) return false
    if (at - known.last < QUIET_MS && at - known.first < MOST_QUIET_WAIT_MS) return true
    this.#known.delete(id)
    return false
  }
}
