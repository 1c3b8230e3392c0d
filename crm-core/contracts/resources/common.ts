import { z } from 'zod'
import { idSchema } from '../ids.ts'

/** A time as the API answers it: RFC 3339, UTC, milliseconds. */
export const timeSchema = z.iso.datetime({ precision: 3 })
/** A time as the API takes it: RFC 3339 with any offset, or UTC milliseconds. Parsed to a `Date`. */
export const timeInputSchema = z
  .union([z.iso.datetime({ offset: true }), z.int().min(-8.64e15).max(8.64e15)])
  .transform((value) => new Date(value))
/** A calendar date without a zone: `2026-03-29`. */
export const dateSchema = z.iso.date()
/** IANA zone that this machine's time zone data knows, spelled as it is there: programs beside ours mind the case. */
export const timezoneSchema = z
  .string()
  .min(1)
  .max(64)
  .refine(isTimezone, 'is not a known IANA time zone')
  .overwrite(wellSpelled)
export const emailSchema = z.email().max(254)
/** Loose on purpose: people write numbers their own way; SMS needs E.164 and checks it where it sends. */
export const phoneSchema = z.string().regex(/^\+?[0-9 ()/.-]{4,30}$/, 'is not a phone number')
/** E.164, as SMS senders want it. */
export const e164Schema = z.string().regex(/^\+[1-9][0-9]{6,14}$/, 'is not a phone number in E.164 form')
export const nameSchema = z.string().trim().min(1).max(200)
export const textSchema = z.string().max(10_000)
export const addressSchema = z.strictObject({
  street: z.string().max(200).optional(),
  postalCode: z.string().max(20).optional(),
  city: z.string().max(100).optional(),
  region: z.string().max(100).optional(),
  /** ISO 3166-1 alpha-2. */
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'is not a two-letter country code')
    .optional(),
})
export type Address = z.infer<typeof addressSchema>
/** Minor units (cents) plus ISO 4217 currency. */
export const moneySchema = z.strictObject({ amount: z.int(), currency: z.string().regex(/^[A-Z]{3}$/) })
export type Money = z.infer<typeof moneySchema>
export const latitudeSchema = z.number().min(-90).max(90)
export const longitudeSchema = z.number().min(-180).max(180)
/** Nameplate watts: up to 5 GW, the largest plant there is. */
export const ratedPowerSchema = z.number().min(0).max(5e9)

/** What every stored resource carries. `version` is the number behind the `ETag`. */
export const storedFields = {
  id: idSchema,
  version: z.int().min(1),
  createdAt: timeSchema,
  updatedAt: timeSchema,
}

/** A list's answer. `nextCursor` is null on the last page. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() })
}
export interface ListOf<Item> {
  items: Item[]
  nextCursor: string | null
}
/** Query parameters that every list takes. */
export const listQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z.string().min(1).max(1000).optional(),
  q: z.string().trim().max(200).optional(),
})

/** Only the case: who writes `Asia/Kolkata` reads that again, and not the name it had before (`Asia/Calcutta`). */
function wellSpelled(zone: string): string {
  if (!isTimezone(zone)) return zone
  const known = new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone
  return known.toLowerCase() === zone.toLowerCase() ? known : zone
}

function isTimezone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    // Offsets such as "+02:00" are taken by Intl and are no zone: they have no summer time.
    return /^[A-Za-z]/.test(zone)
  } catch {
    return false
  }
}
