import { z } from 'zod'
import { idSchema } from '../ids.ts'
import { moneySchema, nameSchema, storedFields, textSchema, timeInputSchema, timeSchema } from './common.ts'

export const SEVERITIES = ['critical', 'major', 'minor', 'info'] as const
export type Severity = (typeof SEVERITIES)[number]

export const alarmSchema = z.object({
  id: idSchema,
  version: z.int(),
  type: z.string(),
  severity: z.enum(SEVERITIES),
  siteId: idSchema,
  deviceId: idSchema.nullable(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).nullable(),
  raisedAt: timeSchema,
  clearedAt: timeSchema.nullable(),
  acknowledgedAt: timeSchema.nullable(),
  acknowledgedBy: idSchema.nullable(),
  mutedUntil: timeSchema.nullable(),
  muteReason: z.string().nullable(),
  historic: z.boolean(),
  incidentId: idSchema.nullable(),
  ticketId: idSchema.nullable(),
})
export type Alarm = z.infer<typeof alarmSchema>
export const alarmMuteSchema = z.strictObject({ until: timeInputSchema, reason: z.string().trim().min(1).max(500) })
export type AlarmMute = z.infer<typeof alarmMuteSchema>

/** Alarms acknowledged in one go: all open ones of some sites, or those named. */
export const alarmsAcknowledgeSchema = z
  .strictObject({
    siteIds: z.array(idSchema).min(1).max(500).optional(),
    ids: z.array(idSchema).min(1).max(500).optional(),
  })
  .refine(({ siteIds, ids }) => siteIds !== undefined || ids !== undefined, 'says which alarms: `siteIds` or `ids`')
export type AlarmsAcknowledge = z.infer<typeof alarmsAcknowledgeSchema>

/** `grid`: sites of one street at once. `widespread`: many sites of the company at once, wherever they lie. */
export const INCIDENT_CAUSES = ['grid', 'widespread'] as const
export type IncidentCause = (typeof INCIDENT_CAUSES)[number]
/** Alarms of several sites that have one cause; they name it as their `incidentId`. */
export const incidentSchema = z.object({
  ...storedFields,
  cause: z.enum(INCIDENT_CAUSES),
  /** That of its alarms. */
  type: z.string(),
  severity: z.enum(SEVERITIES),
  startedAt: timeSchema,
  clearedAt: timeSchema.nullable(),
  /** Those that the caller sees. */
  siteIds: z.array(idSchema),
  ticketId: idSchema.nullable(),
})
export type Incident = z.infer<typeof incidentSchema>

export const TICKET_STATUSES = ['new', 'open', 'pending', 'scheduled', 'resolved', 'closed'] as const
export type TicketStatus = (typeof TICKET_STATUSES)[number]
export const TICKET_PRIORITIES = ['urgent', 'high', 'normal', 'low'] as const
export type TicketPriority = (typeof TICKET_PRIORITIES)[number]

export const ticketSlaSchema = z.object({
  firstResponseDueAt: timeSchema.nullable(),
  /** When somebody of the staff answered or took it up. */
  firstRespondedAt: timeSchema.nullable(),
  nextUpdateDueAt: timeSchema.nullable(),
  solutionDueAt: timeSchema.nullable(),
  pausedSince: timeSchema.nullable(),
  breached: z.boolean(),
})
export const ticketSchema = z.object({
  ...storedFields,
  number: z.int(),
  subject: z.string(),
  description: z.string().nullable(),
  status: z.enum(TICKET_STATUSES),
  priority: z.enum(TICKET_PRIORITIES),
  customerId: idSchema.nullable(),
  siteId: idSchema.nullable(),
  alarmIds: z.array(idSchema),
  assigneeId: idSchema.nullable(),
  cause: z.string().nullable(),
  lossWh: z.number().nullable(),
  /** What the loss is worth by the contract's tariff, where neither was given by hand. */
  lossMoney: moneySchema.nullable(),
  /** The contract in force when it was opened; null to customers. */
  contractId: idSchema.nullable(),
  sla: ticketSlaSchema,
})
export type Ticket = z.infer<typeof ticketSchema>
const ticketFields = {
  description: textSchema.nullable().optional(),
  priority: z.enum(TICKET_PRIORITIES).optional(),
  assigneeId: idSchema.nullable().optional(),
  cause: z.string().max(200).nullable().optional(),
}
export const ticketCreateSchema = z.strictObject({
  subject: nameSchema,
  customerId: idSchema.optional(),
  siteId: idSchema.optional(),
  alarmIds: z.array(idSchema).max(100).optional(),
  ...ticketFields,
})
export type TicketCreate = z.infer<typeof ticketCreateSchema>
export const ticketUpdateSchema = z.strictObject({
  subject: nameSchema.optional(),
  status: z.enum(TICKET_STATUSES).optional(),
  lossWh: z.number().min(0).max(1e15).nullable().optional(),
  lossMoney: moneySchema.nullable().optional(),
  ...ticketFields,
})
export type TicketUpdate = z.infer<typeof ticketUpdateSchema>

export const ticketEntrySchema = z.object({
  id: idSchema,
  ticketId: idSchema,
  at: timeSchema,
  kind: z.enum(['comment', 'change', 'alarm']),
  /** Whether the customer sees it. */
  isPublic: z.boolean(),
  authorId: idSchema.nullable(),
  text: z.string(),
  data: z.record(z.string(), z.unknown()).nullable(),
})
export type TicketEntry = z.infer<typeof ticketEntrySchema>
export const ticketCommentSchema = z.strictObject({
  text: z.string().trim().min(1).max(10_000),
  isPublic: z.boolean().optional(),
})
export type TicketComment = z.infer<typeof ticketCommentSchema>

export const CHANNELS = ['mail', 'sms'] as const
export type NotifyChannel = (typeof CHANNELS)[number]
export const NOTIFICATION_STATES = ['queued', 'sent', 'failed'] as const
export const notificationSchema = z.object({
  id: idSchema,
  channel: z.enum(CHANNELS),
  to: z.string(),
  subject: z.string().nullable(),
  text: z.string(),
  state: z.enum(NOTIFICATION_STATES),
  attempts: z.int(),
  createdAt: timeSchema,
  nextAttemptAt: timeSchema.nullable(),
  sentAt: timeSchema.nullable(),
  error: z.string().nullable(),
  ticketId: idSchema.nullable(),
})
export type Notification = z.infer<typeof notificationSchema>

/** Who wants to hear of which alarms. No customer, site or unit named: all that the person may see. */
export const subscriptionSchema = z.object({
  ...storedFields,
  userId: idSchema,
  customerId: idSchema.nullable(),
  siteId: idSchema.nullable(),
  orgUnitId: idSchema.nullable(),
  minSeverity: z.enum(SEVERITIES),
  channels: z.array(z.enum(CHANNELS)),
})
export type Subscription = z.infer<typeof subscriptionSchema>
export const subscriptionCreateSchema = z.strictObject({
  /** Default: oneself. Others need `user:write`. */
  userId: idSchema.optional(),
  customerId: idSchema.optional(),
  siteId: idSchema.optional(),
  orgUnitId: idSchema.optional(),
  minSeverity: z.enum(SEVERITIES).optional(),
  channels: z.array(z.enum(CHANNELS)).min(1).max(CHANNELS.length),
})
export type SubscriptionCreate = z.infer<typeof subscriptionCreateSchema>
