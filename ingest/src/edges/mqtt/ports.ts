import type { ConnectionId, LogProducer, TenantId, Tracing } from '@heliograph/crm-core/contracts'

/** Whose data a sign-in brings. */
export interface MqttIdentity {
  tenantId: TenantId
  connectionId: ConnectionId
  vendor: string
  credentialId: string
}
export interface MqttCredentials {
  /** Undefined for a wrong, revoked or disabled credential. Never answers from a cache older than a second. */
  verify(userName: string, secret: string): Promise<MqttIdentity | undefined>
}
export interface Revocation {
  connectionId: string
  /** Absent: every credential of the connection. */
  credentialIds?: readonly string[]
}
export interface Revocations {
  /** Returns the function that ends it. */
  subscribe(listener: (revocation: Revocation) => void): () => void
}

/** A device has signed in: whatever session another edge holds under this name is over. */
export interface Takeover {
  /** Connection and client id, as the edges name sessions. */
  clientId: string
  /** UTC ms, by the clock of the edge it is at now. */
  at: number
}
/** How several edges behind one address keep the promise of MQTT that a client id has one session (MQTT-3.1.4-2). */
export interface Takeovers {
  /** Tells the other edges. */
  tell(takeover: Takeover): void
  /** Hears the other edges, never one's own. Returns the function that ends it. */
  subscribe(listener: (takeover: Takeover) => void): () => void
}

export type MqttCounter =
  | 'helio_ingest_received_messages_total'
  | 'helio_ingest_acknowledged_messages_total'
  | 'helio_ingest_rejected_messages_total'
  | 'helio_mqtt_refused_total'
  | 'helio_mqtt_disconnects_total'
  | 'helio_mqtt_downlinks_total'
  | 'helio_mqtt_append_failures_total'
export interface MqttCounters {
  inc(name: MqttCounter, labels: Readonly<Record<string, string>>, n: number): void
}

/** Why something was refused; the `reason` label of the counters. */
export const REFUSALS = [
  'protocol-version',
  'client-id',
  'no-credentials',
  'wrong-credentials',
  'too-many-failures',
  'revoked',
  'connect-rate',
  'too-many-sockets',
  'too-many-sessions',
  'unavailable',
  'will',
  'topic',
  'reserved-topic',
  'foreign-topic',
  'subscription',
  'payload-too-large',
  'frame-too-large',
  'partial-frames',
  'not-connect',
  'protocol',
  'log',
] as const
export type RefusalReason = (typeof REFUSALS)[number]

/** Refused access, told to the audit trail at most once a minute per (reason, user name, address), with how often. */
export interface MqttRefusal {
  reason: RefusalReason
  at: number
  /** Refusals since the last one told, this one included. */
  count: number
  address: string
  userName?: string
  tenantId?: TenantId
  connectionId?: ConnectionId
  topic?: string
}

export interface MqttEdgeDeps {
  /** Producer of the `raw` topic. */
  producer: LogProducer
  credentials: MqttCredentials
  revocations: Revocations
  /** Absent: there is no other edge. */
  takeovers?: Takeovers
  metrics: MqttCounters
  audit(refusal: MqttRefusal): void
  /** Part of the raw log's key, read from the topic alone (the vendor file's `shard`). */
  shard(vendor: string, topic: string): string
  /** Topics that may be sent to this vendor's devices, and so subscribed to, as patterns. */
  downlinkTopics(vendor: string): readonly string[]
  /** Whether this vendor's devices can have published to the topic (never asked of one beginning with `$`). Absent: any. */
  mayPublish?(vendor: string, topic: string): boolean
  /** True while the line behind the log is so far behind, or the disk so full, that devices must wait. */
  pressure?(): boolean
  clock: { now(): number }
  /** Absent: nothing is traced. */
  tracing?: Tracing
}
