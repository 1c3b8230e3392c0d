import { ProblemError } from '../../contracts/index.ts'

export interface FailureLimits {
  /** @throws ProblemError `rate_limited` where one of the keys has failed too often lately */
  check(keys: readonly string[]): void
  fail(keys: readonly string[]): void
  /** Forgets the failures of these keys. */
  succeed(keys: readonly string[]): void
  /** Takes one failure back: it was counted before it was known to be a success. */
  takeBack(keys: readonly string[]): void
}

/** What one process has counted, for the others that serve the same people. */
export interface FailureChange {
  what: 'fail' | 'succeed' | 'takeBack'
  keys: readonly string[]
}
export interface FailurePeers {
  tell(change: FailureChange): void
  subscribe(listener: (change: FailureChange) => void): () => void
}

const REMEMBERED = 100_000

/**
 * Counts failures per key (account, address) in a window. Only failures count: people behind one address do not lock each
 * other out by signing in, and a blocked account opens again by itself.
 */
export function createFailureLimits(options: {
  max: (key: string) => number
  windowMs: number
  now: () => number
  /** Absent: nobody else counts. */
  peers?: FailurePeers
}): FailureLimits {
  const failures = new Map<string, { count: number; since: number }>()
  const current = (key: string) => {
    const entry = failures.get(key)
    return entry !== undefined && options.now() - entry.since < options.windowMs ? entry : undefined
  }
  const count: Record<FailureChange['what'], (keys: readonly string[]) => void> = {
    fail(keys) {
      for (const key of keys) {
        const entry = current(key) ?? { count: 0, since: options.now() }
        failures.delete(key)
        failures.set(key, { ...entry, count: entry.count + 1 })
        if (failures.size > REMEMBERED) failures.delete(failures.keys().next().value!)
      }
    },
    succeed(keys) {
      for (const key of keys) failures.delete(key)
    },
    takeBack(keys) {
      for (const key of keys) {
        const entry = failures.get(key)
        if (entry !== undefined) failures.set(key, { ...entry, count: Math.max(0, entry.count - 1) })
      }
    },
  }
  options.peers?.subscribe(({ what, keys }) => count[what](keys))
  const counted = (what: FailureChange['what']) => (keys: readonly string[]) => {
    count[what](keys)
    options.peers?.tell({ what, keys })
  }
  return {
    check(keys) {
      for (const key of keys) {
        const entry = current(key)
        if (entry === undefined || entry.count < options.max(key)) continue
        const retryAfterS = Math.ceil((entry.since + options.windowMs - options.now()) / 1000)
        throw new ProblemError('rate_limited', 'Too many failed sign-ins; wait a little', { retryAfterS })
      }
    },
    fail: counted('fail'),
    succeed: counted('succeed'),
    takeBack: counted('takeBack'),
  }
}
