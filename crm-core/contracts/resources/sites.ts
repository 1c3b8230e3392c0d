import { z } from 'zod'
import { idSchema } from '../ids.ts'
import { SITE_STATUSES } from '../live-socket.ts'
import {
  addressSchema,
  latitudeSchema,
  longitudeSchema,
  nameSchema,
  ratedPowerSchema,
  storedFields,
  timezoneSchema,
} from './common.ts'

/** Compass degrees clockwise from north: 180 is south. Tilt from the horizontal. */
const orientation = { azimuthDeg: z.number().min(0).lt(360), tiltDeg: z.number().min(0).max(180) }

export const arraySchema = z.object({
  ...storedFields,
  siteId: idSchema,
  name: z.string(),
  ...orientation,
  peakPowerW: z.number(),
  /** Inverter this array is connected to, where known. */
  deviceId: idSchema.nullable(),
})
export type SiteArray = z.infer<typeof arraySchema>
const arrayFields = { name: nameSchema, ...orientation, peakPowerW: ratedPowerSchema }
export const siteArrayInputSchema = z.strictObject({ ...arrayFields, deviceId: idSchema.nullable().optional() })
export type SiteArrayInput = z.infer<typeof siteArrayInputSchema>
export const arrayCreateSchema = z.strictObject({
  siteId: idSchema,
  ...arrayFields,
  deviceId: idSchema.nullable().optional(),
})
export type ArrayCreate = z.infer<typeof arrayCreateSchema>
export const arrayUpdateSchema = z.strictObject({
  name: nameSchema.optional(),
  azimuthDeg: orientation.azimuthDeg.optional(),
  tiltDeg: orientation.tiltDeg.optional(),
  peakPowerW: ratedPowerSchema.optional(),
  deviceId: idSchema.nullable().optional(),
})
export type ArrayUpdate = z.infer<typeof arrayUpdateSchema>

/** A word that people sort sites by: one line, no comma, so that several of them fit into an address. */
export const tagSchema = z
  .string()
  .trim()
  .min(1)
  .max(40)
  .regex(/^[^,\p{Cc}]+$/u, 'is not a tag')
export const MAX_TAGS = 30
const tagsSchema = z
  .array(tagSchema)
  .max(MAX_TAGS)
  .transform((tags) => [...new Set(tags)])

export const siteSchema = z.object({
  ...storedFields,
  name: z.string(),
  customerId: idSchema,
  orgUnitId: idSchema,
  timezone: z.string(),
  latitude: z.number().nullable(),
  longitude: z.number().nullable(),
  address: addressSchema.nullable(),
  peakPowerW: z.number().nullable(),
  acCapacityW: z.number().nullable(),
  tags: z.array(z.string()),
  /** Of the live state; `unknown` where nothing was heard yet. */
  status: z.enum(SITE_STATUSES),
  arrays: z.array(arraySchema),
})
export type Site = z.infer<typeof siteSchema>
const siteFields = {
  orgUnitId: idSchema.optional(),
  latitude: latitudeSchema.nullable().optional(),
  longitude: longitudeSchema.nullable().optional(),
  address: addressSchema.nullable().optional(),
  peakPowerW: ratedPowerSchema.nullable().optional(),
  acCapacityW: ratedPowerSchema.nullable().optional(),
  tags: tagsSchema.optional(),
}
export const siteCreateSchema = z.strictObject({
  name: nameSchema,
  customerId: idSchema,
  timezone: timezoneSchema,
  ...siteFields,
  arrays: z.array(siteArrayInputSchema).max(200).optional(),
})
export type SiteCreate = z.infer<typeof siteCreateSchema>
export const siteUpdateSchema = z.strictObject({
  name: nameSchema.optional(),
  customerId: idSchema.optional(),
  timezone: timezoneSchema.optional(),
  ...siteFields,
})
export type SiteUpdate = z.infer<typeof siteUpdateSchema>

/** Sites that are tagged, or freed of tags, in one go. */
export const siteTagsSchema = z.strictObject({
  siteIds: z.array(idSchema).min(1).max(500),
  add: z.array(tagSchema).max(MAX_TAGS).optional(),
  remove: z.array(tagSchema).max(MAX_TAGS).optional(),
})
export type SiteTags = z.infer<typeof siteTagsSchema>
/** Sites that go to another unit in one go. */
export const siteUnitSchema = z.strictObject({ siteIds: z.array(idSchema).min(1).max(500), orgUnitId: idSchema })
export type SiteUnit = z.infer<typeof siteUnitSchema>
