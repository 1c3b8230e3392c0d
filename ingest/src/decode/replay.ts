/**
 * Replay: raw messages of a range decoded again, in a lane of their own. It corrects numbers and never raises, clears or
 * notifies. Each chunk is closed by a record that takes back rows which an earlier decoding made and this one did not.
 */
import type { Registry } from '@heliograph/crm-core'
import {
  type ConnectionId,
  type DomainEvent,
  encodeRecord,
  type Log,
  type LogPosition,
  type ReplayProgressRecord,
  TOPICS,
} from '@heliograph/crm-core/contracts'
import type { AnyVendor } from '../vendor.ts'
import { Fold } from './fold.ts'
import { DecodeBatch, type DecodeProducers } from './outputs.ts'

const GROUP = 'decode'

export type ReplayRequest = Extract<DomainEvent, { type: 'replay.requested' }>

export interface ReplayDeps {
  log: Log
  registry: Registry
  vendors: ReadonlyMap<string, AnyVendor>
  producers: DecodeProducers
  /** Where live decoding stands now: what lies behind it is decoded live, with this registry. */
  livePositions(): LogPosition[]
  onError(error: unknown): void
}

export interface ReplayRunner {
  /** Queues a replay; one that is already queued or done in this process is left alone. */
  enqueue(request: ReplayRequest): void
  stop(): Promise<void>
  /** Resolves when nothing is queued. */
  idle(): Promise<void>
}

export function createReplayRunner(deps: ReplayDeps): ReplayRunner {
  const progress = deps.log.producer(TOPICS.replays)
  const stopping = new AbortController()
  const known = new Set<string>()
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

  async function run(request: ReplayRequest, upTo: LogPosition[]): Promise<void> {
    const ranges = await rangesOf(request, upTo)
    const total = ranges.reduce((sum, range) => sum + range.to - range.from, 0)
    let done = 0
    await tell(request, 'running', 0, total)
    for (const range of ranges) {
      const { partition } = range
      const fold = new Fold({ vendors: deps.vendors, registry: deps.registry, partition, revision: request.revision })
      // A decoder needs what came before the range: from the checkpoint before it, folded without keeping.
      const checkpoint = await deps.log.checkpoints.before(GROUP, partition, range.from)
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
        await tell(request, 'running', done, total)
      }
      if (stopping.signal.aborted) return
    }
    await tell(request, 'done', total, total)
  }

  /** Which part of each partition: from the request's time on, up to where live decoding already knows better. */
  async function rangesOf(
    request: ReplayRequest,
    upTo: LogPosition[],
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
    const kept = new DecodeBatch()
    for (const reading of batch.readings) {
      if (reading.tenantId !== request.tenantId) continue
      if (request.link && reading.deviceId !== request.link.deviceId) continue
      kept.addReading({ ...reading, replayId: request.replayId })
    }
    for (const letter of batch.deadLetters) if (letter.tenantId === request.tenantId) kept.deadLetters.push(letter)
    if (!request.link)
      for (const unclaimed of batch.unclaimed)
        if (unclaimed.tenantId === request.tenantId) kept.unclaimed.push({ ...unclaimed, replayId: request.replayId })
    // One chunk per connection: rows are taken back by connection.
    const [first, ...others] = connections.map((connectionId) => ({
      chunk: true as const,
      replayId: request.replayId,
      tenantId: request.tenantId,
      connectionId,
      partition,
      fromOffset,
      toOffset,
      revision: request.revision,
      ...(request.link && { deviceId: request.link.deviceId }),
    }))
    if (!first) return
    await kept.append(deps.producers, 'replayed', first)
    for (const chunk of others) await new DecodeBatch().append(deps.producers, 'replayed', chunk)
  }

  return {
    enqueue(request) {
      if (known.has(request.replayId)) return
      known.add(request.replayId)
      const upTo = deps.livePositions()
      running = running.then(async () => {
        if (stopping.signal.aborted) return
        try {
          await run(request, upTo)
        } catch (error) {
          deps.onError(error)
          const text = error instanceof Error ? error.message : String(error)
          await tell(request, 'failed', 0, 0, text).catch(deps.onError)
        }
      })
    },
    async stop() {
      stopping.abort()
      await running
    },
    idle: () => running,
  }
}

/** Raw records are keyed by connection plus shard. */
const connectionOf = (key: string): ConnectionId => {
  const slash = key.indexOf('/')
  return (slash < 0 ? key : key.slice(0, slash)) as ConnectionId
}
