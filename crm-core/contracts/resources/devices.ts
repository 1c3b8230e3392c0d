import { z } from 'zod'
import { idSchema } from '../ids.ts'
import { deviceStatusSchema } from '../reading.ts'
import { DEVICE_KINDS, DEVICE_ROLES } from '../registry.ts'
import { dateSchema, nameSchema, ratedPowerSchema, storedFields, timeInputSchema, timeSchema } from './common.ts'

const vendorSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'is not a vendor id')
const serialSchema = z.string().trim().min(1).max(200)

export const deviceLinkSchema = z.object({
  connectionId: idSchema,
  externalId: z.string(),
  from: timeSchema,
  to: timeSchema.nullable(),
})
export const deviceRolePeriodSchema = z.object({
  role: z.enum(DEVICE_ROLES),
  from: timeSchema,
  to: timeSchema.nullable(),
})

export const deviceSchema = z.object({
  ...storedFields,
  siteId: idSchema,
  parentId: idSchema.nullable(),
  kind: z.enum(DEVICE_KINDS),
  /** Role now; `roles` on the single resource holds the periods. */
  role: z.enum(DEVICE_ROLES),
  vendor: z.string(),
  serial: z.string(),
  model: z.string().nullable(),
  /** As the device told it last; null where it tells none. */
  firmware: z.string().nullable(),
  name: z.string(),
  peakPowerW: z.number().nullable(),
  /** Seconds between deliveries; null: learned. */
  deliveryIntervalS: z.number().nullable(),
  warrantyUntil: dateSchema.nullable(),
  replacedById: idSchema.nullable(),
  /** Of the live state; null where nothing was heard yet. */
  status: deviceStatusSchema.nullable(),
  lastSeenAt: timeSchema.nullable(),
  links: z.array(deviceLinkSchema).optional(),
  roles: z.array(deviceRolePeriodSchema).optional(),
})
export type Device = z.infer<typeof deviceSchema>

const deviceFields = {
  parentId: idSchema.nullable().optional(),
  model: z.string().max(200).nullable().optional(),
  name: nameSchema.optional(),
  peakPowerW: ratedPowerSchema.nullable().optional(),
  deliveryIntervalS: z
    .number()
    .min(1)
    .max(32 * 86_400)
    .nullable()
    .optional(),
  warrantyUntil: dateSchema.nullable().optional(),
}
export const deviceCreateSchema = z.strictObject({
  siteId: idSchema,
  kind: z.enum(DEVICE_KINDS),
  vendor: vendorSchema,
  serial: serialSchema,
  role: z.enum(DEVICE_ROLES).optional(),
  ...deviceFields,
})
export type DeviceCreate = z.infer<typeof deviceCreateSchema>
export const deviceUpdateSchema = z.strictObject({
  siteId: idSchema.optional(),
  kind: z.enum(DEVICE_KINDS).optional(),
  role: z.enum(DEVICE_ROLES).optional(),
  serial: serialSchema.optional(),
  replacedById: idSchema.nullable().optional(),
  ...deviceFields,
  /** From when a change of site, role, parent or replacement holds. Default: now. What it touches is computed again. */
  effectiveFrom: timeInputSchema.optional(),
})
export type DeviceUpdate = z.infer<typeof deviceUpdateSchema>

export const unclaimedSchema = z.object({
  id: idSchema,
  connectionId: idSchema,
  vendor: z.string(),
  externalId: z.string(),
  serial: z.string().nullable(),
  firstSeenAt: timeSchema,
  lastSeenAt: timeSchema,
  messages: z.int(),
  /** The newest reading, as decoded. */
  sample: z.record(z.string(), z.unknown()),
  /** Facts the device told of itself, to prefill the claim. */
  attributes: z.record(z.string(), z.unknown()),
})
export type Unclaimed = z.infer<typeof unclaimedSchema>
export const claimSchema = z.strictObject({
  siteId: idSchema,
  name: nameSchema.optional(),
  kind: z.enum(DEVICE_KINDS).optional(),
  role: z.enum(DEVICE_ROLES).optional(),
  /**
   * Links to this device instead of making one: its new communication module, say. Absent: the device of that site with the
   * same vendor and serial that was never linked, as a replacement is; else a new one.
   */
  deviceId: idSchema.optional(),
})
export type Claim = z.infer<typeof claimSchema>
export const claimedSchema = z.object({ deviceId: idSchema, replayId: idSchema })
export type Claimed = z.infer<typeof claimedSchema>

export const REPLAY_STATES = ['queued', 'running', 'done', 'failed'] as const
export const replaySchema = z.object({
  ...storedFields,
  kind: z.enum(['claim', 'range', 'message']),
  state: z.enum(REPLAY_STATES),
  connectionId: idSchema.nullable(),
  deviceId: idSchema.nullable(),
  from: timeSchema.nullable(),
  to: timeSchema.nullable(),
  done: z.int(),
  total: z.int(),
  error: z.string().nullable(),
})
export type Replay = z.infer<typeof replaySchema>
export const replayCreateSchema = z.strictObject({
  connectionId: idSchema.optional(),
  from: timeInputSchema.optional(),
  to: timeInputSchema.optional(),
})
export type ReplayCreate = z.infer<typeof replayCreateSchema>
