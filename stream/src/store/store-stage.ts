/**
 * Readings into the warehouse. The offset is saved only when the roll-ups that the rows touched are written too; what lies
 * between is stored again after a crash, which changes nothing a reader sees.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type DeadLetterRecord,
  decodeRecord,
  encodeRecord,
  type Log,
  type LogBatch,
  type LogConsumer,
  type LogPosition,
  type Reading,
  type ReadingRecord,
  type ReplayChunkRecord,
  type Topic,
  TOPICS,
  type Warehouse,
  WarehouseError,
} from '@heliograph/crm-core/contracts'
import { readingRow } from '@heliograph/crm-core'
import { type Rollups, tombstoneReplayed } from '../rollups/index.ts'

const GROUP = 'store'
/** How long a stop may wait for roll-ups. */
const STOP_FLUSH_MS = 2_000

export interface StoreStageDeps {
  log: Log
  warehouse: Warehouse
  rollups: Pick<Rollups, 'observe' | 'touch' | 'recover' | 'flush'>
  count?(result: 'stored' | 'refused', rows: number): void
  timed?(seconds: number): void
  onError(error: unknown): void
  /** Time between two writes of the roll-ups, milliseconds. */
  rollupEveryMs?: number
  now?(): number
}
export interface StoreStage {
  start(): Promise<void>
  stop(): Promise<void>
  lag(): Promise<number>
  /** Whether everything before these offsets of a topic is in the store. */
  reached(topic: Topic, ends: readonly LogPosition[]): Promise<boolean>
  /** Why the store does not take rows now, while it does not. */
  trouble(): string | undefined
}

export function createStoreStage(deps: StoreStageDeps): StoreStage {
  const now = deps.now ?? Date.now
  const { log, warehouse, rollups } = deps
  const deadLetters = log.producer(TOPICS.deadLetter)
  const consumers = new Map<Topic, LogConsumer>()
  /** Behind what is stored, not yet saved because the roll-ups are not written. */
  const stored = new Map<string, { topic: Topic; partition: number; offset: number }>()
  let trouble: string | undefined
  let timer: NodeJS.Timeout | undefined
  let flushing: Promise<void> | undefined
  let stopped = false

  async function handle(batch: LogBatch): Promise<void> {
    const started = now()
    let readings: ReadingRecord[] = []
    let first = batch.records[0]!.offset
    const write = async (last: number): Promise<void> => {
      if (readings.length > 0) await store(readings, `${batch.topic}/${batch.partition}/${first}-${last}`)
      readings = []
      first = last + 1
    }
    for (const { offset, value } of batch.records) {
      const record = decodeRecord<ReadingRecord | ReplayChunkRecord>(value)
      if (!('chunk' in record)) {
        readings.push(record)
        continue
      }
      // The chunk's rows must be there before those that are missing from it can be told.
      await write(offset)
      for (const { deviceId, from, to } of await tombstoneReplayed(warehouse, record)) rollups.touch(deviceId, from, to)
    }
    const last = batch.records.at(-1)!.offset
    await write(last)
    trouble = undefined
    stored.set(`${batch.topic}/${batch.partition}`, {
      topic: batch.topic,
      partition: batch.partition,
      offset: last + 1,
    })
    deps.timed?.((now() - started) / 1_000)
  }

  async function store(readings: Reading[], token: string): Promise<void> {
    try {
      await warehouse.insert('readings', readings.map(readingRow), token)
    } catch (error) {
      if (!(error instanceof WarehouseError) || error.code !== 'warehouse_rejected') throw error
      await storeHalves(readings, token, error)
      return
    }
    rollups.observe(readings)
    deps.count?.('stored', readings.length)
  }

  /** One row that the store refuses must not hold back the others: it is found by halving, and kept as a dead letter. */
  async function storeHalves(readings: Reading[], token: string, error: WarehouseError): Promise<void> {
    if (readings.length > 1) {
      const middle = readings.length >> 1
      await store(readings.slice(0, middle), `${token}a`)
      await store(readings.slice(middle), `${token}b`)
      return
    }
    const reading = readings[0]!
    const { tenantId, rawRef, source, receivedAt } = reading
    const letter: DeadLetterRecord = {
      id: `${rawRef.partition}-${rawRef.offset}-store-${reading.ts}`,
      tenantId,
      connectionId: rawRef.connectionId,
      vendor: source,
      transport: 'import',
      receivedAt,
      reason: 'store-refused',
      detail: error.message.slice(0, 300),
      rawRef,
      body: Buffer.from(JSON.stringify(reading)).toString('base64'),
    }
    await deadLetters.append([{ key: letter.connectionId, value: encodeRecord(letter) }])
    deps.count?.('refused', 1)
  }

  function flush(): Promise<void> {
    flushing ??= (async () => {
      const positions = [...stored.values()]
      stored.clear()
      try {
        await rollups.flush()
        for (const { topic, partition, offset } of positions) await consumers.get(topic)?.commit({ partition, offset })
      } catch (error) {
        if (!stopped) deps.onError(error)
        for (const position of positions) {
          const key = `${position.topic}/${position.partition}`
          if (!stored.has(key)) stored.set(key, position)
        }
      } finally {
        flushing = undefined
      }
    })()
    return flushing
  }

  return {
    async start() {
      await rollups.recover().catch(deps.onError)
      for (const topic of [TOPICS.readings, TOPICS.replayed])
        consumers.set(
          topic,
          log.consume({
            topic,
            group: GROUP,
            maxRecords: 20_000,
            maxBytes: 16 * 1024 * 1024,
            // A store likes few large inserts better than many small ones, and live values do not wait for it.
            lingerMs: 300,
            async handle(batch, control) {
              control.keepOffset()
              await handle(batch)
            },
            onError(error) {
              trouble = error instanceof Error ? error.message : String(error)
              deps.onError(error)
            },
          }),
        )
      timer = setInterval(() => void flush(), deps.rollupEveryMs ?? 3_000)
    },
    async stop() {
      clearInterval(timer)
      await Promise.all([...consumers.values()].map((consumer) => consumer.stop()))
      // What is not done by then is done again after the next start, from offsets that were not saved: a stop must not wait
      // for the roll-ups of a long import.
      const last = (async () => {
        await flushing
        await flush()
      })()
      const limit = new AbortController()
      await Promise.race([last, sleep(STOP_FLUSH_MS, undefined, { signal: limit.signal }).catch(() => undefined)])
      limit.abort()
      stopped = true
    },
    async lag() {
      let lag = 0
      for (const [topic, consumer] of consumers) {
        lag += await consumer.lag()
        for (const position of stored.values()) if (position.topic === topic) lag -= await pending(topic, position)
      }
      return Math.max(0, lag)
    },
    async reached(topic, ends) {
      const saved = await log.committed(topic, GROUP)
      return ends.every(({ partition, offset }) => {
        const inStore = stored.get(`${topic}/${partition}`)?.offset ?? 0
        const before = saved.find((position) => position.partition === partition)?.offset ?? 0
        return Math.max(inStore, before) >= offset
      })
    },
    trouble: () => trouble,
  }

  /** Records that are stored and only wait for the roll-ups. */
  async function pending(topic: Topic, position: { partition: number; offset: number }): Promise<number> {
    const saved = (await log.committed(topic, GROUP)).find(({ partition }) => partition === position.partition)
    return position.offset - (saved?.offset ?? 0)
  }
}
