/** Questions to a cluster that need no consumer group: ranges of records, ends of partitions, saved offsets of groups. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogPosition } from '@heliograph/crm-core/contracts'
import { asLogError, causeOf, type FetchedRecord, type KafkaCluster } from './kafka-client.ts'

const TRIES = 6
const WAIT_FIRST_MS = 100
const WAIT_MAX_MS = 2_000
/** Answered at once where records are there; at the end of a partition a broker would wait for more. */
const FETCH_WAIT_MS = 100
/** A larger record comes all the same: a broker always gives at least one batch. */
const FETCH_BYTES = 8 * 1024 * 1024
const SIMPLE_COMMIT = { groupGenerationId: -1, memberId: '' }

export class KafkaReader {
  readonly #cluster: KafkaCluster

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
  }

  /** Tries again while brokers come and go. */
  async attempt<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 1, wait = WAIT_FIRST_MS; ; tries++, wait = Math.min(wait * 2, WAIT_MAX_MS)) {
      try {
        return await work()
      } catch (error) {
        const { name, host, port, retriable } = causeOf(error)
        if (tries === TRIES || (retriable === false && name !== 'KafkaJSBrokerNotFound')) throw asLogError(error)
        if (name === 'KafkaJSConnectionClosedError' && host !== undefined && port !== undefined)
          this.#cluster.removeBroker({ host, port })
        await sleep(wait)
        await this.#cluster.connect().catch(() => undefined)
        await this.#cluster.refreshMetadata().catch(() => undefined)
      }
    }
  }

  partitionsOf(topic: string): number[] {
    return this.#cluster
      .findTopicPartitionMetadata(topic)
      .map(({ partitionId }) => partitionId)
      .sort((a, b) => a - b)
  }

  /** Offsets of the first record at or after an instant, or the ends of a topic. */
  async offsets(topic: string, at: 'first' | 'next' | { timestamp: number }): Promise<Map<number, number>> {
    return await this.attempt(async () => {
      const partitions = this.partitionsOf(topic).map((partition) => ({ partition }))
      const [answer] = await this.#cluster.fetchTopicsOffset([
        {
          topic,
          partitions,
          ...(typeof at === 'string' ? { fromBeginning: at === 'first' } : { fromTimestamp: at.timestamp }),
        },
      ])
      return new Map((answer?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]))
    })
  }

  /** Records from an offset on, in order; none at the end. What a batch holds before the offset is left out. */
  async fetch(topic: string, partition: number, from: number): Promise<FetchedRecord[]> {
    return await this.attempt(async () => {
      const leader = this.#cluster
        .findTopicPartitionMetadata(topic)
        .find(({ partitionId }) => partitionId === partition)
      if (!leader) return []
      const broker = await this.#cluster.findBroker({ nodeId: leader.leader })
      const { responses } = await broker.fetch({
        maxWaitTime: FETCH_WAIT_MS,
        minBytes: 1,
        maxBytes: FETCH_BYTES,
        isolationLevel: 0,
        topics: [{ topic, partitions: [{ partition, fetchOffset: String(from), maxBytes: FETCH_BYTES }] }],
      })
      const messages = responses[0]?.partitions[0]?.messages ?? []
      return messages.filter(({ offset }) => Number(offset) >= from)
    })
  }

  /** Forgets what lies before an offset. */
  async trim(topic: string, partition: number, before: number): Promise<void> {
    await this.attempt(async () => {
      const leader = this.#cluster
        .findTopicPartitionMetadata(topic)
        .find(({ partitionId }) => partitionId === partition)
      if (!leader) return
      const broker = await this.#cluster.findBroker({ nodeId: leader.leader })
      await broker.deleteRecords({ topics: [{ topic, partitions: [{ partition, offset: String(before) }] }] })
    })
  }

  async committed(groupId: string, topic: string): Promise<LogPosition[]> {
    return await this.attempt(async () => {
      const coordinator = await this.#cluster.findGroupCoordinator({ groupId })
      const partitions = this.partitionsOf(topic).map((partition) => ({ partition }))
      const { responses } = await coordinator.offsetFetch({ groupId, topics: [{ topic, partitions }] })
      return (responses[0]?.partitions ?? [])
        .map(({ partition, offset }) => ({ partition, offset: Number(offset) }))
        .filter(({ offset }) => offset >= 0)
        .sort((a, b) => a.partition - b.partition)
    })
  }

  /** Saves offsets of a group that has no members now. */
  async commit(groupId: string, topic: string, positions: readonly LogPosition[]): Promise<void> {
    await this.attempt(async () => {
      const coordinator = await this.#cluster.findGroupCoordinator({ groupId })
      const partitions = positions.map(({ partition, offset }) => ({ partition, offset: String(offset) }))
      await coordinator.offsetCommit({ groupId, ...SIMPLE_COMMIT, topics: [{ topic, partitions }] })
    })
  }

  /** Bytes on the brokers' disks per topic and partition; of several copies the largest. */
  async bytes(topics: readonly string[]): Promise<number> {
    const largest = new Map<string, number>()
    await this.attempt(async () => {
      largest.clear()
      for (const nodeId of this.#cluster.getNodeIds()) {
        const broker = await this.#cluster.findBroker({ nodeId })
        for (const { topic, partition, bytes } of await logDirectories(broker)) {
          const key = `${topic}/${partition}`
          if (topics.includes(topic)) largest.set(key, Math.max(largest.get(key) ?? 0, bytes))
        }
      }
    })
    return [...largest.values()].reduce((sum, bytes) => sum + bytes, 0)
  }
}

interface Replica {
  topic: string
  partition: number
  bytes: number
}
/** DescribeLogDirs, version 1, which kafkajs does not speak: all topics of a broker with their sizes. */
async function logDirectories(broker: Awaited<ReturnType<KafkaCluster['findBroker']>>): Promise<Replica[]> {
  const all = Buffer.alloc(4)
  all.writeInt32BE(-1)
  const answer = await broker.connectionPool.send({
    // What kafkajs's encoder takes for another encoder.
    request: { apiKey: 35, apiVersion: 1, apiName: 'DescribeLogDirs', encode: async () => ({ buf: all, buffer: all }) },
    response: { decode: async (bytes) => bytes, parse: async (bytes) => parseDirectories(bytes as Buffer) },
  })
  return answer as Replica[]
}
function parseDirectories(bytes: Buffer): Replica[] {
  // Behind the throttle time.
  let at = 4
  const int16 = () => bytes.readInt16BE((at += 2) - 2)
  const int32 = () => bytes.readInt32BE((at += 4) - 4)
  const int64 = () => Number(bytes.readBigInt64BE((at += 8) - 8))
  const text = () => {
    const length = int16()
    return bytes.toString('utf8', at, (at += length))
  }
  const found: Replica[] = []
  for (let directories = int32(); directories > 0; directories--) {
    int16()
    text()
    for (let topics = int32(); topics > 0; topics--) {
      const topic = text()
      for (let partitions = int32(); partitions > 0; partitions--) {
        const partition = int32()
        const size = int64()
        int64()
        at += 1
        found.push({ topic, partition, bytes: size })
      }
    }
  }
  return found
}
