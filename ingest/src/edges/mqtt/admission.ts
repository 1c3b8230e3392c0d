/** Who may knock how often: sign-ins wait for their turn, guessing is refused without a look at the secret. */

export interface Admission {
  /** Milliseconds to wait for one's turn, or undefined when the wait would be too long. */
  turn(now: number): number | undefined
  /** True while this user name failed too often from this address. */
  locked(key: string, now: number): boolean
  failed(key: string, now: number): void
}

const WINDOW_MS = 60_000
const REMEMBERED = 10_000

export function createAdmission(limits: {
  connectsPerSecond: number
  connectBurst: number
  connectWaitMs: number
  failuresPerMinute: number
}): Admission {
  const spacingMs = 1000 / limits.connectsPerSecond
  const allowanceMs = limits.connectBurst * spacingMs
  // Virtual time at which the next sign-in is due; lags behind the clock by at most the burst.
  let due = -Infinity
  const failures = new Map<string, { since: number; count: number }>()

  return {
    turn(now) {
      const next = Math.max(due, now - allowanceMs) + spacingMs
      const wait = next - now
      if (wait > limits.connectWaitMs) return undefined
      due = next
      return Math.max(0, wait)
    },
    locked(key, now) {
      const known = failures.get(key)
      return known !== undefined && now - known.since < WINDOW_MS && known.count >= limits.failuresPerMinute
    },
    failed(key, now) {
      const known = failures.get(key)
      if (known && now - known.since < WINDOW_MS) {
        known.count++
        return
      }
      failures.delete(key)
      // The oldest goes: a flood of names cannot grow the memory, and the pace of sign-ins bounds what it could gain.
      if (failures.size >= REMEMBERED) failures.delete(failures.keys().next().value!)
      failures.set(key, { since: now, count: 1 })
    },
  }
}

/** Tokens that come back with time; used for downlinks of one connection. */
export function createBucket(perSecond: number, burst: number): (now: number) => boolean {
  let tokens = burst
  let at = -Infinity
  return (now) => {
    if (at !== -Infinity) tokens = Math.min(burst, tokens + (Math.max(0, now - at) * perSecond) / 1000)
    at = now
    if (tokens < 1) return false
    tokens--
    return true
  }
}
