/**
 * The log on Kafka: one topic per topic of ours under a prefix, one group per topic and reader. Acknowledged means that all
 * copies in sync have it; where there is one copy only, that it is on its disk.
 */
import type { Kafka, Producer } from 'kafkajs'
import type { Logger } from 'pino'
import {
  type CheckpointStore,
  type Log,
  type LogConsumer,
  LogError,
  type LogRecord,
  type Topic,
  TOPICS,
} from '@heliograph/crm-core/contracts'
import { addressesOf, asLogError, clusterOf, createKafka, type KafkaCluster } from './kafka-client.ts'
import { createKafkaCheckpoints } from './kafka-checkpoints.ts'
import { createKafkaConsumer } from './kafka-consumer.ts'
import type { KafkaOptions } from './kafka-options.ts'
import { createKafkaProducer, type KafkaProducer } from './kafka-producer.ts'
import { KafkaReader } from './kafka-reader.ts'
import { checkpointTopic, ensureTopics, type KnownTopics, topicName } from './kafka-topics.ts'

/** A consumer waits as long as it takes; an append must tell its device soon. */
const RETRY = { retries: 8, initialRetryTime: 100, maxRetryTime: 2_000, multiplier: 2 }
const APPEND_RETRY = { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000, multiplier: 2 }
const APPEND_TIMEOUT_MS = 6_000

interface Started {
  kafka: Kafka
  /** For appends, which give up sooner. */
  appending: Kafka
  cluster: KafkaCluster
  reader: KafkaReader
  known: KnownTopics
  checkpoints: CheckpointStore
}

export function createKafkaLog(options: KafkaOptions, logger: Logger): Log {
  const producers = new Map<string, KafkaProducer>()
  const consumers = new Set<LogConsumer>()
  const firstTimestamps = new Map<string, { first: number; timestamp?: number }>()
  const name = (topic: Topic): string => topicName(options, topic)
  const groupOf = (topic: Topic, group: string): string => `${name(topic)}.${group}`
  let started: Started | undefined

  const use = (): Started => {
    if (!started) throw new LogError('log_closed', 'the log is not started')
    return started
  }
  async function connectProducer(): Promise<Producer> {
    const producer = use().appending.producer({
      idempotent: true,
      retry: APPEND_RETRY,
      allowAutoTopicCreation: false,
      createPartitioner: () => () => 0,
    })
    await producer.connect()
    return producer
  }
  async function makeTopics(kafka: Kafka): Promise<KnownTopics> {
    const admin = kafka.admin()
    await admin.connect()
    try {
      return await ensureTopics(admin, options, logger)
    } finally {
      await admin.disconnect()
    }
  }
  function producerOf(topic: string, squeeze: boolean): KafkaProducer {
    const { kafka, cluster, reader, known } = use()
    let found = producers.get(topic)
    if (!found) {
      found = createKafkaProducer({
        topic,
        partitions: Math.max(1, reader.partitionsOf(topic).length),
        limit: known.limits.get(topic)!,
        squeeze,
        connect: connectProducer,
        async mend() {
          logger.error({ topic }, 'a topic is gone; making it anew')
          await makeTopics(kafka)
          await cluster.refreshMetadata()
        },
      })
      producers.set(topic, found)
    }
    return found
  }

  return {
    async start() {
      if (started) return
      const learned = () => addressesOf(cluster)
      const kafka = createKafka({ options, logger, retry: RETRY, learned })
      const appending = createKafka({
        options,
        logger,
        retry: APPEND_RETRY,
        requestTimeout: APPEND_TIMEOUT_MS,
        learned,
      })
      const cluster: KafkaCluster = clusterOf(kafka)
      try {
        const known = await makeTopics(kafka)
        await cluster.connect()
        await cluster.addMultipleTargetTopics([...known.limits.keys()])
        const reader = new KafkaReader(cluster)
        const topic = checkpointTopic(options)
        const checkpoints = createKafkaCheckpoints(topic, reader, () => producerOf(topic, true))
        started = { kafka, appending, cluster, reader, known, checkpoints }
      } catch (error) {
        await cluster.disconnect().catch(() => undefined)
        throw asLogError(error)
      }
    },
    async stop() {
      await Promise.all([...consumers].map((consumer) => consumer.stop()))
      await Promise.all([...producers.values()].map((producer) => producer.stop()))
      producers.clear()
      await started?.cluster.disconnect().catch(() => undefined)
      started = undefined
    },
    producer(topic) {
      const producer = (): KafkaProducer => producerOf(name(topic), topic !== TOPICS.raw)
      return {
        append: async (records) => await producer().append(records),
        get pendingBytes() {
          return producers.get(name(topic))?.pendingBytes ?? 0
        },
      }
    },
    consume(consume) {
      const { kafka, reader } = use()
      const consumer = createKafkaConsumer(consume, {
        kafka,
        reader,
        topic: name(consume.topic),
        groupId: groupOf(consume.topic, consume.group),
        onTrouble: (error) =>
          logger.warn(
            { err: error, topic: consume.topic, group: consume.group },
            'Kafka does not answer; trying again',
          ),
        stopped: () => consumers.delete(consumer),
      })
      consumers.add(consumer)
      return consumer
    },
    async *read({ topic, partition, from, to, signal }): AsyncGenerator<LogRecord[]> {
      const { reader } = use()
      const first = (await reader.offsets(name(topic), 'first')).get(partition)
      const next = (await reader.offsets(name(topic), 'next')).get(partition)
      if (first === undefined || next === undefined) return
      const end = Math.min(to, next)
      let at = Math.max(from, first)
      while (at < end && !signal?.aborted) {
        const fetched = await reader.fetch(name(topic), partition, at)
        if (fetched.length === 0) return
        at = Number(fetched.at(-1)!.offset) + 1
        const records = fetched
          .filter(({ offset }) => Number(offset) < end)
          .map(({ offset, key, value, timestamp }) => ({
            offset: Number(offset),
            key: key?.toString() ?? '',
            value: value ?? new Uint8Array(),
            timestamp: Number(timestamp),
          }))
        if (records.length > 0) yield records
      }
    },
    async bounds(topic) {
      const { reader } = use()
      const [first, next] = await Promise.all([
        reader.offsets(name(topic), 'first'),
        reader.offsets(name(topic), 'next'),
      ])
      return await Promise.all(
        [...next]
          .sort(([a], [b]) => a - b)
          .map(async ([partition, end]) => {
            const begin = first.get(partition) ?? 0
            const firstTimestamp = end > begin ? await timestampAt(topic, partition, begin) : undefined
            return { partition, first: begin, next: end, ...(firstTimestamp !== undefined && { firstTimestamp }) }
          }),
      )
    },
    async offsetAt(topic, partition, timestamp) {
      const { reader } = use()
      const found = (await reader.offsets(name(topic), { timestamp })).get(partition) ?? -1
      // Nothing is so young: the next record will be.
      return found >= 0 ? found : ((await reader.offsets(name(topic), 'next')).get(partition) ?? 0)
    },
    committed: (topic, group) => use().reader.committed(groupOf(topic, group), name(topic)),
    seek: (topic, group, position) => use().reader.commit(groupOf(topic, group), name(topic), [position]),
    async trim(topic, { partition, offset }) {
      const { reader } = use()
      const first = (await reader.offsets(name(topic), 'first')).get(partition) ?? 0
      const next = (await reader.offsets(name(topic), 'next')).get(partition) ?? 0
      const before = Math.min(offset, next)
      if (before <= first) return 0
      await reader.trim(name(topic), partition, before)
      return before - first
    },
    size: () => use().reader.bytes(Object.values(TOPICS).map(name)),
    get checkpoints() {
      return use().checkpoints
    },
  }

  /** Read once per first offset: the bounds are asked for every second. */
  async function timestampAt(topic: Topic, partition: number, first: number): Promise<number | undefined> {
    const key = `${topic}/${partition}`
    const known = firstTimestamps.get(key)
    if (known?.first === first) return known.timestamp
    const [record] = await use().reader.fetch(name(topic), partition, first)
    const timestamp = record && Number(record.timestamp)
    if (timestamp !== undefined) firstTimestamps.set(key, { first, timestamp })
    return timestamp
  }
}
