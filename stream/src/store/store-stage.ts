/**
 * Live readings into the warehouse. The offset is saved only when the roll-ups that the rows touched are written too; what lies
 * between is stored again after a crash, which changes nothing a reader sees.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  contentOf,
  type Log,
  type LogBatch,
  type LogConsumer,
  type LogPosition,
  type Reading,
  type ReadingRecord,
  type RowBlock,
  TOPICS,
  type TraceStep,
  type Tracing,
  type Warehouse,
  type WarehouseError,
} from '@heliograph/crm-core/contracts'
import type { ObservedReading, Rollups } from '../rollups/index.ts'
import { InsertQueue, type Part } from './insert-queue.ts'
import { type RowResult, RowResults } from './row-results.ts'
import { isRefusal, StoreRows } from './store-rows.ts'

const GROUP = 'store'
/** How long a stop may wait for roll-ups. */
const STOP_FLUSH_MS = 2_000

export interface StoreStageDeps {
  log: Log
  warehouse: Warehouse
  rollups: Pick<Rollups, 'observe' | 'recover' | 'flush'>
  count?(result: RowResult, rows: number): void
  /** What one insert took, seconds. */
  timed?(seconds: number): void
  onError(error: unknown): void
  /** Time between two writes of the roll-ups, milliseconds. */
  rollupEveryMs?: number
  tracing?: Tracing
}
export interface StoreStage {
  start(): Promise<void>
  stop(): Promise<void>
  lag(): Promise<number>
  /** Whether everything before these offsets of `readings` is in the store. */
  reached(ends: readonly LogPosition[]): Promise<boolean>
  /** Why the store does not take rows now, while it does not. */
  trouble(): string | undefined
}

/** What the stage keeps of readings until the store has their rows. */
interface StorePart extends Part {
  observed: ObservedReading[]
  results: Map<RowResult, number>
  /** Of the readings that are traced. */
  steps: TraceStep[]
}

export function createStoreStage(deps: StoreStageDeps): StoreStage {
  const { log, warehouse, rollups } = deps
  const topic = TOPICS.readings
  const rows = new StoreRows({
    warehouse,
    deadLetters: log.producer(TOPICS.deadLetter),
    refused: () => deps.count?.('refused', 1),
  })
  /** Behind what is stored, by partition; not yet saved because the roll-ups are not written. */
  const stored = new Map<number, number>()
  /** The same of those whose roll-ups are being written, which may take a minute after an import. */
  let saving: ReadonlyMap<number, number> = new Map()
  const storedUpTo = (partition: number): number => stored.get(partition) ?? saving.get(partition) ?? 0
  const results = new RowResults()
  const queue = new InsertQueue<StorePart>({
    warehouse,
    isRefusal,
    stored(part) {
      trouble = undefined
      rollups.observe(part.observed)
      for (const [result, count] of part.results) deps.count?.(result, count)
      for (const step of part.steps) step.end()
      stored.set(part.partition, part.to)
    },
    refused: (part, error) => storeAgain(part, error as WarehouseError),
    onError: failed,
    ...(deps.timed && { timed: deps.timed }),
  })
  let consumer: LogConsumer | undefined
  let trouble: string | undefined
  let timer: NodeJS.Timeout | undefined
  let flushing: Promise<void> | undefined
  let isEnding = false
  let stopped = false

  function failed(error: unknown): void {
    if (stopped) return
    trouble = error instanceof Error ? error.message : String(error)
    deps.onError(error)
  }

  async function handle({ partition, records }: LogBatch): Promise<void> {
    const blocks: RowBlock[] = []
    const kept = await rows.encode(
      records.map((record) => contentOf<ReadingRecord>(record)),
      blocks,
    )
    await queue.add({
      partition,
      from: records[0]!.offset,
      to: records.at(-1)!.offset + 1,
      blocks,
      // Little: the readings themselves can go.
      observed: kept.map(({ deviceId, ts, metrics, quality }) => ({ deviceId, ts, metrics, quality })),
      results: results.of(kept),
      steps: kept.flatMap(({ traceparent }) =>
        traceparent !== undefined && deps.tracing ? deps.tracing.follow(traceparent, 'store') : [],
      ),
    })
  }

  /** Rows that only the engine refuses: their readings are read from the log again. */
  async function storeAgain(part: StorePart, error: WarehouseError): Promise<void> {
    const { partition, from, to } = part
    const readings: Reading[] = []
    for await (const records of log.read({ topic, partition, from, to }))
      for (const record of records) readings.push(contentOf<ReadingRecord>(record))
    const kept = await rows.insertApart(readings, error)
    part.observed = kept
    const counted = part.results.get('stored') ?? 0
    if (counted > 0) part.results.set('stored', Math.max(0, counted - (readings.length - kept.length)))
  }

  function flush(): Promise<void> {
    flushing ??= (async () => {
      saving = new Map(stored)
      stored.clear()
      let more = false
      try {
        ;({ more } = await rollups.flush())
        for (const [partition, offset] of saving) await consumer?.commit({ partition, offset })
      } catch (error) {
        if (!stopped) deps.onError(error)
        for (const [partition, offset] of saving) if (!stored.has(partition)) stored.set(partition, offset)
      } finally {
        saving = new Map()
        flushing = undefined
      }
      if (more && !isEnding) void flush()
    })()
    return flushing
  }

  return {
    async start() {
      await rollups.recover().catch(deps.onError)
      consumer = log.consume({
        topic,
        group: GROUP,
        maxRecords: 20_000,
        maxBytes: 16 * 1024 * 1024,
        async handle(batch, control) {
          control.keepOffset()
          await handle(batch)
        },
        // Behind what still waits for its insert: in its turn, and not before.
        passed: ({ partition, offset }) => void queue.add(nothing(partition, offset)).catch(failed),
        onError: failed,
      })
      timer = setInterval(() => void flush(), deps.rollupEveryMs ?? 3_000)
    },
    async stop() {
      isEnding = true
      clearInterval(timer)
      const ended = consumer?.stop()
      // What is not done by then is done again after the next start, from offsets that were not saved: a stop must not wait
      // for the roll-ups of a long import, nor for a store that is down.
      const last = (async () => {
        await queue.drain()
        await flushing
        await flush()
      })().catch(() => undefined)
      const limit = new AbortController()
      await Promise.race([last, sleep(STOP_FLUSH_MS, undefined, { signal: limit.signal }).catch(() => undefined)])
      limit.abort()
      stopped = true
      await queue.stop()
      await ended
    },
    async lag() {
      let lag = (await consumer?.lag()) ?? 0
      if (lag === 0) return 0
      // Those that are stored and only wait for the roll-ups are no lag.
      for (const [partition, offset] of await committed()) lag -= Math.max(0, storedUpTo(partition) - offset)
      return Math.max(0, lag)
    },
    async reached(ends) {
      const before = await committed()
      return ends.every(
        ({ partition, offset }) => Math.max(storedUpTo(partition), before.get(partition) ?? 0) >= offset,
      )
    },
    trouble: () => trouble,
  }

  async function committed(): Promise<Map<number, number>> {
    return new Map((await log.committed(topic, GROUP)).map(({ partition, offset }) => [partition, offset]))
  }
}

/** A stretch of the log without a row. */
const nothing = (partition: number, offset: number): StorePart => ({
  partition,
  from: offset,
  to: offset,
  blocks: [],
  observed: [],
  results: new Map(),
  steps: [],
})
