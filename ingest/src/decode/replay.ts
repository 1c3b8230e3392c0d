/**
 * Replay: raw messages of a range decoded again, beside live decoding. It corrects numbers and never raises, clears or
 * notifies. Its readings go straight to the store: raw is on the log already, and an interrupted replay begins anew.
 */
import type { Registry } from '@heliograph/crm-core'
import {
  type ConnectionId,
  type DomainEvent,
  encodeRecord,
  type Log,
  type LogPosition,
  type LogProducer,
  type ReadingRecord,
  type ReplayChunk,
  type ReplayProgressRecord,
  TOPICS,
} from '@heliograph/crm-core/contracts'
import type { AnyVendor } from '../vendor.ts'
import { Fold } from './fold.ts'
import { DecodeBatch, type DecodeProducers } from './outputs.ts'
import { DECODE_GROUP } from './stage.ts'

const TELL_EVERY_MS = 500

export type ReplayRequest = Extract<DomainEvent, { type: 'replay.requested' }>

/** Where the readings of replays go. */
export interface ReplaySink {
  /**
   * Takes readings and the stretches they came from; resolves when there is room for more.
   * @param signal ends the wait
   */
  put(readings: ReadingRecord[], chunks: ReplayChunk[], signal: AbortSignal): Promise<void>
  /** Resolves when everything is stored, and what earlier decodings had made of the same messages is taken back. */
  settled(signal: AbortSignal): Promise<void>
}
export interface ReplayDeps {
  log: Log
  registry: Registry
  vendors: ReadonlyMap<string, AnyVendor>
  /** For what is no reading: unclaimed devices and dead letters. */
  producers: DecodeProducers
  sink: ReplaySink
  /** Told how far each replay has come. */
  progress: LogProducer
  onError(error: unknown): void
}

export interface ReplayRunner {
  /**
   * Runs a replay behind those that were asked for before.
   * @param upTo where live decoding stood: what lies behind it is decoded live, with this registry
   * @returns resolves when it is done, has failed or was stopped
   */
  run(request: ReplayRequest, upTo: readonly LogPosition[]): Promise<void>
  stop(): Promise<void>
}

export function createReplayRunner(deps: ReplayDeps): ReplayRunner {
  const { progress } = deps
  const stopping = new AbortController()
  let running: Promise<void> = Promise.resolve()

  const tell = (
    request: ReplayRequest,
    state: ReplayProgressRecord['state'],
    done: number,
    total: number,
    error?: string,
  ) =>
    progress.append([
      {
        key: request.replayId,
        value: encodeRecord({
          replayId: request.replayId,
          tenantId: request.tenantId,
          state,
          done,
          total,
          ...(error !== undefined && { error }),
        } satisfies ReplayProgressRecord),
      },
    ])

  async function decodeAgain(request: ReplayRequest, upTo: readonly LogPosition[]): Promise<void> {
    const ranges = await rangesOf(request, upTo)
    const total = ranges.reduce((sum, range) => sum + range.to - range.from, 0)
    let done = 0
    await tell(request, 'running', 0, total)
    let toldAt = performance.now()
    for (const range of ranges) {
      const { partition } = range
      const fold = new Fold({ vendors: deps.vendors, registry: deps.registry, partition, revision: request.revision })
      // A decoder needs what came before the range: from the checkpoint before it, folded without keeping.
      const checkpoint = await deps.log.checkpoints.before(DECODE_GROUP, partition, range.from)
      if (checkpoint) fold.restore(checkpoint.state)
      const warmFrom = checkpoint?.offset ?? 0
      for await (const records of deps.log.read({
        topic: TOPICS.raw,
        partition,
        from: warmFrom,
        to: range.to,
        signal: stopping.signal,
      })) {
        const batch = new DecodeBatch()
        const unwanted = new DecodeBatch()
        const connections = new Set<ConnectionId>()
        for (const record of records) {
          const connectionId = connectionOf(record.key)
          if (request.connectionId !== undefined && connectionId !== request.connectionId) continue
          const owner = deps.registry.connection(connectionId)?.tenantId
          if (owner !== undefined && owner !== request.tenantId) continue
          const inRange = record.offset >= range.from
          fold.fold(record, inRange ? batch : unwanted)
          if (inRange) connections.add(connectionId)
        }
        const last = records.at(-1)!.offset + 1
        if (last <= range.from) continue
        await store(request, batch, partition, Math.max(records[0]!.offset, range.from), last, [...connections])
        done += last - Math.max(records[0]!.offset, range.from)
        if (performance.now() - toldAt < TELL_EVERY_MS) continue
        toldAt = performance.now()
        await tell(request, 'running', done, total)
      }
      if (stopping.signal.aborted) return
    }
    await deps.sink.settled(stopping.signal)
    await tell(request, 'done', total, total)
  }

  /** Which part of each partition: from the request's time on, up to where live decoding already knows better. */
  async function rangesOf(
    request: ReplayRequest,
    upTo: readonly LogPosition[],
  ): Promise<{ partition: number; from: number; to: number }[]> {
    if (request.message) {
      const { partition, offset } = request.message
      return [{ partition, from: offset, to: offset + 1 }]
    }
    const ranges = []
    for (const { partition, first, next } of await deps.log.bounds(TOPICS.raw)) {
      const from = request.from === undefined ? first : await deps.log.offsetAt(TOPICS.raw, partition, request.from)
      const end = request.to === undefined ? next : await deps.log.offsetAt(TOPICS.raw, partition, request.to)
      const to = Math.min(end, upTo.find((position) => position.partition === partition)?.offset ?? first)
      if (from < to) ranges.push({ partition, from, to })
    }
    return ranges
  }

  async function store(
    request: ReplayRequest,
    batch: DecodeBatch,
    partition: number,
    fromOffset: number,
    toOffset: number,
    connections: ConnectionId[],
  ): Promise<void> {
    const { tenantId, replayId, link, revision } = request
    const readings = batch
      .takeReadings()
      .filter((reading) => reading.tenantId === tenantId && (!link || reading.deviceId === link.deviceId))
    // Their own: nobody else has them yet.
    for (const reading of readings) reading.replayId = replayId
    batch.deadLetters = batch.deadLetters.filter((letter) => letter.tenantId === tenantId)
    batch.unclaimed = link
      ? []
      : batch.unclaimed.filter((one) => one.tenantId === tenantId).map((one) => ({ ...one, replayId }))
    batch.downlinks.length = 0
    await batch.append(deps.producers)
    // One chunk per connection: rows are taken back by connection.
    const chunks = connections.map((connectionId) => ({
      tenantId,
      connectionId,
      partition,
      fromOffset,
      toOffset,
      revision,
      ...(link && { deviceId: link.deviceId }),
    }))
    if (chunks.length > 0) await deps.sink.put(readings, chunks, stopping.signal)
  }

  return {
    run(request, upTo) {
      running = running.then(async () => {
        if (stopping.signal.aborted) return
        try {
          await decodeAgain(request, upTo)
        } catch (error) {
          if (stopping.signal.aborted) return
          deps.onError(error)
          const text = error instanceof Error ? error.message : String(error)
          await tell(request, 'failed', 0, 0, text).catch(deps.onError)
        }
      })
      return running
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}

/** Raw records are keyed by connection plus shard. */
const connectionOf = (key: string): ConnectionId => {
  const slash = key.indexOf('/')
  return (slash < 0 ? key : key.slice(0, slash)) as ConnectionId
}
