import { z } from 'zod'
import type { ExpectedNow, SiteVerdict } from './expected.ts'
import { idSchema } from './ids.ts'

/** The frames of `/api/v1/live` (contract section 5). */
export const LIVE_CLOSE = { sessionEnded: 4401, rightRevoked: 4403, tooSlow: 4408 } as const

const subscriptionId = z.string().min(1).max(64)
export const liveTopicSchema = z.union([
  z.enum(['fleet', 'alarms', 'tickets', 'sites']),
  z.templateLiteral(['site:', idSchema]),
  z.templateLiteral(['device:', idSchema]),
])
export const liveClientFrameSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('subscribe'),
    id: subscriptionId,
    topic: liveTopicSchema,
    filter: z.strictObject({ siteId: idSchema.optional(), status: z.string().max(32).optional() }).optional(),
    keys: z.array(idSchema).max(500).optional(),
    cursor: z.string().max(200).optional(),
  }),
  z.strictObject({ type: z.literal('unsubscribe'), id: subscriptionId }),
])
export type LiveClientFrame = z.infer<typeof liveClientFrameSchema>

/** How closely live values are looked at: not at all, what sites and lists show, or single devices too. From least to most. */
export const LIVE_AUDIENCES = ['nobody', 'sites', 'devices'] as const
export type LiveAudience = (typeof LIVE_AUDIENCES)[number]

export interface LiveUpdate {
  key: string
  /** UTC milliseconds. */
  ts: number
  value: unknown
}
export type LiveServerFrame =
  | { type: 'snapshot'; id: string; data: LiveUpdate[]; cursor: string }
  | { type: 'update'; id: string; data: LiveUpdate[]; cursor: string }
  | { type: 'error'; id: string; code: string; detail?: string }
  | { type: 'ping' }

/** Value of `device:ID` keys. */
export interface LiveDevice {
  siteId: string
  receivedAt: number
  metrics: Record<string, number>
  status?: string
  faults?: { code: string; text?: string }[]
  quality: string[]
}
/** Value of `site:ID` keys: what the fleet list shows of a running site. */
export interface LiveSite extends ExpectedNow {
  status: SiteStatus
  /** Production now; absent when nothing current is known. Never zero for "unknown". */
  acPowerW?: number
  /** Where it comes from: the production meter, the leaf inverters or gateway totals. */
  source?: 'meter' | 'inverters' | 'gateway'
  gridPowerW?: number
  loadPowerW?: number
  batteryPowerW?: number
  batterySocPct?: number
  energyTodayWh?: number
  /** Newest device time of any device of the site. */
  lastSeenAt?: number
  openAlarms?: number
  night?: boolean
  /** One plain sentence about it, as data. */
  verdict?: SiteVerdict
}
export const SITE_STATUSES = ['producing', 'idle', 'degraded', 'down', 'silent', 'unknown'] as const
export type SiteStatus = (typeof SITE_STATUSES)[number]
