/**
 * Readings of the last days into the store of raw curves, in a group of its own: it may be behind or away without anybody waiting for it.
 * One batch in memory a topic, however long it is away; the log holds the rest.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  contentOf,
  encodeRecord,
  type Log,
  type LogBatch,
  type LogConsumer,
  type LogProducer,
  type ReadingRecord,
  SeriesError,
  type SeriesStore,
  TOPICS,
} from '@heliograph/crm-core/contracts'
import { refusedLetter } from '../refused-letter.ts'

export const SERIES_GROUP = 'series'
const MAX_RECORDS = 10_000
const MAX_BYTES = 8 * 1024 * 1024
/** A store that asks to be left alone for longer is asked again all the same. */
const MAX_RETRY_AFTER_MS = 30_000

export interface SeriesStageDeps {
  log: Log
  store: SeriesStore
  count?(result: 'stored' | 'refused' | 'old', readings: number): void
  onError(error: unknown): void
  now?(): number
}
export interface SeriesStage {
  start(): void
  stop(): Promise<void>
  lag(): Promise<number>
  /** Why the store does not take readings now, while it does not. */
  trouble(): string | undefined
}

export function createSeriesStage({ log, store, count, onError, now = Date.now }: SeriesStageDeps): SeriesStage {
  let consumers: LogConsumer[] = []
  let deadLetters: LogProducer | undefined
  let trouble: string | undefined

  async function handle(batch: LogBatch, signal: AbortSignal): Promise<void> {
    const since = now() - store.reachMs
    const all = batch.records.map((record) => contentOf<ReadingRecord>(record))
    const readings = all.filter(({ ts }) => ts >= since)
    count?.('old', all.length - readings.length)
    if (readings.length === 0) return
    let refused: { index: number; reason: string }[]
    try {
      refused = await store.write(readings)
    } catch (error) {
      // As long as it wishes; then the log gives the batch again.
      if (error instanceof SeriesError && error.retryAfterMs !== undefined)
        await sleep(Math.min(error.retryAfterMs, MAX_RETRY_AFTER_MS), undefined, { signal }).catch(() => undefined)
      throw error
    }
    trouble = undefined
    if (refused.length > 0) {
      deadLetters ??= log.producer(TOPICS.deadLetter)
      await deadLetters.append(
        refused.map(({ index, reason }) => {
          const reading = readings[index]!
          return {
            key: reading.rawRef.connectionId,
            value: encodeRecord(refusedLetter(reading, 'series', `raw curves: ${reason}`)),
          }
        }),
      )
    }
    count?.('refused', refused.length)
    count?.('stored', readings.length - refused.length)
  }

  return {
    start() {
      consumers = [TOPICS.readings, TOPICS.replayed].map((topic) =>
        log.consume({
          topic,
          group: SERIES_GROUP,
          maxRecords: MAX_RECORDS,
          maxBytes: MAX_BYTES,
          lingerMs: 500,
          handle: (batch, { signal }) => handle(batch, signal),
          onError(error) {
            trouble = error instanceof Error ? error.message : String(error)
            onError(error)
          },
        }),
      )
    },
    async stop() {
      await Promise.all(consumers.map((consumer) => consumer.stop()))
    },
    async lag() {
      const lags = await Promise.all(consumers.map((consumer) => consumer.lag()))
      return lags.reduce((sum, lag) => sum + lag, 0)
    },
    trouble: () => trouble,
  }
}
