/**
 * Several processes decode, each by a registry of its own. What one of them decodes without a link that was made meanwhile would
 * stay unclaimed for good, so none goes on by a registry that may be older than this; and the replay of a claim, which begins
 * after that time has passed, reaches everything that could have been decoded without it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Log, TOPICS } from '@heliograph/crm-core/contracts'
import type { RegistryFeed } from './registry-feed.ts'

/** The oldest registry that anybody decodes by. */
export const FRESH_MS = 2_000
const ASK_EVERY_MS = 500
const LOOK_EVERY_MS = 20

export interface FreshRegistry {
  /** Resolves when everything that was said up to `FRESH_MS` ago is known; rejects when aborted. */
  wait(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

export function watchFreshness(
  log: Pick<Log, 'bounds'>,
  feed: Pick<RegistryFeed, 'reached'>,
  onError: (error: unknown) => void,
): FreshRegistry {
  const ending = new AbortController()
  const { signal } = ending
  // On the monotonic clock: a wall clock that is set makes nothing fresh.
  let freshAt = Number.NEGATIVE_INFINITY
  async function ask(): Promise<void> {
    const askedAt = performance.now()
    const ends = await log.bounds(TOPICS.events)
    while (!feed.reached(ends)) await sleep(LOOK_EVERY_MS, undefined, { signal })
    freshAt = askedAt
  }
  const running = (async () => {
    while (!signal.aborted) {
      await ask().catch((error: unknown) => {
        if (!signal.aborted) onError(error)
      })
      await sleep(ASK_EVERY_MS, undefined, { signal }).catch(() => undefined)
    }
  })()
  return {
    async wait(stopping) {
      while (performance.now() - freshAt > FRESH_MS) await sleep(LOOK_EVERY_MS, undefined, { signal: stopping })
    },
    async stop() {
      ending.abort()
      await running
    },
  }
}
