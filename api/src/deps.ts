import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import type { Registry } from 'prom-client'
import type { Crm } from '@heliograph/crm-core'
import type {
  BrokerStatus,
  ConnectionId,
  CrmDatabase,
  CrmReader,
  DomainEvent,
  LiveAudience,
  LiveBus,
  Tracing,
  LogProducer,
  MessageReport,
  RawMessage,
  ReportRequest,
  TenantId,
  CurveSource,
  Warehouse,
} from '@heliograph/crm-core/contracts'

/** One line of `/readyz`. `down` parts make the process `degraded`, or not ready when they are `vital`. */
export interface PartStatus {
  name: string
  state: 'ok' | 'degraded' | 'down'
  /** Records behind; of a part that is down the last that is known, null where nothing is. */
  lag: number | null
  /** One line for a person. */
  detail?: string
  /** Of a part that has an end: the share that is done, 0 to 1. */
  progress?: number
  /** Without it this process can neither accept nor answer. */
  vital?: boolean
}
export interface StatusProvider {
  /** Resolves when everything that had come in is decoded, stored and rolled up. */
  settle(): Promise<void>
  /** Answers from memory or within a moment; never throws. */
  parts(): Promise<PartStatus[]>
  /** Append time of the oldest raw message still kept, UTC milliseconds. */
  replayableFrom?(): Promise<number | undefined>
}

/** One vendor as people read about it; the ingest stage's own definition has all of this. */
export interface VendorInfo {
  id: string
  name: string
  transports: readonly string[]
  topics?: readonly string[]
  guide: readonly string[]
  paste?: readonly { label: string; transport: string; scheme?: string; text: string }[]
}

/** Domain events as they are published, for what must happen at once in this process (open sockets are judged again). */
export interface DomainEvents {
  subscribe(listener: (event: DomainEvent) => void): () => void
}

/** What `verify` compared. Counts, and examples of what differs. */
export interface VerifyReport {
  ok: boolean
  /** Roll-ups recomputed from raw readings. */
  rollups: { windows: number; buckets: number; differences: number; examples: Record<string, unknown>[] }
  /** Readings of the log that the store says it has, looked up in the store. */
  log: { records: number; checked: number; refused: number; missing: number; examples: Record<string, unknown>[] }
  deadLetters: { records: number; checked: number; missing: number }
}
export interface ExportedTable {
  name: string
  columns: string[]
  partitions: { file: string; rows: number }[]
}
/** What only the instance as a whole can do: asked by the operator's tool through the admin socket. */
export interface Operations {
  /** @param options windows of roll-ups to recompute, and records of the log to look up at most */
  verify(options: { windows: number; records: number }): Promise<VerifyReport>
  /** Writes the warehouse's tables as files into a folder of this machine. @throws ProblemError where the engine is not embedded */
  exportWarehouse(folder: string): Promise<{ tables: ExportedTable[]; migrations: string[] }>
  /** Domain events and anchors wait in the database until released, at most for a few minutes. */
  holdEvents(): Promise<void>
  releaseEvents(): void
  /** The newest head of a tenant's audit trail that was written down on the log. */
  auditAnchor(tenantId: TenantId): Promise<{ seq: number; hash: string } | undefined>
}

export interface ApiDeps {
  db: CrmDatabase
  /** The services over `db`. */
  crm: Crm
  /** Credential checks of the edge: reads what is committed, caches nothing. */
  reader: CrmReader
  warehouse: Warehouse
  /** Asked for raw curves of the last days, where an engine of its own has them. */
  curves?: CurveSource
  live: LiveBus
  /** Told how closely live values are looked at whenever that changes: what nobody sees need not come ten times a second. */
  onAudience?(audience: LiveAudience): void
  /** Absent: nothing is traced. */
  tracing?: Tracing
  events: DomainEvents
  /** Producer of `raw` on the lane of this process. */
  raw: LogProducer
  /** The message at a place of the raw log; undefined where it is kept no longer. Absent: nobody can look. */
  readRaw?(partition: number, offset: number): Promise<RawMessage | undefined>
  /** The newest messages of one connection among the last some thousand of all, newest first. Absent: nobody can look. */
  recentRaw?(
    connectionId: ConnectionId,
    limit: number,
  ): Promise<{ messages: (RawMessage & { partition: number; offset: number })[]; scanned: number }>
  metrics: Registry
  status: StatusProvider
  /** What an SMS provider's call says; undefined where its signature is wrong. Absent: no provider reports here. */
  readSmsReport?(request: ReportRequest): MessageReport | undefined
  /** Told of every report that was taken. */
  onSmsReport?(report: MessageReport): void
  /** Vendors whose messages the line understands; the list of the ingest stage. */
  vendors?: readonly VendorInfo[]
  /** Ways in that something serves; a connection by another one cannot be made. Absent: all. */
  servedTransports?: readonly string[]
  /** How a connection to a tenant's own broker stands; undefined where nobody has said. Absent: nobody serves any. */
  brokerStatus?(connectionId: string): BrokerStatus | undefined
  /** Absent where processes are wired one by one. */
  operations?: Operations
  /** Seconds a sender should wait where the line behind the log is too far behind or the disk too full; undefined: go on. */
  ingestPressure?: () => number | undefined
  /** UTC milliseconds. */
  now?: () => number
}

export interface ApiLimits {
  /** Bytes of a JSON body of the API. */
  bodyBytes: number
  /** Bytes of an ingest body, packed and unpacked alike. */
  ingestBodyBytes: number
  /** Bytes accepted and not yet on disk above which ingest answers 503. */
  ingestPendingBytes: number
  /** Requests of one caller in a minute. */
  requestsPerMinute: number
  /** Requests of all callers that this process answers at one time. */
  requestsAtOnce: number
  /** Wrong sign-ins for one account, and from one address, in 15 minutes. */
  loginFailuresPerAccount: number
  loginFailuresPerAddress: number
  /** Open live sockets of this process. */
  sockets: number
  /** Subscriptions of one socket. */
  subscriptionsPerSocket: number
  /** Bytes waiting in a socket above which it is conflated for instead of written to. */
  slowSocketBytes: number
  /** Milliseconds a socket may stay that slow before it is closed. */
  slowSocketMs: number
}
export const API_LIMITS: ApiLimits = {
  bodyBytes: 1024 * 1024,
  ingestBodyBytes: 8 * 1024 * 1024,
  ingestPendingBytes: 64 * 1024 * 1024,
  requestsPerMinute: 6000,
  requestsAtOnce: 1000,
  loginFailuresPerAccount: 10,
  loginFailuresPerAddress: 50,
  sockets: 5000,
  subscriptionsPerSocket: 50,
  slowSocketBytes: 1024 * 1024,
  slowSocketMs: 15_000,
}

export interface ApiConfig {
  /** Where people and vendors reach this server; decides `Secure` cookies, the allowed origin and signed webhook URLs. */
  publicUrl: string
  /** `HELIO_SECRET`: seals cursors and opens the secrets of connections. */
  secret: string
  /** Addresses (CIDR) of proxies whose `X-Forwarded-*` are believed. Default: none. */
  trustProxy?: string[]
  limits?: Partial<ApiLimits>
  /** Bearer token that opens `/metrics` to other machines; without it loopback alone. */
  metricsToken?: string
  /** Module that exports SvelteKit's `handler`; absent: no page is served. */
  page?: string
  /** Origins that pages may load map tiles and styles from, beside our own. */
  mapOrigins?: string[]
  /** Where devices reach the MQTT edge, told to who sets them up; absent: no edge of ours. */
  mqtt?: { port: number; tlsPort?: number }
  /** Style of the map for those who run tiles of their own; absent: outlines that come with the pages. */
  mapStyleUrl?: string
  /** Whether a request came in by the admin socket: it has every right, in the tenant that `x-helio-tenant` names. */
  isLocalAdmin?: (request: FastifyRequest) => boolean
  logger?: FastifyBaseLogger
}
