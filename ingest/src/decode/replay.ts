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
  type RawRef,
  type ReadingRecord,
  type ReplayChunk,
  type ReplayProgressRecord,
  type TenantId,
  TOPICS,
} from '@heliograph/crm-core/contracts'
import type { AnyVendor } from '../vendor.ts'
import { Fold } from './fold.ts'
import { DecodeBatch, type DecodeProducers } from './outputs.ts'
import { DECODE_GROUP } from './stage.ts'

const TELL_EVERY_MS = 500
/** Claims that are one pass. */
const MAX_TOGETHER = 500

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
   * Runs a replay behind those that were asked for before; claims of one connection that wait are run together.
   * @param upTo where live decoding stood: what lies behind it is decoded live, with this registry
   * @returns resolves when it is done, has failed or was stopped
   */
  run(request: ReplayRequest, upTo: readonly LogPosition[]): Promise<void>
  stop(): Promise<void>
}

/** A stretch of a partition, `to` exclusive. */
interface Stretch {
  partition: number
  from: number
  to: number
}
interface Asked {
  request: ReplayRequest
  upTo: readonly LogPosition[]
}
/** One pass over the log: a replay, or claims of one connection that waited together. */
interface Pass {
  tenantId: TenantId
  connectionId: ConnectionId | undefined
  /** Of several the last: what an earlier one would have made gives way to it just so. */
  revision: number
  stretches: Stretch[]
  /** What each of them asked for, a stretch of a partition each. */
  parts: (Stretch & { request: ReplayRequest })[]
}

export function createReplayRunner(deps: ReplayDeps): ReplayRunner {
  const { progress } = deps
  const stopping = new AbortController()
  const waiting = new Set<Asked>()
  let running: Promise<void> = Promise.resolve()

  async function attempt(asked: readonly Asked[]): Promise<void> {
    try {
      await decodeAgain(asked, await passOf(asked))
    } catch (error) {
      if (stopping.signal.aborted) return
      deps.onError(error)
      const text = error instanceof Error ? error.message : String(error)
      await tell(asked, 'failed', 0, 0, text).catch(deps.onError)
    }
  }

  const tell = (
    asked: readonly Asked[],
    state: ReplayProgressRecord['state'],
    done: number,
    total: number,
    error?: string,
  ) =>
    progress.append(
      asked.map(({ request: { replayId, tenantId } }) => ({
        key: replayId,
        value: encodeRecord({
          replayId,
          tenantId,
          state,
          done,
          total,
          ...(error !== undefined && { error }),
        } satisfies ReplayProgressRecord),
      })),
    )

  async function passOf(asked: readonly Asked[]): Promise<Pass> {
    const { tenantId, connectionId } = asked[0]!.request
    const parts: Pass['parts'] = []
    for (const { request, upTo } of asked)
      for (const stretch of await stretchesOf(request, upTo)) parts.push({ request, ...stretch })
    return {
      tenantId,
      connectionId,
      revision: Math.max(...asked.map(({ request }) => request.revision)),
      stretches: covering(parts),
      parts,
    }
  }

  async function decodeAgain(asked: readonly Asked[], pass: Pass): Promise<void> {
    const { tenantId, stretches, revision } = pass
    const total = stretches.reduce((sum, { from, to }) => sum + to - from, 0)
    let done = 0
    await tell(asked, 'running', 0, total)
    let toldAt = performance.now()
    for (const { partition, from, to } of stretches) {
      const fold = new Fold({ vendors: deps.vendors, registry: deps.registry, partition, revision })
      // A decoder needs what came before the stretch: from the checkpoint before it, folded without keeping.
      const checkpoint = await deps.log.checkpoints.before(DECODE_GROUP, partition, from)
      if (checkpoint) fold.restore(checkpoint.state)
      const warmFrom = checkpoint?.offset ?? 0
      for await (const records of deps.log.read({
        topic: TOPICS.raw,
        partition,
        from: warmFrom,
        to,
        signal: stopping.signal,
      })) {
        const batch = new DecodeBatch()
        const unwanted = new DecodeBatch()
        const connections = new Set<ConnectionId>()
        for (const record of records) {
          const connectionId = connectionOf(record.key)
          if (pass.connectionId !== undefined && connectionId !== pass.connectionId) continue
          const owner = deps.registry.connection(connectionId)?.tenantId
          if (owner !== undefined && owner !== tenantId) continue
          const inRange = record.offset >= from
          fold.fold(record, inRange ? batch : unwanted)
          if (inRange) connections.add(connectionId)
        }
        const last = records.at(-1)!.offset + 1
        if (last <= from) continue
        const first = Math.max(records[0]!.offset, from)
        await store(pass, batch, { partition, from: first, to: last }, [...connections])
        done += last - first
        if (performance.now() - toldAt < TELL_EVERY_MS) continue
        toldAt = performance.now()
        await tell(asked, 'running', done, total)
      }
      if (stopping.signal.aborted) return
    }
    await deps.sink.settled(stopping.signal)
    await tell(asked, 'done', total, total)
  }

  /** Which part of each partition: from the request's time on, up to where live decoding already knows better. */
  async function stretchesOf(request: ReplayRequest, upTo: readonly LogPosition[]): Promise<Stretch[]> {
    if (request.message) {
      const { partition, offset } = request.message
      return [{ partition, from: offset, to: offset + 1 }]
    }
    const stretches = []
    for (const { partition, first, next } of await deps.log.bounds(TOPICS.raw)) {
      const from = request.from === undefined ? first : await deps.log.offsetAt(TOPICS.raw, partition, request.from)
      const end = request.to === undefined ? next : await deps.log.offsetAt(TOPICS.raw, partition, request.to)
      const to = Math.min(end, upTo.find((position) => position.partition === partition)?.offset ?? first)
      if (from < to) stretches.push({ partition, from, to })
    }
    return stretches
  }

  async function store(
    { tenantId, revision, parts }: Pass,
    batch: DecodeBatch,
    read: Stretch,
    connections: readonly ConnectionId[],
  ): Promise<void> {
    const byDevice = Map.groupBy(parts, ({ request }) => request.link?.deviceId)
    const readings = []
    for (const reading of batch.takeReadings()) {
      if (reading.tenantId !== tenantId) continue
      const candidates = byDevice.get(undefined) ?? byDevice.get(reading.deviceId) ?? []
      const part = candidates.find((each) => holds(each, reading.rawRef))
      if (!part) continue
      // Their own: nobody else has them yet.
      reading.replayId = part.request.replayId
      readings.push(reading)
    }
    const { link, replayId } = parts[0]!.request
    batch.deadLetters = batch.deadLetters.filter((letter) => letter.tenantId === tenantId)
    batch.unclaimed = link
      ? []
      : batch.unclaimed.filter((one) => one.tenantId === tenantId).map((one) => ({ ...one, replayId }))
    batch.downlinks.length = 0
    await batch.append(deps.producers)
    // One chunk per connection: rows are taken back by connection.
    const chunks = connections.flatMap((connectionId) =>
      parts.flatMap(({ request, partition, from, to }) => {
        const [fromOffset, toOffset] = [Math.max(from, read.from), Math.min(to, read.to)]
        if (partition !== read.partition || fromOffset >= toOffset) return []
        const deviceId = request.link?.deviceId
        return [{ tenantId, connectionId, partition, fromOffset, toOffset, revision, ...(deviceId && { deviceId }) }]
      }),
    )
    if (chunks.length > 0) await deps.sink.put(readings, chunks, stopping.signal)
  }

  return {
    run(request, upTo) {
      const own: Asked = { request, upTo }
      waiting.add(own)
      running = running.then(async () => {
        // Where it is not waiting any more, a claim before it took it along.
        if (waiting.has(own) && !stopping.signal.aborted) await attempt(takeTogether(waiting, own))
      })
      return running
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}

/**
 * Takes the first that waits, and with a claim the other claims of its connection: a gateway's forty inverters, or five
 * hundred devices of a table, are one pass over the same messages and not as many.
 */
function takeTogether(waiting: Set<Asked>, first: Asked): Asked[] {
  const { tenantId, connectionId, link } = first.request
  const belongs = ({ request }: Asked): boolean =>
    link !== undefined &&
    connectionId !== undefined &&
    request.link !== undefined &&
    request.connectionId === connectionId &&
    request.tenantId === tenantId
  const together = [...waiting].filter((asked) => asked === first || belongs(asked)).slice(0, MAX_TOGETHER)
  for (const asked of together) waiting.delete(asked)
  return together
}

/** What holds all of them, one stretch of each partition. */
function covering(stretches: readonly Stretch[]): Stretch[] {
  return [...Map.groupBy(stretches, ({ partition }) => partition)].map(([partition, own]) => ({
    partition,
    from: Math.min(...own.map(({ from }) => from)),
    to: Math.max(...own.map(({ to }) => to)),
  }))
}
const holds = (stretch: Stretch, { partition, offset }: RawRef): boolean =>
  stretch.partition === partition && offset >= stretch.from && offset < stretch.to

/** Raw records are keyed by connection plus shard. */
const connectionOf = (key: string): ConnectionId => {
  const slash = key.indexOf('/')
  return (slash < 0 ? key : key.slice(0, slash)) as ConnectionId
}
