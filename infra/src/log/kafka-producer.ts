/**
 * Appends to one topic: one group in flight, and what arrives meanwhile shares the next, so that the order of a key is the
 * order of the appends. A group is acknowledged by all copies or rejected.
 */
import kafkajs, { type Message, type Producer, type RecordMetadata } from 'kafkajs'
import { type AppendRecord, LogError, type LogPosition, type LogProducer } from '@heliograph/crm-core/contracts'
import { asLogError, causeOf } from './kafka-client.ts'
import { MAX_RECORD_BYTES } from './kafka-topics.ts'

const MAX_GROUP_BYTES = 4 * 1024 * 1024
const MAX_GROUP_RECORDS = 20_000
/** Above this the producer refuses instead of growing: edges push back long before. */
const MAX_PENDING_BYTES = 256 * 1024 * 1024
/** Smaller groups are those of a calm line, where a frame would cost more than it saves. */
const SQUEEZE_FROM_BYTES = 64 * 1024
/** What a record takes in a batch beside key and value, at most. */
const RECORD_HEAD_BYTES = 32
/** A traced one's header: its name, 55 characters, and the lengths of both. */
const TRACE_HEADER_BYTES = 72
/** A batch may have its head, and be no better than it was when it is compressed. */
const BATCH_HEAD_BYTES = 512
/** kafkajs counts the records of a producer in 32 bits and wraps them wrongly: long before that a new one is taken. */
const MAX_SEQUENCE = 1_000_000_000

interface Waiting {
  records: AppendRecord[]
  bytes: number
  resolve(position: LogPosition): void
  reject(error: LogError): void
}
interface Deps {
  topic: string
  partitions: number
  /** Bytes that a batch may have. */
  limit: number
  squeeze: boolean
  connect(): Promise<Producer>
  /** Makes the topics that are gone. */
  mend(): Promise<void>
}

export interface KafkaProducer extends LogProducer {
  stop(): Promise<void>
}

const { CompressionTypes, Partitioners } = kafkajs
const partitioner = Partitioners.DefaultPartitioner()

export function createKafkaProducer({ topic, partitions, limit, squeeze, connect, mend }: Deps): KafkaProducer {
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({ partitionId, leader: 1 }))
  const maxRecordBytes = Math.min(MAX_RECORD_BYTES, limit - BATCH_HEAD_BYTES)
  const maxGroupBytes = Math.min(MAX_GROUP_BYTES, maxRecordBytes)
  let waiting: Waiting[] = []
  let pendingBytes = 0
  let flushing: Promise<void> | undefined
  let producer: Producer | undefined
  let sent = 0
  let closed = false

  const partitionOf = (key: string): number =>
    partitions === 1
      ? 0
      : partitioner({ topic, partitionMetadata: partitionMetadata as never, message: { key, value: null } })

  async function flush(): Promise<void> {
    // Lets every append of this turn of the event loop join the group.
    await new Promise((resolve) => setImmediate(resolve))
    while (waiting.length > 0) {
      const group = takeGroup()
      try {
        const positions = await send(group)
        for (const [index, { resolve }] of group.entries()) resolve(positions[index]!)
      } catch (error) {
        await discard()
        if (causeOf(error).type === 'UNKNOWN_TOPIC_OR_PARTITION') await mend().catch(() => undefined)
        const failure = asLogError(error)
        for (const { reject } of group) reject(failure)
      } finally {
        for (const { bytes } of group) pendingBytes -= bytes
      }
    }
    flushing = undefined
  }

  function takeGroup(): Waiting[] {
    let bytes = 0
    let count = 0
    let end = 0
    for (; end < waiting.length; end++) {
      const next = waiting[end]!
      if (end > 0 && (bytes + next.bytes > maxGroupBytes || count + next.records.length > MAX_GROUP_RECORDS)) break
      bytes += next.bytes
      count += next.records.length
    }
    return waiting.splice(0, end)
  }

  /** @returns the position of each one's first record */
  async function send(group: readonly Waiting[]): Promise<LogPosition[]> {
    const positions: LogPosition[] = []
    let messages: Message[] = []
    let bytes = 0
    /** First records in the batch that is being filled, and which of their partition's records they are. */
    let firsts: { index: number; partition: number; nth: number }[] = []
    const counts = new Map<number, number>()
    const sendBatch = async (): Promise<void> => {
      const bases = await sendMessages(messages, bytes)
      for (const { index, partition, nth } of firsts)
        positions[index] = { partition, offset: bases.get(partition)! + nth }
      messages = []
      firsts = []
      bytes = 0
      counts.clear()
    }
    for (const [index, { records }] of group.entries()) {
      for (const [at, record] of records.entries()) {
        const size = recordBytes(record)
        if (bytes > 0 && bytes + size > maxGroupBytes) await sendBatch()
        const partition = partitionOf(record.key)
        const nth = counts.get(partition) ?? 0
        if (at === 0) firsts.push({ index, partition, nth })
        counts.set(partition, nth + 1)
        messages.push(messageOf(record, partition))
        bytes += size
      }
      if (records.length === 0) positions[index] = { partition: 0, offset: 0 }
    }
    if (messages.length > 0) await sendBatch()
    return positions
  }

  /** @returns the first offset in each partition */
  async function sendMessages(messages: Message[], bytes: number): Promise<Map<number, number>> {
    if (sent > MAX_SEQUENCE) await discard()
    producer ??= await connect()
    const answer = await producer.send({
      topic,
      acks: -1,
      messages,
      compression: squeeze && bytes >= SQUEEZE_FROM_BYTES ? CompressionTypes.ZSTD : CompressionTypes.None,
    })
    sent += messages.length
    return new Map(answer.map((each: RecordMetadata) => [each.partition, Number(each.baseOffset)]))
  }

  /**
   * After a failure nobody knows what arrived. kafkajs would give the next records the numbers of the failed ones, and a broker
   * that has those would take the next for repetitions and drop them: so each producer fails once.
   */
  async function discard(): Promise<void> {
    const old = producer
    producer = undefined
    sent = 0
    await old?.disconnect().catch(() => undefined)
  }

  return {
    append(records) {
      if (closed) return Promise.reject(new LogError('log_closed', 'the log is closed'))
      let bytes = 0
      for (const record of records) {
        const size = recordBytes(record)
        if (size > maxRecordBytes)
          return Promise.reject(
            new LogError('log_too_large', `a record of ${size} bytes; ${maxRecordBytes} is the limit`),
          )
        bytes += size
      }
      if (pendingBytes + bytes > MAX_PENDING_BYTES)
        return Promise.reject(new LogError('log_full', 'too much waits for Kafka; try again'))
      return new Promise((resolve, reject) => {
        waiting.push({ records, bytes, resolve, reject })
        pendingBytes += bytes
        flushing ??= flush()
      })
    },
    get pendingBytes() {
      return pendingBytes
    },
    async stop() {
      closed = true
      await flushing
      waiting = []
      await discard()
    },
  }
}

const recordBytes = ({ key, value, traceparent }: AppendRecord): number =>
  RECORD_HEAD_BYTES + Buffer.byteLength(key) + value.length + (traceparent === undefined ? 0 : TRACE_HEADER_BYTES)
/** The header's name is that of W3C Trace Context, as OpenTelemetry's instrumentation of Kafka reads and writes it. */
const messageOf = ({ key, value, traceparent }: AppendRecord, partition: number): Message =>
  traceparent === undefined
    ? { key, value: asBuffer(value), partition }
    : { key, value: asBuffer(value), partition, headers: { traceparent } }
const asBuffer = (value: Uint8Array): Buffer =>
  Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
