/**
 * Reads a topic for one group. kafkajs keeps the membership and fetches; where to begin, what is saved and what happens when
 * partitions come and go is decided here: what an earlier assignment still works on is never saved under a later one.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs'
import type {
  BatchControl,
  ConsumeOptions,
  LogBatch,
  LogConsumer,
  LogPosition,
  LogRecord,
} from '@heliograph/crm-core/contracts'
import { asLogError } from './kafka-client.ts'
import type { KafkaReader } from './kafka-reader.ts'

const SESSION_MS = 6_000
const HEARTBEAT_MS = 1_500
/** How long others wait for a member whose batch takes long before they share its partitions. */
const REBALANCE_MS = 20_000
/** An idle fetch waits at a broker as long: a stop waits for it. */
const FETCH_WAIT_MS = 250
/** A consumer that likes full batches waits until so much is there, or for its linger. */
const LINGER_BYTES = 512 * 1024
/** A store that comes back is used again within seconds: what waits meanwhile must be caught up soon. */
const BACKOFF_FIRST_MS = 250
const BACKOFF_MAX_MS = 5_000
const CRASH_WAIT_FIRST_MS = 500
const CRASH_WAIT_MAX_MS = 10_000
const COMMIT_AGAIN_MS = 1_000

interface Source {
  kafka: Kafka
  reader: KafkaReader
  /** Names in the cluster. */
  topic: string
  groupId: string
  /** The connection of the consumer failed; it is made anew. */
  onTrouble(error: unknown): void
  stopped(): void
}

export function createKafkaConsumer(options: ConsumeOptions, source: Source): LogConsumer {
  const { topic, groupId, reader } = source
  const maxRecords = options.maxRecords ?? 2_000
  const maxBytes = options.maxBytes ?? 8 * 1024 * 1024
  const stopping = new AbortController()
  const given = new Map((options.positions ?? []).map(({ partition, offset }) => [partition, offset]))
  /** Next offset to be handled, of the partitions that are ours. */
  const next = new Map<number, Promise<number>>()
  /** What still works, of this assignment or an earlier one. */
  const working = new Map<number, Promise<void>>()
  const failures = new Map<number, number>()
  const unsaved = new Map<number, number>()
  const timers = new Set<NodeJS.Timeout>()
  let owned = new Set<number>()
  let consumer: Consumer | undefined
  let paused = false
  let generations = 0

  const later = (milliseconds: number, act: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      if (!stopping.signal.aborted) act()
    }, milliseconds)
    timers.add(timer)
  }

  /** A new generation of the group: what stays goes on where it is, what is new begins where it was left. */
  function assign(partitions: readonly number[]): void {
    const before = owned
    owned = new Set(partitions)
    for (const partition of before) if (!owned.has(partition)) release(partition)
    const fresh = partitions.filter((partition) => !next.has(partition))
    if (fresh.length === 0) return
    const saved = reader.committed(groupId, topic)
    for (const partition of fresh) enter(partition, saved)
  }
  function enter(partition: number, saved: Promise<LogPosition[]>): void {
    const start = begin(partition, saved)
    // Told by the first batch that waits for it.
    start.catch(() => undefined)
    next.set(partition, start)
  }
  function release(partition: number): void {
    next.delete(partition)
    failures.delete(partition)
    unsaved.delete(partition)
    const ended = (working.get(partition) ?? Promise.resolve()).then(() => options.revoked?.(partition))
    working.set(
      partition,
      ended.catch((error: unknown) => source.onTrouble(error)),
    )
  }
  async function begin(partition: number, saved: Promise<LogPosition[]>): Promise<number> {
    await working.get(partition)
    const wished = (await options.assigned?.(partition)) ?? given.get(partition)
    const committed = (await saved).find((position) => position.partition === partition)?.offset
    given.delete(partition)
    if (wished !== undefined) {
      // Done by then, and perhaps never saved: taken from this member before it could be. Where nothing more comes nobody would say so.
      if (wished > (committed ?? -1)) await save(partition, wished)
      return wished
    }
    if (committed !== undefined) return committed
    const ends = await reader.offsets(topic, options.startAt === 'next' ? 'next' : 'first')
    const start = ends.get(partition) ?? 0
    await save(partition, start)
    return start
  }

  /** Never fails: what could not be saved is saved by the next one, or given again. */
  async function save(partition: number, offset: number): Promise<void> {
    if (!owned.has(partition)) return
    unsaved.set(partition, offset)
    try {
      await consumer?.commitOffsets([{ topic, partition, offset: String(offset) }])
      if (unsaved.get(partition) === offset) unsaved.delete(partition)
    } catch {
      later(COMMIT_AGAIN_MS, () => {
        if (unsaved.get(partition) === offset) void save(partition, offset)
      })
    }
  }

  async function take(payload: EachBatchPayload): Promise<void> {
    const { partition } = payload.batch
    const beat = setInterval(() => void payload.heartbeat().catch(() => undefined), HEARTBEAT_MS)
    const done = Promise.withResolvers<void>()
    const before = working.get(partition)
    working.set(partition, done.promise)
    try {
      await before
      await takeInOrder(payload)
    } catch (error) {
      source.onTrouble(error)
      hold(partition)
    } finally {
      clearInterval(beat)
      done.resolve()
      if (working.get(partition) === done.promise) working.delete(partition)
    }
  }

  async function takeInOrder({ batch, resolveOffset, isStale, isRunning }: EachBatchPayload): Promise<void> {
    const { partition } = batch
    const known = next.get(partition)
    if (known === undefined) return
    const start = await known.catch((error: unknown) => {
      // Asked again for the next batch: a broker that has just come back may not know it yet.
      if (next.get(partition) === known) enter(partition, reader.committed(groupId, topic))
      throw error
    })
    const at = await beginningOf(batch, start)
    if (at === undefined) return
    const { messages } = batch
    // Nearly always the first: what was handled already is not given again.
    let index = messages.findIndex(({ offset }) => Number(offset) >= at)
    for (; index !== -1 && index < messages.length; index += maxRecords) {
      if (paused || !owned.has(partition) || isStale() || !isRunning() || stopping.signal.aborted) return
      const records = recordsOf(messages, index, Math.min(index + maxRecords, messages.length))
      const last = records.at(-1)!.offset
      const logBatch: LogBatch = {
        topic: options.topic,
        partition,
        records,
        lag: Math.max(0, Number(batch.highWatermark) - last - 1),
      }
      let keep = false
      const control: BatchControl = { signal: stopping.signal, keepOffset: () => (keep = true) }
      try {
        await options.handle(logBatch, control)
      } catch (error) {
        options.onError?.(error, logBatch)
        hold(partition)
        return
      }
      failures.delete(partition)
      // Another member has it now, and is given what was handled here.
      if (!owned.has(partition)) return
      next.set(partition, Promise.resolve(last + 1))
      resolveOffset(String(last))
      if (!keep) await save(partition, last + 1)
    }
  }

  /** @returns where to begin in a batch, or nothing when another one has to be fetched first */
  async function beginningOf(batch: EachBatchPayload['batch'], at: number): Promise<number | undefined> {
    const { partition } = batch
    const first = Number(batch.firstOffset() ?? at)
    const lastOffset = Number(batch.lastOffset())
    if (first === at) return at
    const [low, high] = [await reader.offsets(topic, 'first'), await reader.offsets(topic, 'next')].map(
      (ends) => ends.get(partition) ?? 0,
    ) as [number, number]
    // Made anew, or cut short by brokers that lost their disks: those records are nowhere any more.
    const wanted = at > high ? low : Math.max(at, low)
    if (wanted !== at) {
      options.onError?.(
        new Error(`records ${at} to ${wanted} of ${topic}/${partition} are gone: retention or somebody removed them`),
        { topic: options.topic, partition, records: [], lag: high - wanted },
      )
      next.set(partition, Promise.resolve(wanted))
      if (options.passed) options.passed({ partition, offset: wanted })
      else await save(partition, wanted)
    }
    if (first <= wanted && wanted <= lastOffset) return wanted
    if (first > wanted && wanted === Number(firstFetched(batch))) return wanted
    consumer?.seek({ topic, partition, offset: String(wanted) })
    return undefined
  }

  /** Its batch is given again after a while; the other partitions go on. */
  function hold(partition: number): void {
    const count = failures.get(partition) ?? 0
    failures.set(partition, count + 1)
    const held = consumer
    const those = [{ topic, partitions: [partition] }]
    held?.pause(those)
    later(Math.min(BACKOFF_FIRST_MS * 2 ** count, BACKOFF_MAX_MS), () => {
      // A consumer that was made anew has not paused it.
      if (consumer === held && !paused) held?.resume(those)
    })
  }

  async function connect(): Promise<{ crashed: Promise<unknown> }> {
    const made = source.kafka.consumer({
      groupId,
      sessionTimeout: SESSION_MS,
      rebalanceTimeout: REBALANCE_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxBytesPerPartition: maxBytes,
      maxBytes,
      minBytes: options.lingerMs ? Math.min(LINGER_BYTES, maxBytes) : 1,
      maxWaitTimeInMs: options.lingerMs ?? FETCH_WAIT_MS,
      allowAutoTopicCreation: false,
      retry: { retries: 8, initialRetryTime: 100, maxRetryTime: 2_000, restartOnFailure: async () => false },
    })
    const crashed = new Promise<unknown>((resolve) =>
      made.on(made.events.CRASH, ({ payload }) => resolve(payload.error)),
    )
    made.on(made.events.GROUP_JOIN, ({ payload }) => {
      generations++
      assign(payload.memberAssignment[topic] ?? [])
    })
    await made.connect()
    // Whatever has no saved offset begins where `begin` says; records must never be jumped over.
    await made.subscribe({ topic, fromBeginning: true })
    consumer = made
    const concurrency = Math.max(1, reader.partitionsOf(topic).length)
    await made.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: concurrency,
      eachBatch: take,
    })
    if (paused) made.pause([{ topic }])
    return { crashed }
  }

  const running = (async () => {
    let wait = CRASH_WAIT_FIRST_MS
    while (!stopping.signal.aborted) {
      let made: Consumer | undefined
      try {
        const { crashed } = await connect()
        made = consumer
        wait = CRASH_WAIT_FIRST_MS
        const error = await Promise.race([crashed, aborted(stopping.signal)])
        if (!stopping.signal.aborted) source.onTrouble(asLogError(error))
      } catch (error) {
        made = consumer
        if (!stopping.signal.aborted) source.onTrouble(asLogError(error))
      }
      await made?.disconnect().catch(() => undefined)
      consumer = undefined
      if (stopping.signal.aborted) return
      // Nothing is ours until the group says so again.
      assign([])
      await sleep(wait, undefined, { signal: stopping.signal }).catch(() => undefined)
      wait = Math.min(wait * 2, CRASH_WAIT_MAX_MS)
    }
  })()

  return {
    async stop() {
      stopping.abort()
      for (const timer of timers) clearTimeout(timer)
      await running
      await Promise.all(working.values())
      source.stopped()
    },
    pause() {
      paused = true
      consumer?.pause([{ topic }])
    },
    resume() {
      paused = false
      consumer?.resume([{ topic }])
    },
    async commit({ partition, offset }) {
      if (consumer) await save(partition, offset)
      // Stopped: counts while nobody else has taken over.
      else if (stopping.signal.aborted && owned.has(partition))
        await reader.commit(groupId, topic, [{ partition, offset }]).catch(() => undefined)
    },
    share: () => ({ partitions: owned.size, rebalances: Math.max(0, generations - 1) }),
    async lag() {
      const [first, end, saved] = await Promise.all([
        reader.offsets(topic, 'first'),
        reader.offsets(topic, 'next'),
        reader.committed(groupId, topic),
      ])
      let lag = 0
      for (const [partition, offset] of end) {
        const done = saved.find((position) => position.partition === partition)?.offset ?? 0
        lag += Math.max(0, offset - Math.max(done, first.get(partition) ?? 0))
      }
      return lag
    },
  }
}

/** Offset that was asked for: a batch may begin behind it where control records or removed ones lay between. */
function firstFetched(batch: EachBatchPayload['batch']): string {
  return (batch as unknown as { fetchedOffset: string }).fetchedOffset
}
function recordsOf(messages: EachBatchPayload['batch']['messages'], from: number, to: number): LogRecord[] {
  const records: LogRecord[] = []
  // Records of one batch of a broker share their time, and neighbours often their key: each text is read once.
  let keyBytes: Buffer | null = null
  let key = ''
  let time = ''
  let timestamp = 0
  for (let index = from; index < to; index++) {
    const message = messages[index]!
    if (message.key === null) key = ''
    else if (keyBytes === null || !keyBytes.equals(message.key)) key = message.key.toString()
    keyBytes = message.key
    if (message.timestamp !== time) {
      time = message.timestamp
      timestamp = Number(time)
    }
    records.push({ offset: Number(message.offset), key, value: message.value ?? new Uint8Array(), timestamp })
  }
  return records
}
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
