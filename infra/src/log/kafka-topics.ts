/** The topics of an instance: made where they are missing, and looked at where somebody else made them. */
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs, { type Admin, type ITopicConfig } from 'kafkajs'
import type { Logger } from 'pino'
import { type Topic, TOPICS } from '@heliograph/crm-core/contracts'
import { causeOf } from './kafka-client.ts'
import type { KafkaOptions } from './kafka-options.ts'

/** The largest record, with room for its batch's head. */
export const MAX_RECORD_BYTES = 32 * 1024 * 1024
const MAX_BATCH_BYTES = MAX_RECORD_BYTES + 64 * 1024
const MOST_COPIES = 3
const CHECKPOINTS = 'checkpoints'
const LEADERS_MS = 15_000
const LOOK_EVERY_MS = 50
const NOT_YET = ['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']
/** What brokers may pack batches with; `producer` leaves it to whoever writes. */
const READABLE = ['zstd', 'uncompressed', 'gzip', 'producer']
/** Only these are many; the others keep one order for all. */
const PARTITIONED: readonly Topic[] = [TOPICS.raw, TOPICS.readings, TOPICS.replayed]

export const topicName = ({ prefix }: KafkaOptions, topic: Topic): string => `${prefix}.${topic}`
export const checkpointTopic = ({ prefix }: KafkaOptions): string => `${prefix}.${CHECKPOINTS}`

export interface KnownTopics {
  /** Bytes that a batch of a topic may have, by its name in the cluster. */
  limits: Map<string, number>
}

/** A topic that exists would lose what is written to it. */
export class TopicFaultError extends Error {
  override name = 'TopicFaultError'
}

/** @throws TopicFaultError */
export async function ensureTopics(admin: Admin, options: KafkaOptions, logger: Logger): Promise<KnownTopics> {
  const names = [...Object.values(TOPICS).map((topic) => topicName(options, topic)), checkpointTopic(options)]
  const existing = new Set(await admin.listTopics())
  const missing = names.filter((name) => !existing.has(name))
  if (missing.length > 0) {
    const { brokers } = await admin.describeCluster()
    const copies = options.replication ?? Math.min(MOST_COPIES, brokers.length)
    await admin.createTopics({ topics: missing.map((name) => wanted(name, options, copies)), waitForLeaders: false })
  }
  await led(admin, names)
  return { limits: await examine(admin, options, names, logger) }
}

/** A topic that was just made is not known to all brokers at once, and has no leader at first. */
async function led(admin: Admin, names: string[]): Promise<void> {
  for (const deadline = Date.now() + LEADERS_MS; ; await sleep(LOOK_EVERY_MS)) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: names })
      if (topics.every(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0)))
        return
      if (Date.now() > deadline) throw new Error(`topics have no leader after ${LEADERS_MS} ms: are brokers missing?`)
    } catch (error) {
      const { type = '' } = causeOf(error)
      if (!NOT_YET.includes(type) || Date.now() > deadline) throw error
    }
  }
}

function wanted(topic: string, options: KafkaOptions, copies: number): ITopicConfig {
  const entries: Record<string, string> = {
    'max.message.bytes': String(MAX_BATCH_BYTES),
    // The brokers' clock, so that a producer's wrong one cannot hide records from a search by time.
    'message.timestamp.type': 'LogAppendTime',
    // Whatever somebody else writes here, the brokers pack it as we do: a batch that nobody can unpack would stop its readers.
    'compression.type': topic === topicName(options, TOPICS.raw) ? 'uncompressed' : 'zstd',
    'unclean.leader.election.enable': 'false',
    'min.insync.replicas': String(copies > 2 ? 2 : 1),
    // A single copy is on disk before it is acknowledged; several are in the memory of several machines.
    ...(copies === 1 && { 'flush.messages': '1' }),
    ...(topic === checkpointTopic(options)
      ? {
          'cleanup.policy': 'compact',
          // Rolled and compacted often: a starting process reads all of it.
          'segment.bytes': String(16 * 1024 * 1024),
          'min.cleanable.dirty.ratio': '0.1',
        }
      : {
          'cleanup.policy': 'delete',
          // Our own retention knows what is handled, and trims.
          'retention.ms': '-1',
          'retention.bytes': '-1',
          'segment.bytes': String(128 * 1024 * 1024),
        }),
  }
  return {
    topic,
    numPartitions: PARTITIONED.some((each) => topicName(options, each) === topic) ? options.partitions : 1,
    replicationFactor: copies,
    configEntries: Object.entries(entries).map(([name, value]) => ({ name, value })),
  }
}

async function examine(
  admin: Admin,
  options: KafkaOptions,
  names: string[],
  logger: Logger,
): Promise<Map<string, number>> {
  const described = await admin.describeConfigs({
    includeSynonyms: false,
    resources: names.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })),
  })
  const limits = new Map<string, number>()
  for (const { resourceName: topic, configEntries } of described.resources) {
    const setting = (name: string) => configEntries.find(({ configName }) => configName === name)?.configValue
    const keepsState = topic === checkpointTopic(options)
    const policy = setting('cleanup.policy') ?? ''
    if (policy.includes('compact') !== keepsState)
      throw new TopicFaultError(
        keepsState
          ? `topic ${topic} needs cleanup.policy=compact, or checkpoints are forgotten`
          : `topic ${topic} has cleanup.policy=${policy}, which throws records away; set it to delete`,
      )
    const packing = setting('compression.type') ?? 'producer'
    if (!READABLE.includes(packing))
      throw new TopicFaultError(
        `topic ${topic} has compression.type=${packing}, which is not read here; set it to zstd or uncompressed`,
      )
    const retention = Number(setting('retention.ms') ?? -1)
    if (!keepsState && retention >= 0)
      logger.warn(
        { topic, 'retention.ms': retention },
        'Kafka forgets records of this topic whether or not they are handled',
      )
    const limit = Number(setting('max.message.bytes') ?? MAX_BATCH_BYTES)
    if (limit < MAX_BATCH_BYTES)
      logger.warn({ topic, 'max.message.bytes': limit }, 'larger messages than Kafka takes here are refused')
    limits.set(topic, Math.min(limit, MAX_BATCH_BYTES))
  }
  const { topics } = await admin.fetchTopicMetadata({ topics: names })
  for (const { name, partitions } of topics) {
    const copies = Math.min(...partitions.map(({ replicas }) => replicas.length))
    const expected = PARTITIONED.some((each) => topicName(options, each) === name) ? options.partitions : 1
    if (partitions.length !== expected)
      logger.warn(
        { topic: name, partitions: partitions.length, expected },
        'the topic has another number of partitions',
      )
    if (options.replication !== undefined && copies < options.replication)
      logger.warn({ topic: name, replication: copies, expected: options.replication }, 'the topic has fewer copies')
  }
  return limits
}
