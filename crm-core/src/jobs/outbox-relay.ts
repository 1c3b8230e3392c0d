import type { CrmDatabase, DomainEvent } from '../../contracts/index.ts'

export interface OutboxRelayOptions {
  db: CrmDatabase
  /** Resolves when the events are durable where they belong; may be given the same events again. */
  publish(events: DomainEvent[]): Promise<void>
  /** Milliseconds between looks when nobody wakes it. Default 250. */
  intervalMs?: number
  /** Events of one batch. Default 200. */
  batch?: number
  onError?(error: unknown): void
  /** UTC milliseconds. */
  now?: () => number
}
export interface OutboxRelay {
  start(): void
  /** Resolves once the batch under way is published and marked. */
  stop(): Promise<void>
  /** Looks at once: after a commit that emitted events. */
  wake(): void
  /** Publishes what waits; for tests and for a clean end. Returns how many. */
  drain(): Promise<number>
  /** Events that wait. */
  lag(): Promise<number>
}

const BACKOFF_MAX_MS = 30_000
/** Published events are kept for a while, to look things up; the log has them for as long as it keeps anything. */
const KEEP_PUBLISHED_MS = 7 * 86_400_000
const SWEEP_EVERY_MS = 3_600_000

/**
 * Hands the outbox to the log, in order of version, and marks what is published. Looks for unpublished rows, never for "rows
 * after the last one". A crash between publishing and marking publishes again: readers drop versions they have seen.
 */
export function createOutboxRelay(options: OutboxRelayOptions): OutboxRelay {
  const { db, publish, intervalMs = 250, batch = 200, now = Date.now } = options
  let running: Promise<void> | undefined
  let stopping = false
  let rouse: (() => void) | undefined
  let awake = false
  let sweptAt = now()

  async function publishBatch(): Promise<number> {
    const rows = await db.system.find('outbox', {
      where: { publishedAt: null },
      orderBy: [['version', 'asc']],
      limit: batch,
    })
    if (rows.length === 0) return 0
    await publish(rows.map(({ payload }) => JSON.parse(payload) as DomainEvent))
    const version = { in: rows.map((row) => row.version) }
    await db.system.transaction((tx) => tx.updateWhere('outbox', { version }, { publishedAt: new Date(now()) }))
    return rows.length
  }
  async function drain(): Promise<number> {
    let total = 0
    for (;;) {
      const count = await publishBatch()
      total += count
      if (count < batch) return total
    }
  }
  async function sweep(): Promise<void> {
    if (now() - sweptAt < SWEEP_EVERY_MS) return
    sweptAt = now()
    const before = new Date(sweptAt - KEEP_PUBLISHED_MS)
    await db.system.transaction((tx) => tx.removeWhere('outbox', { publishedAt: { lt: before } }))
  }
  async function pause(ms: number): Promise<void> {
    if (awake || stopping) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      rouse = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    rouse = undefined
  }
  async function loop(): Promise<void> {
    let failures = 0
    while (!stopping) {
      awake = false
      try {
        await drain()
        await sweep()
        failures = 0
      } catch (error) {
        failures++
        options.onError?.(error)
      }
      // While the log is down, commits go on and must not turn the wait into a busy loop.
      if (failures > 0) awake = false
      await pause(failures === 0 ? intervalMs : Math.min(BACKOFF_MAX_MS, intervalMs * 2 ** failures))
    }
  }

  return {
    start() {
      stopping = false
      running ??= loop()
    },
    async stop() {
      stopping = true
      rouse?.()
      await running
      running = undefined
    },
    wake() {
      awake = true
      rouse?.()
    },
    drain,
    lag: () => db.system.count('outbox', { publishedAt: null }),
  }
}
