/**
 * The durable log: ordered records per partition, kept for a time, read by several consumers at their own pace.
 * Promises (each in the conformance suite): an append resolves only when its records are on disk; records of one key stay
 * in order; a consumer sees every record after its saved offset, after a crash too; a slow consumer holds back nobody else.
 */
import type { Topic } from '../log-records.ts'

export interface LogRecord {
  offset: number
  key: string
  value: Uint8Array
  /** Time of the append, UTC milliseconds. */
  timestamp: number
  /** What the producer said the value holds, where it sits in this process and the record is fresh. Never to be changed. */
  decoded?: object
}
export interface AppendRecord {
  /** Records of one key keep their order. */
  key: string
  value: Uint8Array
  /**
   * What `value` holds. An engine may hand it on to consumers of the same process, which then need not read the bytes
   * again; nobody may rely on it, and nobody may change it afterwards.
   */
  decoded?: object
  /**
   * Where the record is traced: W3C `traceparent` of the step that appends it. Engines whose records have headers put it there under
   * this name, for tools and consumers other than ours, which go by what `value` holds; the others ignore it.
   */
  traceparent?: string
}
export interface LogPosition {
  partition: number
  offset: number
}

export interface LogProducer {
  /**
   * Resolves when every record is on disk (embedded: fdatasync; Kafka: acks=all), with the position of the first one.
   * Concurrent appends share one flush. Rejects with `LogError`; nothing of a rejected append becomes visible, but where the answer
   * of an engine across a network was lost (`log_unavailable`): whoever sends again then may have sent twice.
   */
  append(records: AppendRecord[]): Promise<LogPosition>
  /** Bytes accepted and not yet on disk: what an edge bounds. */
  readonly pendingBytes: number
}

export interface LogBatch {
  topic: Topic
  partition: number
  records: LogRecord[]
  /** Records that wait behind this batch. */
  lag: number
}
export interface ConsumeOptions {
  topic: Topic
  /** Consumers of one group share the partitions; groups do not see each other. */
  group: string
  /** Where a group without a saved offset begins. Default `first`. */
  startAt?: 'first' | 'next'
  /** Begins here instead of at the saved offset: a checkpoint's. Partitions not named begin as usual. */
  positions?: readonly LogPosition[]
  /** Upper bounds of one batch. Defaults 2 000 records, 8 MiB. */
  maxRecords?: number
  maxBytes?: number
  /** Waits at most that long for a fuller batch once something is there, milliseconds. Default 0. */
  lingerMs?: number
  /**
   * Called with one batch at a time per partition. The offset is saved when it resolves, and not before: resolve only
   * after the store's acknowledgement. When it rejects the same batch is given again after a back-off (1 s doubling to 30 s).
   */
  handle(batch: LogBatch, control: BatchControl): Promise<void>
  /**
   * Called where what lies before an offset was left out (a damaged end of the log): an owner that saves the offset itself must
   * not wait for those records. Absent: the offset is saved.
   */
  passed?(position: LogPosition): void
  /**
   * Called when a partition comes to this consumer, before its first batch: where to begin, an owner's checkpoint above all.
   * Nothing: as `positions` or the saved offset say. What `revoked` began for the partition has ended by then.
   */
  assigned?(partition: number): Promise<number | undefined>
  /**
   * Called when a partition went to another consumer of the group, after its running batch has ended: what was remembered of it is
   * to be forgotten. Engines whose consumers share nothing never call it.
   */
  revoked?(partition: number): Promise<void> | void
  /** Called when a batch failed, before it is tried again. */
  onError?(error: unknown, batch: LogBatch): void
}
export interface BatchControl {
  /** Aborted when the consumer is stopping: end soon, without acknowledging what is not stored. */
  readonly signal: AbortSignal
  /** Keeps the saved offset where it is although `handle` resolves: the owner saves it later, by `commit` or with a checkpoint. */
  keepOffset(): void
}
export interface LogConsumer {
  /** Resolves once running batches have ended and their offsets are saved. */
  stop(): Promise<void>
  pause(): void
  resume(): void
  /** Saves the offset of the next record to be handled after a restart: work that the handler left unfinished is done now. */
  commit(position: LogPosition): Promise<void>
  /** Records behind the end, all partitions. */
  lag(): Promise<number>
  /** Where members of a group share its partitions: how many are ours, and how often they were shared out anew since we began. */
  share?(): { partitions: number; rebalances: number }
}

export interface PartitionBounds {
  partition: number
  /** First offset still kept. */
  first: number
  /** Offset the next record gets. */
  next: number
  /** Append time of the first kept record, UTC milliseconds; absent when empty. */
  firstTimestamp?: number
}

/** State of a consumer, saved together with the offset it belongs to, in one write. */
export interface CheckpointStore {
  load(group: string, partition: number): Promise<{ offset: number; state: Uint8Array } | undefined>
  save(group: string, partition: number, offset: number, state: Uint8Array): Promise<void>
  /** The newest checkpoint at or before an offset among those kept (a few per day), for replays. */
  before(group: string, partition: number, offset: number): Promise<{ offset: number; state: Uint8Array } | undefined>
}

export interface Log {
  start(): Promise<void>
  stop(): Promise<void>
  /**
   * @param lane writing process. The embedded engine allows one writer per partition and gives each lane its own;
   * engines that partition by key ignore it. A key must always be written through the same lane.
   */
  producer(topic: Topic, lane?: number): LogProducer
  consume(options: ConsumeOptions): LogConsumer
  /** Reads a range without a group, for replays. `to` exclusive. Stops early when the signal aborts. */
  read(range: {
    topic: Topic
    partition: number
    from: number
    to: number
    signal?: AbortSignal
  }): AsyncIterable<LogRecord[]>
  bounds(topic: Topic): Promise<PartitionBounds[]>
  /** First offset whose append time is not before this instant. */
  offsetAt(topic: Topic, partition: number, timestamp: number): Promise<number>
  /** Saved offset of a group, the next to be handled; absent when it never saved one. */
  committed(topic: Topic, group: string): Promise<LogPosition[]>
  /** Sets a group's offset back or forward: rewinding after an unclean stop. The group must not be running. */
  seek(topic: Topic, group: string, position: LogPosition): Promise<void>
  /** Removes records before an offset. Returns how many. */
  trim(topic: Topic, before: LogPosition): Promise<number>
  /** Bytes that the kept records take on disk, all topics; falls when records are trimmed. */
  size(): Promise<number>
  readonly checkpoints: CheckpointStore
}

export type LogErrorCode =
  'log_full' | 'log_closed' | 'log_corrupt' | 'log_unavailable' | 'log_too_large' | 'log_locked'
export class LogError extends Error {
  readonly code: LogErrorCode
  /** Whether the same call may succeed later. */
  readonly retryable: boolean
  constructor(code: LogErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'LogError'
    this.code = code
    this.retryable = code === 'log_full' || code === 'log_unavailable'
  }
}
