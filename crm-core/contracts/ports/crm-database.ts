/**
 * The CRM's database. Promises, each in the conformance suite: a caller reads and changes rows of its own tenant and of
 * its own visibility alone, whatever the query says; every change writes its audit entry and its events in the same
 * transaction or not at all; event versions grow by one in commit order; a saved consumer offset and its effects stand or
 * fall together.
 */
import type { OrgUnitId, CustomerId, TenantId } from '../ids.ts'
import type { DomainEvent, RegistrySnapshot } from '../registry.ts'
import type { ApiKeyScope, Permission } from '../roles.ts'
import type { BrokerSettings, WebhookScheme } from '../resources/connections.ts'
import type { CrmRows } from './crm-rows.ts'

export type TableName = keyof CrmRows
export type Row<T extends TableName> = CrmRows[T]

/** One role of a caller: what it permits, and where. */
export interface Grant {
  permissions: ReadonlySet<Permission>
  /** `tenant`: everywhere. Otherwise under these units, and at these customers' sites. */
  reach: 'tenant' | 'limited'
  orgUnitIds: readonly OrgUnitId[]
  customerIds: readonly CustomerId[]
  /** Held as a customer, in the portal. */
  portal?: boolean
}
/** Whose rights a request has. Made by the caller resolution of crm-core, never by hand. */
export interface Caller {
  kind: 'user' | 'apiKey' | 'operator' | 'local' | 'system'
  /** User id, API key id, or a name of the part of the system. */
  id: string
  /** Absent for `local`, `system` and `operator`: they are bound to no tenant. */
  tenantId?: TenantId
  /** Union over all grants. */
  permissions: ReadonlySet<Permission>
  /** `tenant`: all sites; otherwise the sites under `orgUnitIds` and those of `customerIds`. */
  siteScope: 'tenant' | 'limited'
  orgUnitIds: readonly OrgUnitId[]
  customerIds: readonly CustomerId[]
  /** One per role, to narrow a caller to the places where it holds one permission. */
  grants: readonly Grant[]
  sessionId?: string
  scopes?: readonly ApiKeyScope[]
  /** All its rights are a customer's: what is written for staff (inner comments, connections, people) is not there. */
  portal?: boolean
  origin?: CallerOrigin
  /** For parts of the system that act for somebody: the name that the audit trail keeps. */
  onBehalfOf?: { kind: Caller['kind']; id: string }
}
export interface CallerOrigin {
  address?: string
  userAgent?: string
  requestId?: string
}

type Comparison<V> = {
  not?: V | null
  in?: readonly V[]
  notIn?: readonly V[]
  lt?: V
  lte?: V
  gt?: V
  gte?: V
  contains?: V extends string ? string : never
  startsWith?: V extends string ? string : never
}
/** Conditions over the columns of one table; several keys mean "and". JSON columns cannot be asked. */
export type Where<T extends TableName> = {
  [Column in keyof Row<T>]?: Row<T>[Column] | null | Comparison<NonNullable<Row<T>[Column]>>
} & { AND?: Where<T>[]; OR?: Where<T>[]; NOT?: Where<T> }
export type OrderBy<T extends TableName> = readonly (readonly [keyof Row<T> & string, 'asc' | 'desc'])[]

export interface FindQuery<T extends TableName> {
  where?: Where<T>
  /** Default: by primary key. The primary key is always added, so that an order is total. */
  orderBy?: OrderBy<T>
  /** Default and most: 1 000 for `find`, 500 for `page`. */
  limit?: number
}
export interface PageQuery<T extends TableName> extends FindQuery<T> {
  /** `nextCursor` of the page before; good only for the same table and order. */
  cursor?: string
}
export interface Page<Item> {
  items: Item[]
  nextCursor: string | null
}

export interface ReadDb {
  readonly caller: Caller
  find<T extends TableName>(table: T, query?: FindQuery<T>): Promise<Row<T>[]>
  /** Everything that matches, in as many reads as it takes; for small sets and for jobs. Refuses more than 200 000 rows. */
  all<T extends TableName>(table: T, where?: Where<T>): Promise<Row<T>[]>
  /** @throws ProblemError `invalid_cursor` */
  page<T extends TableName>(table: T, query: PageQuery<T>): Promise<Page<Row<T>>>
  first<T extends TableName>(table: T, where: Where<T>): Promise<Row<T> | undefined>
  /** By primary key. @throws ProblemError `not_found` for what is not there or may not be seen */
  get<T extends TableName>(table: T, id: string): Promise<Row<T>>
  count<T extends TableName>(table: T, where?: Where<T>): Promise<number>
  /** UTC milliseconds by the database's clock, the only one that all processes share: those of machines differ. */
  clock(): Promise<number>
}

/** Filled in by the layer: id, tenant, version, times. The tenant is given by callers bound to none. */
type Given = 'id' | 'tenantId' | 'version' | 'createdAt' | 'updatedAt'
type Nullable<R> = { [K in keyof R]: null extends R[K] ? K : never }[keyof R]
export type NewRow<T extends TableName> = Omit<Row<T>, Given | Nullable<Row<T>>> &
  Partial<Pick<Row<T>, (Given | Nullable<Row<T>>) & keyof Row<T>>>
export type Changes<T extends TableName> = Partial<Omit<Row<T>, Given>>

/** An event before it has its version. */
export type NewEvent = DomainEvent extends infer E
  ? E extends DomainEvent
    ? Omit<E, 'version' | 'at' | 'tenantId'> & { tenantId?: TenantId }
    : never
  : never

export interface WriteOptions {
  /** The version the caller has read. @throws ProblemError `stale` (412) when it has changed since */
  ifVersion?: number
}
export interface WriteTx extends ReadDb {
  /** @throws ProblemError `conflict` on a taken unique value, `not_found` where a reference may not be seen */
  create<T extends TableName>(table: T, values: NewRow<T>): Promise<Row<T>>
  createMany<T extends TableName>(table: T, values: NewRow<T>[]): Promise<Row<T>[]>
  /** Writes what differs; nothing differs: nothing is written and the version stays. */
  update<T extends TableName>(table: T, id: string, changes: Changes<T>, options?: WriteOptions): Promise<Row<T>>
  /** @throws ProblemError `in_use` while something refers to it */
  remove<T extends TableName>(table: T, id: string, options?: WriteOptions): Promise<void>
  removeWhere<T extends TableName>(table: T, where: Where<T>): Promise<number>
  /** Changes many rows at once: of a bookkeeping table, or columns that no audit trail keeps; refused for all others. */
  updateWhere<T extends TableName>(table: T, where: Where<T>, changes: Changes<T>): Promise<number>
  /** Puts an event into the outbox, in the order of the calls. */
  emit(event: NewEvent): void
  /** An audit entry for an act that changes no row (sign-in, export, reveal). */
  audit(entry: AuditNote): void
  /** Next number of a sequence, from 1. */
  next(sequence: string): Promise<number>
  /**
   * Saves how far a consumer has come, as part of this transaction.
   * @returns false where this offset was already saved: the records' effects are there, do nothing
   */
  advance(position: ConsumerPosition): Promise<boolean>
}
export interface AuditNote {
  action: string
  resource: string
  resourceId?: string
  details?: Record<string, unknown>
  tenantId?: TenantId
}
/** `offset` is the next record to be handled, `from` the first one of this batch. */
export interface ConsumerPosition {
  topic: string
  consumer: string
  partition: number
  offset: number
}

export interface ScopedDb extends ReadDb {
  /**
   * One short transaction; nothing in `work` may wait for anything but `tx`. Writers queue. Tried again on a deadlock or a
   * lost connection, so `work` may run twice: it must touch nothing but `tx`.
   */
  transaction<R>(work: (tx: WriteTx) => Promise<R>): Promise<R>
}
/** Bound to no tenant: for consumers, relays and jobs that serve no caller. `create` needs a `tenantId`. */
export type SystemDb = ScopedDb

export interface CrmDatabase {
  /** Connects and applies pending migrations, under a lock. */
  start(): Promise<void>
  stop(): Promise<void>
  health(): Promise<{ ok: boolean; detail?: string }>
  as(caller: Caller): ScopedDb
  readonly system: SystemDb
  /** System rights inside one tenant: what services do on behalf of a tenant beyond one caller's rights. */
  systemIn(tenantId: TenantId, part: string): ScopedDb
  /** Writes down an access that was refused. Never throws; a flood of the same refusal is written once a minute. */
  denied(caller: Caller | undefined, note: AuditNote): Promise<void>
}

/** A credential as an edge checks it. */
export interface ConnectionAccess {
  connectionId: string
  tenantId: TenantId
  name: string
  vendor: string
  transport: 'mqtt' | 'webhook' | 'broker' | 'poll' | 'http'
  siteId: string | null
  enabled: boolean
  username: string
  scheme: WebhookScheme | null
  headerName: string | null
  /** Those valid at the instant asked for. */
  credentials: { id: string; secretHash: string | null; secretCipher: string | null; validTo: number | null }[]
}
/** A tenant's own broker, as an edge subscribes to it. */
export interface BrokerAccess {
  connectionId: string
  tenantId: TenantId
  vendor: string
  /** Of the connection, not of the broker: unique, and never changes. */
  username: string
  /** False also while its tenant is suspended. */
  enabled: boolean
  broker: BrokerSettings
  /** The password's cipher, where there is one. */
  secretCipher: string | null
}
export interface ApiKeyAccess {
  keyId: string
  tenantId: TenantId
  connectionId: string | null
  scopes: ApiKeyScope[]
  expiresAt: number | null
}
export type ReplayRequested = Extract<DomainEvent, { type: 'replay.requested' }>

/**
 * Read-only view for processes that own no CRM: the edge's credential checks and the registry's snapshot. Reads what is
 * committed, at once; caches nothing.
 */
export interface CrmReader {
  /** Consistent with the version it carries. */
  registry(): Promise<RegistrySnapshot>
  connectionByUsername(username: string, at?: number): Promise<ConnectionAccess | undefined>
  connectionById(id: string, at?: number): Promise<ConnectionAccess | undefined>
  /** Every connection to a broker that is not revoked, the disabled ones too. */
  brokers(at?: number): Promise<BrokerAccess[]>
  /** @param tokenHash SHA-256 of the whole key, hex. Revoked and expired keys, and those of suspended tenants, are absent. */
  apiKeyByHash(tokenHash: string, at?: number): Promise<ApiKeyAccess | undefined>
  /**
   * Replays that were asked for and did not end, oldest first: a decoder that starts takes them up again.
   * @param endedSince UTC milliseconds: those that ended later too, because a store may have lost what they brought
   */
  unfinishedReplays(endedSince?: number): Promise<ReplayRequested[]>
  stop(): Promise<void>
}
