/**
 * Starts the warehouse's client without waiting for a store that is down: who serves pages or decodes goes on, and what
 * needs the store begins when it is there.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Warehouse, WarehouseError } from '@heliograph/crm-core/contracts'

const RETRY_MS = 1_000
/** A store that is merely slow, or brings its schema up to date, is waited for. */
const PATIENCE_MS = 60_000

export interface StartedWarehouse {
  readonly isUp: boolean
  /** Called once, at once where it is up. Not called after a stop. */
  whenUp(then: () => void): void
  stop(): Promise<void>
}

/**
 * Resolves when the store is up, or known to be down; it is then tried on and on.
 * @throws Error where the store answers and cannot be used, such as a schema of a later version
 */
export async function startWarehouse(
  warehouse: Warehouse,
  options: { onDown(error: unknown): void; onUnusable(error: unknown): void },
): Promise<StartedWarehouse> {
  let isUp = false
  let stopped = false
  const waiting: (() => void)[] = []
  let sayDown: () => void
  const down = new Promise<void>((resolve) => (sayDown = resolve))

  async function untilUp(): Promise<void> {
    while (!stopped) {
      try {
        await warehouse.start()
        isUp = true
        for (const then of waiting.splice(0)) if (!stopped) then()
        return
      } catch (error) {
        if (!isDown(error)) throw error
        options.onDown(error)
        sayDown()
        await sleep(RETRY_MS)
      }
    }
  }
  const up = untilUp()
  const limit = new AbortController()
  await Promise.race([up, down, sleep(PATIENCE_MS, undefined, { signal: limit.signal }).catch(() => undefined)])
  limit.abort()
  // Later than this the process is at work already.
  up.catch(options.onUnusable)
  return {
    get isUp() {
      return isUp
    },
    whenUp(then) {
      if (isUp) then()
      else waiting.push(then)
    },
    async stop() {
      stopped = true
      await warehouse.stop()
    },
  }
}

/**
 * Begins what needs a store, exactly once: in its place where the store is up, and otherwise as soon as it is, which may be while
 * the process is still starting.
 * @param begin told whether the rest of the process has gone on without it
 */
export async function beginWithStore(
  started: Pick<StartedWarehouse, 'isUp' | 'whenUp'>,
  begin: (late: boolean) => Promise<void>,
  onError: (error: unknown) => void,
): Promise<void> {
  if (started.isUp) return await begin(false)
  started.whenUp(() => void begin(true).catch(onError))
}

const isDown = (error: unknown): boolean => error instanceof WarehouseError && error.retryable

/** A store that turned out to be unusable while the process was at work: it is started anew, and says so as its start. */
export function giveUp(error: unknown): void {
  console.error(error)
  process.exit(1)
}
