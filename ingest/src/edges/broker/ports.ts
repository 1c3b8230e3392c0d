import type { ConnectionId, LogProducer, Tracing } from '@heliograph/crm-core/contracts'
import type { ShardOf } from '../topic-stamp.ts'
import type { Dial } from './dial.ts'

export type BrokerCounter =
  | 'helio_ingest_received_messages_total'
  | 'helio_ingest_acknowledged_messages_total'
  | 'helio_ingest_rejected_messages_total'
  | 'helio_mqtt_append_failures_total'
  | 'helio_mqtt_downlinks_total'
  | 'helio_broker_connects_total'
  | 'helio_broker_disconnects_total'
export interface BrokerCounters {
  inc(name: BrokerCounter, labels: Readonly<Record<string, string>>, n: number): void
}

export type BrokerState = 'connected' | 'connecting' | 'failed'
/** What is said of one subscription. */
export interface BrokerWord {
  state: BrokerState
  /** UTC milliseconds. */
  since: number
  /** What is wrong, also of a connected one where a part is refused. */
  code?: string
  message?: string
  version?: '5' | '3.1.1'
}
export interface BrokerReport extends BrokerWord {
  connectionId: ConnectionId
  slot: number
}

export interface BrokerEdgeDeps {
  /** Producer of the `raw` topic. */
  producer: LogProducer
  metrics: BrokerCounters
  dial: Dial
  shard: ShardOf
  /** Whether this vendor's devices can have published to the topic: a broad filter brings what is not theirs. */
  mayPublish(vendor: string, topic: string): boolean
  /** Topics that may be sent to this vendor's devices, as patterns. */
  downlinkTopics(vendor: string): readonly string[]
  /** True while the line behind the log is so far behind, or the disk so full, that senders must wait. */
  pressure?(): boolean
  /** Something changed in what `reports` says. */
  onChange?(): void
  clock: { now(): number }
  /** From 0 to 1. */
  random(): number
  /** Absent: nothing is traced. */
  tracing?: Tracing
}
