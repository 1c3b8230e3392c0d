/**
 * kafkajs as this product uses it: its logger, its codecs, and the parts of it that have no public door. The package is pinned and
 * no longer changes, and this file is the only one that reaches into it.
 */
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import kafkajs, { type Kafka, type RetryOptions } from 'kafkajs'
import type { Logger } from 'pino'
import { LogError } from '@heliograph/crm-core/contracts'
import { kafkaConfig, type KafkaOptions } from './kafka-options.ts'

const { CompressionCodecs, CompressionTypes, logLevel } = kafkajs

interface RequestQueue {
  pending: unknown[]
  throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}
const CHECK_AGAIN_MS = 10

/**
 * Each connection sets a timer every millisecond for as long as it lives, with a time-out below zero, which takes a tenth of
 * a processor and fills the log with warnings. One is needed only where requests wait.
 */
const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as {
  prototype: RequestQueue
}
prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
  if (this.throttleCheckTimeoutId || this.pending.length === 0) return
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    },
    Math.max(CHECK_AGAIN_MS, this.throttledUntil - Date.now()),
  )
}

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)
/** The lowest level packs faster than any network carries, off the event loop. */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
/** Twice the largest record; what claims to be more is no batch of ours. */
const MAX_UNPACKED_BYTES = 128 * 1024 * 1024
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: ({ buffer }: { buffer: Buffer }) => compress(buffer, LEVEL),
  decompress: (buffer: Buffer) => decompress(buffer, { maxOutputLength: MAX_UNPACKED_BYTES }),
})

export interface FetchedRecord {
  offset: string
  timestamp: string
  key: Buffer | null
  value: Buffer | null
}
interface PartitionOffset {
  partition: number
  offset: string
}
export interface KafkaBroker {
  fetch(request: {
    maxWaitTime: number
    minBytes: number
    maxBytes: number
    isolationLevel: number
    topics: { topic: string; partitions: { partition: number; fetchOffset: string; maxBytes: number }[] }[]
  }): Promise<{
    responses: { partitions: { partition: number; highWatermark: string; messages: FetchedRecord[] }[] }[]
  }>
  offsetFetch(request: { groupId: string; topics: { topic: string; partitions: { partition: number }[] }[] }): Promise<{
    responses: { partitions: PartitionOffset[] }[]
  }>
  offsetCommit(request: {
    groupId: string
    groupGenerationId: number
    memberId: string
    topics: { topic: string; partitions: PartitionOffset[] }[]
  }): Promise<unknown>
  deleteRecords(request: { topics: { topic: string; partitions: PartitionOffset[] }[] }): Promise<unknown>
  connectionPool: {
    send(request: {
      request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<unknown> }
      response: { decode(bytes: Buffer): Promise<unknown>; parse(decoded: unknown): Promise<unknown> }
    }): Promise<unknown>
  }
}
/** One client's view of the brokers: what kafkajs's producers and consumers are made of. */
export interface KafkaCluster {
  brokerPool: { metadata: { brokers: { host: string; port: number }[] } | null }
  connect(): Promise<void>
  disconnect(): Promise<void>
  isConnected(): boolean
  refreshMetadata(): Promise<void>
  removeBroker(broker: { host: string; port: number }): void
  addMultipleTargetTopics(topics: string[]): Promise<void>
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[]
  findBroker(node: { nodeId: number | string }): Promise<KafkaBroker>
  findGroupCoordinator(group: { groupId: string }): Promise<KafkaBroker>
  getNodeIds(): string[]
  fetchTopicsOffset(
    topics: {
      topic: string
      partitions: { partition: number }[]
      fromBeginning?: boolean
      fromTimestamp?: number
    }[],
  ): Promise<{ topic: string; partitions: PartitionOffset[] }[]>
}

interface KafkaSettings {
  options: KafkaOptions
  logger: Logger
  retry: RetryOptions
  /** How long a broker that took a request may say nothing, milliseconds. */
  requestTimeout?: number
  /** Brokers that became known since, `host:port`: a new connection begins with any of them where those of the setting are gone. */
  learned?(): readonly string[]
}
export function createKafka({
  options,
  logger,
  retry,
  requestTimeout = 15_000,
  learned = () => [],
}: KafkaSettings): Kafka {
  return new kafkajs.Kafka({
    ...kafkaConfig(options),
    brokers: () => [...new Set([...options.brokers, ...learned()])],
    clientId: options.prefix,
    connectionTimeout: 5_000,
    authenticationTimeout: 5_000,
    requestTimeout,
    retry,
    logLevel: logLevel.WARN,
    // Its errors are retries that may well succeed; what fails for good is told by whoever waited for it.
    logCreator:
      () =>
      ({ label, log: { message, ...rest } }) =>
        logger.debug({ kafka: label, ...pick(rest) }, message),
  })
}
const pick = ({ groupId, topic, partition, broker, error }: Record<string, unknown>): Record<string, unknown> => ({
  groupId,
  topic,
  partition,
  broker,
  error,
})

export function clusterOf(kafka: Kafka): KafkaCluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )
  const make = (kafka as unknown as Record<symbol, (options: object) => KafkaCluster>)[symbol!]!
  return make({ metadataMaxAge: 60_000, allowAutoTopicCreation: false, isolationLevel: 0 })
}

/** Every broker the cluster named when it was last asked, `host:port`. */
export const addressesOf = (cluster: KafkaCluster): string[] =>
  (cluster.brokerPool.metadata?.brokers ?? []).map(({ host, port }) => `${host}:${port}`)

interface KafkaError extends Error {
  type?: string
  code?: string | number
  retriable?: boolean
  errors?: unknown[]
  host?: string
  port?: number
}
/** The innermost error: kafkajs wraps what happened in what it did about it. */
export function causeOf(error: unknown): KafkaError {
  const { cause, errors } = error as KafkaError
  const inner = cause ?? errors?.[0]
  return inner instanceof Error ? causeOf(inner) : (error as KafkaError)
}

export function asLogError(error: unknown): LogError {
  if (error instanceof LogError) return error
  const cause = causeOf(error)
  if (cause.type === 'MESSAGE_TOO_LARGE' || cause.type === 'RECORD_LIST_TOO_LARGE')
    return new LogError('log_too_large', `Kafka refuses a record as too large: ${cause.message}`, { cause: error })
  if (cause.type === 'KAFKA_STORAGE_ERROR')
    return new LogError('log_full', 'a broker cannot write to its disk', { cause: error })
  return new LogError('log_unavailable', `Kafka: ${cause.message || cause.name}`, { cause: error })
}
