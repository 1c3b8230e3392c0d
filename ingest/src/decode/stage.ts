/**
 * Live decoding: reads `raw`, folds, appends to `readings`, `unclaimed`, `dead-letter`. State and offset are saved together
 * every few seconds; after a crash the messages since then are decoded again, which changes nothing in effect.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Registry } from '@heliograph/crm-core'
import { type Log, type LogBatch, type LogConsumer, type LogPosition, TOPICS } from '@heliograph/crm-core/contracts'
import type { AnyVendor } from '../vendor.ts'
import { type DecodeCounter, Fold, type FoldOptions } from './fold.ts'
import { DecodeBatch, type DecodeProducers } from './outputs.ts'

/** Of those who read `raw` to decode it. */
export const DECODE_GROUP = 'decode'
const CHECKPOINT_EVERY_MS = 5_000
/** What was done last before nothing more came is saved at the same pace; looked at this often. */
const LOOK_EVERY_MS = 1_000

export interface DecodeStageDeps {
  log: Log
  registry: Registry
  vendors: ReadonlyMap<string, AnyVendor>
  count?: DecodeCounter
  heard?: FoldOptions['heard']
  tracing?: FoldOptions['tracing']
  /** Waited for before records are folded: where decoding must not go on by what it knows at the moment. */
  ready?(signal: AbortSignal): Promise<void>
  onError(error: unknown): void
  now?(): number
}

export interface DecodeStage {
  start(): Promise<void>
  stop(): Promise<void>
  /** Per partition, the first offset that was not decoded with what the registry knows now. */
  positions(): LogPosition[]
  lag(): Promise<number>
  /** Where several decode: what of it is ours. */
  share(): ReturnType<NonNullable<LogConsumer['share']>> | undefined
  /** Whether everything before these offsets is decoded and appended. */
  reached(ends: readonly LogPosition[]): boolean
}

/** @param lane of whoever decodes: where the log has lanes, each has one writer */
export function decodeProducers(log: Log, lane: number): DecodeProducers {
  return {
    readings: log.producer(TOPICS.readings, lane),
    unclaimed: log.producer(TOPICS.unclaimed, lane),
    deadLetter: log.producer(TOPICS.deadLetter, lane),
    downlinks: log.producer(TOPICS.downlinks, lane),
  }
}

export function createDecodeStage(deps: DecodeStageDeps, producers: DecodeProducers): DecodeStage {
  const now = deps.now ?? Date.now
  const folds = new Map<number, Fold>()
  /** Behind the last record that was folded, though perhaps not yet appended. */
  const folded = new Map<number, number>()
  const appended = new Map<number, number>()
  const savedAt = new Map<number, number>()
  const unsaved = new Set<number>()
  let consumer: LogConsumer | undefined
  let saving: NodeJS.Timeout | undefined

  async function foldOf(partition: number): Promise<Fold> {
    const known = folds.get(partition)
    if (known) return known
    const fold = new Fold({
      vendors: deps.vendors,
      registry: deps.registry,
      partition,
      revision: 0,
      count: deps.count,
      heard: deps.heard,
      tracing: deps.tracing,
    })
    const checkpoint = await deps.log.checkpoints.load(DECODE_GROUP, partition)
    if (checkpoint) fold.restore(checkpoint.state)
    folds.set(partition, fold)
    return fold
  }

  async function handle({ partition, records }: LogBatch, signal: AbortSignal): Promise<void> {
    await deps.ready?.(signal)
    const fold = await foldOf(partition)
    const batch = new DecodeBatch()
    for (const record of records) fold.fold(record, batch)
    const next = records.at(-1)!.offset + 1
    folded.set(partition, next)
    // The states have moved: the batch may be appended again, but never folded again.
    for (let waitMs = 100; ; waitMs = Math.min(waitMs * 2, 5_000)) {
      try {
        await batch.append(producers)
        break
      } catch (error) {
        deps.onError(error)
        await sleep(waitMs, undefined, { signal }).catch(() => undefined)
        if (signal.aborted) {
          // Ahead of what is appended: must not be checkpointed.
          folds.delete(partition)
          throw error
        }
      }
    }
    appended.set(partition, next)
    unsaved.add(partition)
    if (isDue(partition)) await save(partition)
  }

  async function save(partition: number): Promise<void> {
    const offset = appended.get(partition)
    const fold = folds.get(partition)
    if (offset === undefined || !fold) return
    savedAt.set(partition, now())
    await deps.log.checkpoints.save(DECODE_GROUP, partition, offset, fold.checkpoint())
    await consumer?.commit({ partition, offset })
    if (appended.get(partition) === offset) unsaved.delete(partition)
  }

  const isDue = (partition: number): boolean => now() - (savedAt.get(partition) ?? 0) >= CHECKPOINT_EVERY_MS
  async function saveDue(): Promise<void> {
    for (const partition of unsaved)
      // A batch under way has moved the state beyond what is appended.
      if (isDue(partition) && folded.get(partition) === appended.get(partition)) await save(partition)
  }

  /** Where a partition's checkpoint stands, taken as what is done. */
  async function resume(partition: number): Promise<number | undefined> {
    const checkpoint = await deps.log.checkpoints.load(DECODE_GROUP, partition)
    if (!checkpoint) return undefined
    folded.set(partition, checkpoint.offset)
    appended.set(partition, checkpoint.offset)
    return checkpoint.offset
  }

  return {
    async start() {
      for (const { partition } of await deps.log.bounds(TOPICS.raw)) await resume(partition)
      consumer = deps.log.consume({
        topic: TOPICS.raw,
        group: DECODE_GROUP,
        // Another worker may have decoded it meanwhile: its state counts, not what is remembered here.
        assigned: resume,
        async revoked(partition) {
          try {
            await save(partition)
          } finally {
            for (const known of [folds, folded, appended, savedAt, unsaved]) known.delete(partition)
          }
        },
        async handle(batch, control) {
          control.keepOffset()
          await handle(batch, control.signal)
        },
        passed({ partition, offset }) {
          folded.set(partition, offset)
          appended.set(partition, offset)
        },
        onError: deps.onError,
      })
      saving = setInterval(() => void saveDue().catch(deps.onError), LOOK_EVERY_MS)
    },
    async stop() {
      clearInterval(saving)
      await consumer?.stop()
      for (const partition of folds.keys()) await save(partition)
    },
    positions() {
      return [...folded].map(([partition, offset]) => ({ partition, offset }))
    },
    share: () => consumer?.share?.(),
    reached: (ends) => ends.every(({ partition, offset }) => (appended.get(partition) ?? 0) >= offset),
    async lag() {
      let lag = 0
      for (const { partition, first, next } of await deps.log.bounds(TOPICS.raw))
        lag += next - (appended.get(partition) ?? first)
      return lag
    },
  }
}
