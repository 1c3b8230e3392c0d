// Made by infra/scripts/generate-prisma.ts from crm-core/prisma/schema.prisma; do not edit.
import type { DeviceAttributes } from '../reading.ts'
import type { DeviceKind, DeviceRole } from '../registry.ts'
import type { Address } from '../resources/common.ts'
import type { BrokerSettings, WebhookScheme } from '../resources/connections.ts'
import type { ContractKind, ContractStatus, GuaranteeKind, ServiceHours } from '../contract-words.ts'
import type { IncidentCause, NotifyChannel, Severity, TicketPriority, TicketStatus } from '../resources/desk.ts'
import type { ApiKeyScope, Permission } from '../roles.ts'

export interface TenantRow {
  id: string
  name: string
  status: 'active' | 'suspended'
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface OrgUnitRow {
  id: string
  tenantId: string
  parentId: string | null
  name: string
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface OrgUnitClosureRow {
  ancestorId: string
  descendantId: string
  tenantId: string
  depth: number
}
export interface UserRow {
  id: string
  tenantId: string
  email: string
  name: string
  phone: string | null
  status: 'active' | 'disabled'
  passwordHash: string | null
  passwordChangedAt: Date | null
  lastLoginAt: Date | null
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface RoleRow {
  id: string
  tenantId: string
  name: string
  permissions: Permission[]
  builtIn: boolean
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface RoleAssignmentRow {
  id: string
  tenantId: string
  userId: string
  roleId: string
  orgUnitId: string
  createdAt: Date
}
export interface UserCustomerRow {
  id: string
  tenantId: string
  userId: string
  customerId: string
  createdAt: Date
}
export interface SessionRow {
  id: string
  tenantId: string
  userId: string
  tokenHash: string
  address: string | null
  userAgent: string | null
  createdAt: Date
  lastSeenAt: Date
  expiresAt: Date
}
export interface PasswordResetRow {
  id: string
  tenantId: string
  userId: string
  tokenHash: string
  createdAt: Date
  expiresAt: Date
  usedAt: Date | null
}
export interface ApiKeyRow {
  id: string
  tenantId: string
  name: string
  hint: string
  tokenHash: string
  scopes: ApiKeyScope[]
  connectionId: string | null
  createdById: string | null
  expiresAt: Date | null
  revokedAt: Date | null
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface CustomerRow {
  id: string
  tenantId: string
  orgUnitId: string
  name: string
  kind: 'residential' | 'commercial' | 'public' | 'utility'
  email: string | null
  phone: string | null
  address: Address | null
  notes: string | null
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface ContactRow {
  id: string
  tenantId: string
  customerId: string
  name: string
  position: string | null
  email: string | null
  phone: string | null
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface SiteRow {
  id: string
  tenantId: string
  customerId: string
  orgUnitId: string
  name: string
  timezone: string
  latitude: number | null
  longitude: number | null
  address: Address | null
  peakPowerW: number | null
  acCapacityW: number | null
  version: number
  createdAt: Date
  updatedAt: Date
  tags: string[] | null
}
export interface ContractRow {
  id: string
  tenantId: string
  number: string
  name: string
  customerId: string
  kind: ContractKind
  status: ContractStatus
  validFrom: string
  validTo: string | null
  siteIds: string[] | null
  slaFirstResponseH: number | null
  slaSolutionH: number | null
  slaHours: ServiceHours | null
  guaranteeKind: GuaranteeKind | null
  guaranteeValue: number | null
  tariffPerKwh: string | null
  tariffCurrency: string | null
  notes: string | null
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface SiteArrayRow {
  id: string
  tenantId: string
  siteId: string
  name: string
  azimuthDeg: number
  tiltDeg: number
  peakPowerW: number
  deviceId: string | null
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface DeviceRow {
  id: string
  tenantId: string
  siteId: string
  parentId: string | null
  parentSince: Date | null
  kind: DeviceKind
  role: DeviceRole
  vendor: string
  serial: string
  name: string
  model: string | null
  firmware: string | null
  peakPowerW: number | null
  deliveryIntervalS: number | null
  warrantyUntil: string | null
  replacedById: string | null
  replacedAt: Date | null
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface DeviceLinkRow {
  id: string
  tenantId: string
  deviceId: string
  connectionId: string
  externalId: string
  validFrom: Date
  validTo: Date | null
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface DeviceRoleRow {
  id: string
  tenantId: string
  deviceId: string
  role: DeviceRole
  validFrom: Date
  validTo: Date | null
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface DeviceSiteRow {
  id: string
  tenantId: string
  deviceId: string
  siteId: string
  validFrom: Date
  validTo: Date | null
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface ConnectionRow {
  id: string
  tenantId: string
  name: string
  transport: 'mqtt' | 'webhook' | 'broker' | 'poll' | 'http'
  vendor: string
  siteId: string | null
  enabled: boolean
  username: string
  scheme: WebhookScheme | null
  headerName: string | null
  lastSeenAt: Date | null
  revokedAt: Date | null
  version: number
  createdAt: Date
  updatedAt: Date
  broker: BrokerSettings | null
}
export interface CredentialRow {
  id: string
  tenantId: string
  connectionId: string
  secretHash: string | null
  secretCipher: string | null
  validFrom: Date
  validTo: Date | null
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface UnclaimedRow {
  id: string
  tenantId: string
  connectionId: string
  vendor: string
  externalId: string
  serial: string | null
  firstSeenAt: Date
  lastSeenAt: Date
  messages: number
  sample: Record<string, unknown>
  attributes: DeviceAttributes
}
export interface ReplayRow {
  id: string
  tenantId: string
  revision: number
  kind: 'claim' | 'range' | 'message'
  state: 'queued' | 'running' | 'done' | 'failed'
  connectionId: string | null
  deviceId: string | null
  externalId: string | null
  rangeFrom: Date | null
  rangeTo: Date | null
  messagePartition: number | null
  messageOffset: number | null
  done: number
  total: number
  error: string | null
  requestedById: string | null
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface AlarmRow {
  id: string
  tenantId: string
  siteId: string
  deviceId: string | null
  type: string
  severity: Severity
  message: string
  details: Record<string, unknown> | null
  raisedAt: Date
  clearedAt: Date | null
  acknowledgedAt: Date | null
  acknowledgedById: string | null
  mutedUntil: Date | null
  muteReason: string | null
  historic: boolean
  incidentId: string | null
  ticketId: string | null
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface IncidentRow {
  id: string
  tenantId: string
  cause: IncidentCause
  type: string
  severity: Severity
  startedAt: Date
  clearedAt: Date | null
  ticketId: string | null
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface IncidentSiteRow {
  id: string
  tenantId: string
  incidentId: string
  siteId: string
  createdAt: Date
}
export interface TicketRow {
  id: string
  tenantId: string
  number: number
  subject: string
  description: string | null
  status: TicketStatus
  priority: TicketPriority
  customerId: string | null
  siteId: string | null
  assigneeId: string | null
  cause: string | null
  openCause: string | null
  lossWh: number | null
  lossAmount: number | null
  lossCurrency: string | null
  firstResponseDueAt: Date | null
  nextUpdateDueAt: Date | null
  solutionDueAt: Date | null
  pausedSince: Date | null
  breached: boolean
  resolvedAt: Date | null
  closedAt: Date | null
  version: number
  createdAt: Date
  updatedAt: Date
  contractId: string | null
  firstRespondedAt: Date | null
}
export interface TicketEntryRow {
  id: string
  tenantId: string
  ticketId: string
  kind: 'comment' | 'change' | 'alarm'
  isPublic: boolean
  authorId: string | null
  text: string
  data: Record<string, unknown> | null
  createdAt: Date
}
export interface SubscriptionRow {
  id: string
  tenantId: string
  userId: string
  customerId: string | null
  siteId: string | null
  orgUnitId: string | null
  minSeverity: Severity
  channels: NotifyChannel[]
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface NotificationRow {
  id: string
  tenantId: string
  channel: NotifyChannel
  recipient: string
  subject: string | null
  text: string
  state: 'queued' | 'sent' | 'failed'
  attempts: number
  nextAttemptAt: Date | null
  sentAt: Date | null
  providerId: string | null
  error: string | null
  dedupeKey: string
  confidential: boolean
  userId: string | null
  ticketId: string | null
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface AuditRow {
  id: string
  tenantId: string
  seq: number
  at: Date
  actorKind: string
  actorId: string | null
  action: string
  resource: string
  resourceId: string | null
  details: string | null
  salt: string | null
  digest: string
  prevHash: string
  hash: string
}
export interface OutboxRow {
  version: number
  tenantId: string
  type: string
  payload: string
  createdAt: Date
  publishedAt: Date | null
}
export interface ConsumerOffsetRow {
  topic: string
  consumer: string
  partition: number
  offset: number
  updatedAt: Date
}
export interface IdempotencyKeyRow {
  id: string
  tenantId: string
  requestHash: string
  status: number
  response: string | null
  createdAt: Date
  expiresAt: Date
}
export interface LeaseRow {
  name: string
  holder: string
  token: number
  expiresAt: Date
}
export interface SettingRow {
  id: string
  tenantId: string
  name: string
  value: unknown
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface SavedViewRow {
  id: string
  tenantId: string
  userId: string
  name: string
  address: string
  version: number
  createdAt: Date
  updatedAt: Date
}
export interface SequenceRow {
  name: string
  value: number
}

/** Every table with the shape of its rows. */
export interface CrmRows {
  tenant: TenantRow
  orgUnit: OrgUnitRow
  orgUnitClosure: OrgUnitClosureRow
  user: UserRow
  role: RoleRow
  roleAssignment: RoleAssignmentRow
  userCustomer: UserCustomerRow
  session: SessionRow
  passwordReset: PasswordResetRow
  apiKey: ApiKeyRow
  customer: CustomerRow
  contact: ContactRow
  site: SiteRow
  contract: ContractRow
  siteArray: SiteArrayRow
  device: DeviceRow
  deviceLink: DeviceLinkRow
  deviceRole: DeviceRoleRow
  deviceSite: DeviceSiteRow
  connection: ConnectionRow
  credential: CredentialRow
  unclaimed: UnclaimedRow
  replay: ReplayRow
  alarm: AlarmRow
  incident: IncidentRow
  incidentSite: IncidentSiteRow
  ticket: TicketRow
  ticketEntry: TicketEntryRow
  subscription: SubscriptionRow
  notification: NotificationRow
  audit: AuditRow
  outbox: OutboxRow
  consumerOffset: ConsumerOffsetRow
  idempotencyKey: IdempotencyKeyRow
  lease: LeaseRow
  setting: SettingRow
  savedView: SavedViewRow
  sequence: SequenceRow
}
