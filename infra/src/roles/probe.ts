/** What another system is asked so that it can be told how it stands: it has a moment, and then counts as one that does not answer. */
import { setTimeout as sleep } from 'node:timers/promises'

/** As long as who watches an instance may be kept waiting. */
export const PROBE_MS = 1_500

export type Answer<T> = { value: T; trouble?: undefined } | { trouble: string }

/** @returns asks; never throws, and never has two questions under way: one that hangs is not asked again until it ends */
export function createProbe<T>(ask: () => Promise<T>, limitMs = PROBE_MS): () => Promise<Answer<T>> {
  let underway: Promise<Answer<T>> | undefined
  return async () => {
    underway ??= (async () => await ask())()
      .then(
        (value): Answer<T> => ({ value }),
        (error: unknown): Answer<T> => ({ trouble: lineOf(error) }),
      )
      .finally(() => (underway = undefined))
    const limit = new AbortController()
    const late = sleep<Answer<T>>(limitMs, { trouble: `no answer within ${limitMs} ms` }, { signal: limit.signal })
    try {
      return await Promise.race([underway, late])
    } finally {
      limit.abort()
      late.catch(() => undefined)
    }
  }
}

const lineOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').slice(0, 200) || 'does not answer'
