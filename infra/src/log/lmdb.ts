/**
 * The embedded log: `<dir>/<topic>/<lane>/` holds one partition each, `<dir>/_groups/` the offsets and checkpoints.
 * Several processes may open the same directory; each (topic, lane) has one writer, by wiring.
 */
import { EventEmitter } from 'node:events'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  type ConsumeOptions,
  type Log,
  type LogConsumer,
  LogError,
  type LogPosition,
  type LogProducer,
  type LogRecord,
  type Topic,
  TOPICS,
} from '@heliograph/crm-core/contracts'
import { createConsumer } from './lmdb-consumer.ts'
import { openGroups } from './lmdb-groups.ts'
import { LmdbPartition } from './lmdb-partition.ts'

/** No device's message is as large: history that is brought in is. */
const IMPORT_BYTES = 64 * 1024

export interface LmdbLogOptions {
  dir: string
  /** Free disk bytes below which appends are refused. Default 64 MiB. */
  reserveBytes?: number
  /** Told of groups that fail their checksum. */
  onCorrupt?(error: LogError, topic: Topic, partition: number): void
  now?(): number
}

const READ_CHUNK_RECORDS = 2_000
const READ_CHUNK_BYTES = 8 * 1024 * 1024

export function createLmdbLog(options: LmdbLogOptions): Log {
  const now = options.now ?? Date.now
  const reserveBytes = options.reserveBytes ?? 64 * 1024 * 1024
  const partitions = new Map<string, LmdbPartition>()
  const consumers = new Set<LogConsumer>()
  const appended = new EventEmitter().setMaxListeners(0)
  let groups: ReturnType<typeof openGroups> | undefined

  const opened = (): ReturnType<typeof openGroups> => {
    if (!groups) throw new LogError('log_closed', 'the log is not started')
    return groups
  }
  const onCorrupt = (topic: Topic, partition: number) => (error: LogError) =>
    options.onCorrupt?.(error, topic, partition)

  function partition(topic: Topic, lane: number): LmdbPartition {
    opened()
    const key = `${topic}/${lane}`
    let found = partitions.get(key)
    if (!found) {
      found = new LmdbPartition({
        dir: join(options.dir, topic, String(lane)),
        partition: lane,
        reserveBytes,
        now,
        onAppended: () => appended.emit(key),
        // What devices send is acknowledged when it is on disk: nobody waits for a frame there. An import can.
        squeezeFrom: topic === TOPICS.raw ? IMPORT_BYTES : 0,
      })
      partitions.set(key, found)
    }
    return found
  }
  /** Partitions that exist on disk: another process may have made one since. */
  function lanes(topic: Topic): number[] {
    const dir = join(options.dir, topic)
    if (!existsSync(dir)) return []
    return readdirSync(dir)
      .map(Number)
      .filter(Number.isInteger)
      .sort((a, b) => a - b)
  }

  return {
    async start() {
      mkdirSync(options.dir, { recursive: true })
      groups = openGroups(join(options.dir, '_groups'))
    },
    async stop() {
      await Promise.all([...consumers].map((consumer) => consumer.stop()))
      await Promise.all([...partitions.values()].map((open) => open.close()))
      partitions.clear()
      await groups?.close()
      groups = undefined
    },
    producer(topic, lane = 0): LogProducer {
      return {
        append: (records) => partition(topic, lane).append(records),
        get pendingBytes() {
          return partitions.get(`${topic}/${lane}`)?.pendingBytes ?? 0
        },
      }
    },
    consume(consume: ConsumeOptions): LogConsumer {
      const consumer = createConsumer(consume, {
        lanes: () => lanes(consume.topic),
        partition: (lane) => partition(consume.topic, lane),
        onAppended: (lane, wake) => {
          appended.on(`${consume.topic}/${lane}`, wake)
          return () => appended.off(`${consume.topic}/${lane}`, wake)
        },
        groups: opened(),
        onCorrupt: (lane) => onCorrupt(consume.topic, lane),
        stopped: () => consumers.delete(consumer),
      })
      consumers.add(consumer)
      return consumer
    },
    async *read({ topic, partition: lane, from, to, signal }): AsyncGenerator<LogRecord[]> {
      if (!lanes(topic).includes(lane)) return
      const source = partition(topic, lane)
      let at = Math.max(from, source.first().offset)
      const end = Math.min(to, source.next())
      while (at < end && !signal?.aborted) {
        const { records, next } = source.read(at, end, READ_CHUNK_RECORDS, READ_CHUNK_BYTES, onCorrupt(topic, lane))
        if (next === at) return
        at = next
        if (records.length > 0) yield records
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
    async bounds(topic) {
      return lanes(topic).map((lane) => {
        const source = partition(topic, lane)
        const { offset, timestamp } = source.first()
        return {
          partition: lane,
          first: offset,
          next: source.next(),
          ...(timestamp !== undefined && { firstTimestamp: timestamp }),
        }
      })
    },
    async offsetAt(topic, lane, timestamp) {
      return lanes(topic).includes(lane) ? partition(topic, lane).offsetAt(timestamp) : 0
    },
    async committed(topic, group) {
      return lanes(topic).flatMap((lane): LogPosition[] => {
        const offset = opened().offset(topic, group, lane)
        return offset === undefined ? [] : [{ partition: lane, offset }]
      })
    },
    async seek(topic, group, position) {
      await opened().saveOffset(topic, group, position.partition, position.offset)
    },
    async trim(topic, before) {
      return lanes(topic).includes(before.partition) ? partition(topic, before.partition).trim(before.offset) : 0
    },
    async size() {
      let bytes = 0
      for (const topic of existsSync(options.dir) ? readdirSync(options.dir) : [])
        if (!topic.startsWith('_'))
          for (const lane of lanes(topic as Topic)) bytes += partition(topic as Topic, lane).bytes()
      return bytes
    },
    get checkpoints() {
      return opened().checkpoints
    },
  }
}
