import { z } from 'zod'
import { idSchema } from '../ids.ts'
import { nameSchema, storedFields, timeSchema } from './common.ts'

export const CONNECTION_TRANSPORTS = ['mqtt', 'webhook', 'broker', 'poll', 'http'] as const
/** How a webhook proves who sent it. */
export const WEBHOOK_SCHEMES = ['standard-webhooks', 'twilio', 'shared-header', 'basic'] as const
export type WebhookScheme = (typeof WEBHOOK_SCHEMES)[number]

export const connectionSchema = z.object({
  ...storedFields,
  name: z.string(),
  /** `http`: the implicit connection of an ingest key. */
  transport: z.enum(CONNECTION_TRANSPORTS),
  vendor: z.string(),
  siteId: idSchema.nullable(),
  enabled: z.boolean(),
  username: z.string(),
  scheme: z.enum(WEBHOOK_SCHEMES).nullable(),
  /** Header that carries the secret of `shared-header`. */
  headerName: z.string().nullable(),
  lastSeenAt: timeSchema.nullable(),
})
export type Connection = z.infer<typeof connectionSchema>
const connectionFields = {
  siteId: idSchema.nullable().optional(),
  enabled: z.boolean().optional(),
}
const headerName = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'is not a header name')
export const connectionCreateSchema = z.strictObject({
  name: nameSchema,
  transport: z.enum(['mqtt', 'webhook', 'broker', 'poll']),
  vendor: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'is not a vendor id'),
  ...connectionFields,
  /** Webhooks only. Default `standard-webhooks`. */
  scheme: z.enum(WEBHOOK_SCHEMES).optional(),
  headerName: headerName.optional(),
})
export type ConnectionCreate = z.infer<typeof connectionCreateSchema>
export const connectionUpdateSchema = z.strictObject({
  name: nameSchema.optional(),
  ...connectionFields,
  headerName: headerName.optional(),
})
export type ConnectionUpdate = z.infer<typeof connectionUpdateSchema>
/** Answered once, when made. */
export const connectionCreatedSchema = connectionSchema.extend({ secret: z.string() })
export type ConnectionCreated = z.infer<typeof connectionCreatedSchema>
export const connectionRotateSchema = z.strictObject({
  /** Seconds for which the old secret stays good. Default one day; 0 cuts it at once. */
  overlapS: z
    .int()
    .min(0)
    .max(30 * 86_400)
    .optional(),
})
export const connectionRotatedSchema = z.object({
  username: z.string(),
  secret: z.string(),
  /** Until when the secret before is good. */
  previousValidTo: timeSchema,
})
export type ConnectionRotated = z.infer<typeof connectionRotatedSchema>

/** Answer of the dead letter list; the records themselves lie in the log. */
export const deadLetterSchema = z.object({
  id: z.string(),
  connectionId: idSchema,
  vendor: z.string(),
  topic: z.string().nullable(),
  receivedAt: timeSchema,
  reason: z.string(),
  detail: z.string(),
  size: z.int(),
})
export type DeadLetter = z.infer<typeof deadLetterSchema>
