/** What is stamped on every message of one topic, made on its first one. */
import {
  type AppendRecord,
  createRawStamper,
  encodeRaw,
  type ConnectionId,
  type RawHeader,
  type TenantId,
  type TraceStep,
  type Tracing,
} from '@heliograph/crm-core/contracts'

export interface TopicStamp {
  key: string
  stamp(receivedAt: number, body: Uint8Array): Uint8Array
  /** What every message of the topic has in common. */
  header: Omit<RawHeader, 'receivedAt'>
}
/** Whose messages they are. */
export interface StampOwner {
  tenantId: TenantId
  connectionId: ConnectionId
  vendor: string
}
/** Part of the raw log's key, read from the topic alone (the vendor file's `shard`). */
export type ShardOf = (vendor: string, topic: string) => string

/** Topics of one sender whose stamp is kept ready. Who publishes more only loses the shortcut. */
const KEPT_TOPICS = 256

/** Bytes of pooled memory: a record lives until its append is settled, about a millisecond. */
const pooled = (size: number): Uint8Array => Buffer.allocUnsafe(size)

/** @param kept stamps of this sender; retained messages are rare and kept apart from them */
export function topicStamp(
  kept: Map<string, TopicStamp>,
  owner: StampOwner,
  transport: 'mqtt' | 'broker',
  topic: string,
  retain: boolean,
  shard: ShardOf,
): TopicStamp {
  const { tenantId, connectionId, vendor } = owner
  const header = { tenantId, connectionId, vendor, transport, topic, ...(retain && { retain }) } as const
  const made: TopicStamp = {
    key: `${connectionId}/${shardOf(vendor, topic, shard)}`,
    stamp: createRawStamper(header, pooled),
    header,
  }
  if (retain) return made
  if (kept.size >= KEPT_TOPICS) kept.clear()
  kept.set(topic, made)
  return made
}

/** Begins the trace of one message in so many; undefined for all others. */
export function beginReceive(
  tracing: Tracing | undefined,
  { header }: TopicStamp,
  bytes: number,
): TraceStep | undefined {
  return tracing?.begin('ingest.receive', {
    transport: header.transport,
    tenant: header.tenantId,
    vendor: header.vendor,
    bytes,
  })
}
/** A message as the log keeps it. @param receivedAt UTC milliseconds @param step where it is traced */
export const stampedRecord = (
  { key, header, stamp }: TopicStamp,
  receivedAt: number,
  body: Uint8Array,
  step: TraceStep | undefined,
): AppendRecord => {
  if (!step) return { key, value: stamp(receivedAt, body) }
  const { traceparent } = step
  return { key, value: encodeRaw({ ...header, receivedAt, traceparent }, body), traceparent }
}

/** A topic that the vendor's file stumbles over must not stop the edge: it goes to the connection's common shard, always. */
function shardOf(vendor: string, topic: string, shard: ShardOf): string {
  try {
    return shard(vendor, topic)
  } catch {
    return ''
  }
}
