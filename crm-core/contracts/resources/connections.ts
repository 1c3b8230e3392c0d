import { z } from 'zod'
import { idSchema } from '../ids.ts'
import { nameSchema, storedFields, timeSchema } from './common.ts'

export const CONNECTION_TRANSPORTS = ['mqtt', 'webhook', 'broker', 'poll', 'http'] as const
/** How a webhook proves who sent it. */
export const WEBHOOK_SCHEMES = ['standard-webhooks', 'twilio', 'shared-header', 'basic'] as const
export type WebhookScheme = (typeof WEBHOOK_SCHEMES)[number]
/** Where `shared-header` looks for the secret when nobody named another. */
export const DEFAULT_SECRET_HEADER = 'X-Webhook-Secret'

/** MQTT versions a broker is spoken to in; `auto`: 5, and 3.1.1 where the broker does not know it. */
export const BROKER_VERSIONS = ['auto', '5', '3.1.1'] as const
/** What is kept of a tenant's own MQTT broker. Its password lies apart, encrypted. */
export interface BrokerSettings {
  /** `mqtt://host:port` or `mqtts://host:port`. */
  url: string
  username: string | null
  hasPassword: boolean
  /** Topic filters. */
  topics: string[]
  version: (typeof BROKER_VERSIONS)[number]
  /** Processes that share the work by a shared subscription; 1: an ordinary subscription. */
  workers: number
  /** PEM of who signs the broker's certificate; null: the authorities that everybody trusts. */
  caCert: string | null
  /** What an earlier setting asked the broker for: its session may hold it still. */
  retired: { topics: string[]; workers: number }
}
/** `unknown`: no process has said anything yet; `off`: switched off. */
const BROKER_STATES = ['connected', 'connecting', 'failed', 'off', 'unknown'] as const
const brokerStatusSchema = z.object({
  state: z.enum(BROKER_STATES),
  /** What is wrong, in plain words; also of a connected one, where a part is refused. */
  message: z.string().nullable(),
  /** The kind of trouble, for programs. */
  code: z.string().nullable(),
  /** Since when it is in this state. */
  since: timeSchema.nullable(),
  /** The version that is spoken, while connected. */
  version: z.enum(['5', '3.1.1']).nullable(),
})
export type BrokerStatus = z.infer<typeof brokerStatusSchema>
const brokerSchema = z.object({
  url: z.string(),
  username: z.string().nullable(),
  hasPassword: z.boolean(),
  topics: z.array(z.string()),
  version: z.enum(BROKER_VERSIONS),
  workers: z.int(),
  caCert: z.string().nullable(),
  status: brokerStatusSchema,
})
export type ConnectionBroker = z.infer<typeof brokerSchema>

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
  /** Of the transport `broker` alone. */
  broker: brokerSchema.nullable(),
  lastSeenAt: timeSchema.nullable(),
})
export type Connection = z.infer<typeof connectionSchema>
const connectionFields = {
  siteId: idSchema.nullable().optional(),
  enabled: z.boolean().optional(),
}
const headerName = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'is not a header name')
const MAX_PEM = 65_536
const brokerFields = {
  /** `mqtt://host[:port]` or, with TLS, `mqtts://host[:port]`. User name and password have fields of their own. */
  url: z.string().min(1).max(500),
  username: z.string().min(1).max(256).nullable().optional(),
  /** Kept encrypted and never answered. Null: none. */
  password: z.string().min(1).max(1_024).nullable().optional(),
  /** MQTT topic filters, `+` and `#` allowed. */
  topics: z.array(z.string().min(1).max(256)).min(1).max(20),
  /** Default `auto`. */
  version: z.enum(BROKER_VERSIONS).optional(),
  /** Default 1. More need a broker with shared subscriptions. */
  workers: z.int().min(1).max(8).optional(),
  /** PEM of the authority that signed the broker's certificate. Null: the authorities that everybody trusts. */
  caCert: z.string().max(MAX_PEM).nullable().optional(),
}
export const brokerCreateSchema = z.strictObject(brokerFields)
export type BrokerCreate = z.infer<typeof brokerCreateSchema>
export const brokerUpdateSchema = brokerCreateSchema.partial()
export type BrokerUpdate = z.infer<typeof brokerUpdateSchema>
export const connectionCreateSchema = z.strictObject({
  name: nameSchema,
  transport: z.enum(['mqtt', 'webhook', 'broker', 'poll']),
  vendor: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'is not a vendor id'),
  ...connectionFields,
  /** Webhooks only. Default `standard-webhooks`. */
  scheme: z.enum(WEBHOOK_SCHEMES).optional(),
  /** Of `shared-header`. Default `X-Webhook-Secret`. */
  headerName: headerName.optional(),
  /** The transport `broker` only, and needed there. */
  broker: brokerCreateSchema.optional(),
})
export type ConnectionCreate = z.infer<typeof connectionCreateSchema>
export const connectionUpdateSchema = z.strictObject({
  name: nameSchema.optional(),
  ...connectionFields,
  headerName: headerName.optional(),
  broker: brokerUpdateSchema.optional(),
})
export type ConnectionUpdate = z.infer<typeof connectionUpdateSchema>
/** Answered once, when made. `secret` is null where the other side has it already: a broker's login is the owner's. */
export const connectionCreatedSchema = connectionSchema.extend({ secret: z.string().nullable() })
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
