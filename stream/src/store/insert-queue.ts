/**
 * Rows on their way into the warehouse: gathered ready to be sent, sent together a few times a second, tried again until the
 * store has them. A store likes few large inserts better than many small ones; readings that were kept as objects meanwhile
 * would cost more to clear away than to store.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RowBlock, Warehouse } from '@heliograph/crm-core/contracts'

const GATHER_MS = 500
/** What waits at most; more, and the log holds it. */
const MAX_ROWS = 40_000
const MAX_BYTES = 32 * 1024 * 1024
/** A store that comes back is used again within seconds. */
const BACKOFF_FIRST_MS = 250
const BACKOFF_MAX_MS = 5_000

/** Rows of one stretch of a partition. */
export interface Part {
  blocks: readonly RowBlock[]
  partition: number
  /** Offsets of the log: from inclusive, to exclusive. */
  from: number
  to: number
}
export interface InsertQueueDeps<P extends Part> {
  warehouse: Pick<Warehouse, 'insert'>
  /** Told in the order of `add`, as soon as the store has a part. */
  stored(part: P): void
  /** A failure that trying again does not mend. What it throws is tried again. */
  refused(part: P, error: unknown): Promise<void>
  isRefusal(error: unknown): boolean
  onError(error: unknown): void
  /** What one insert took, seconds. */
  timed?(seconds: number): void
}

export class InsertQueue<P extends Part> {
  readonly #deps: InsertQueueDeps<P>
  #waiting: P[] = []
  #rows = 0
  #bytes = 0
  #added = 0
  #done = 0
  #running: Promise<void> | undefined
  #hurry = Promise.withResolvers<void>()
  #changed = Promise.withResolvers<void>()
  readonly #stopping = new AbortController()

  constructor(deps: InsertQueueDeps<P>) {
    this.#deps = deps
  }

  /** Resolves when there is room for more. Rejects once the queue is stopped: what it still holds stays in the log. */
  async add(part: P): Promise<void> {
    this.#waiting.push(part)
    this.#added++
    this.#count(part, 1)
    this.#running ??= this.#run()
    while (this.#isFull()) {
      this.#hurry.resolve()
      await this.#changed.promise
      this.#stopping.signal.throwIfAborted()
    }
  }
  /** Resolves when the store has everything that was added before. Rejects once the queue is stopped. */
  async drain(): Promise<void> {
    const last = this.#added
    while (this.#done < last) {
      this.#hurry.resolve()
      await this.#changed.promise
      this.#stopping.signal.throwIfAborted()
    }
  }
  /** Lets go of what the store does not take. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the store stage is stopping'))
    this.#hurry.resolve()
    await this.#running
    this.#tell()
  }

  #isFull(): boolean {
    return this.#rows >= MAX_ROWS || this.#bytes >= MAX_BYTES
  }
  #count({ blocks }: P, sign: 1 | -1): void {
    for (const block of blocks) {
      this.#rows += sign * block.rows
      this.#bytes += sign * block.bytes.length
    }
  }
  #tell(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  /** One insert after the other while there is something. */
  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (this.#waiting.length > 0 && !signal.aborted) {
      const gathered = new AbortController()
      await Promise.race([
        this.#hurry.promise,
        sleep(GATHER_MS, undefined, { signal: gathered.signal }).catch(() => undefined),
      ])
      gathered.abort()
      if (signal.aborted) break
      this.#hurry = Promise.withResolvers()
      await this.#insert(this.#waiting.splice(0))
    }
    this.#running = undefined
  }

  async #insert(parts: P[]): Promise<void> {
    const { signal } = this.#stopping
    for (let waitMs = BACKOFF_FIRST_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, BACKOFF_MAX_MS)) {
      try {
        await this.#send(parts)
        return
      } catch (error) {
        this.#deps.onError(error)
        await sleep(waitMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  /** Takes what was stored or refused out of `parts`, so that another try goes on behind it. */
  async #send(parts: P[]): Promise<void> {
    const { warehouse, refused, isRefusal, timed } = this.#deps
    const started = performance.now()
    try {
      await warehouse.insert(
        'readings',
        parts.flatMap(({ blocks }) => blocks),
      )
      for (const part of parts.splice(0)) this.#finish(part)
      timed?.((performance.now() - started) / 1_000)
    } catch (error) {
      if (!isRefusal(error)) throw error
      // Which part it was is not known: each of them alone.
      while (parts.length > 0) {
        const part = parts[0]!
        await refused(part, error)
        parts.shift()
        this.#finish(part)
      }
    }
  }
  #finish(part: P): void {
    this.#count(part, -1)
    this.#done++
    this.#deps.stored(part)
    this.#tell()
  }
}
