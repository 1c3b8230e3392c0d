import type { Alarm, Incident, Notification, Row, Subscription, Ticket, TicketEntry } from '../../contracts/index.ts'
import { stored, time, timeOrNull } from './shared.ts'

export const alarmResource = (row: Row<'alarm'>): Alarm => ({
  id: row.id,
  version: row.version,
  type: row.type,
  severity: row.severity,
  siteId: row.siteId,
  deviceId: row.deviceId,
  message: row.message,
  details: row.details,
  raisedAt: time(row.raisedAt),
  clearedAt: timeOrNull(row.clearedAt),
  acknowledgedAt: timeOrNull(row.acknowledgedAt),
  acknowledgedBy: row.acknowledgedById,
  mutedUntil: timeOrNull(row.mutedUntil),
  muteReason: row.muteReason,
  historic: row.historic,
  incidentId: row.incidentId,
  ticketId: row.ticketId,
})

export const incidentResource = (row: Row<'incident'>, siteIds: string[]): Incident => ({
  ...stored(row),
  cause: row.cause,
  type: row.type,
  severity: row.severity,
  startedAt: time(row.startedAt),
  clearedAt: timeOrNull(row.clearedAt),
  siteIds,
  ticketId: row.ticketId,
})

export const ticketResource = (row: Row<'ticket'>, alarmIds: string[]): Ticket => ({
  ...stored(row),
  number: row.number,
  subject: row.subject,
  description: row.description,
  status: row.status,
  priority: row.priority,
  customerId: row.customerId,
  siteId: row.siteId,
  alarmIds,
  assigneeId: row.assigneeId,
  cause: row.cause,
  lossWh: row.lossWh,
  lossMoney:
    row.lossAmount === null || row.lossCurrency === null
      ? null
      : { amount: row.lossAmount, currency: row.lossCurrency },
  contractId: row.contractId,
  sla: {
    firstResponseDueAt: timeOrNull(row.firstResponseDueAt),
    firstRespondedAt: timeOrNull(row.firstRespondedAt),
    nextUpdateDueAt: timeOrNull(row.nextUpdateDueAt),
    solutionDueAt: timeOrNull(row.solutionDueAt),
    pausedSince: timeOrNull(row.pausedSince),
    breached: row.breached,
  },
})

export const ticketEntryResource = (row: Row<'ticketEntry'>): TicketEntry => ({
  id: row.id,
  ticketId: row.ticketId,
  at: time(row.createdAt),
  kind: row.kind,
  isPublic: row.isPublic,
  authorId: row.authorId,
  text: row.text,
  data: row.data,
})

export const notificationResource = (row: Row<'notification'>): Notification => ({
  id: row.id,
  channel: row.channel,
  to: row.recipient,
  subject: row.subject,
  text: row.text,
  state: row.state,
  attempts: row.attempts,
  createdAt: time(row.createdAt),
  nextAttemptAt: timeOrNull(row.nextAttemptAt),
  sentAt: timeOrNull(row.sentAt),
  error: row.error,
  ticketId: row.ticketId,
})

export const subscriptionResource = (row: Row<'subscription'>): Subscription => ({
  ...stored(row),
  userId: row.userId,
  customerId: row.customerId,
  siteId: row.siteId,
  orgUnitId: row.orgUnitId,
  minSeverity: row.minSeverity,
  channels: row.channels,
})
