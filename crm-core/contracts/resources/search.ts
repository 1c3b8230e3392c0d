import { z } from 'zod'
import { idSchema } from '../ids.ts'
import { storedFields } from './common.ts'

export const SEARCH_KINDS = ['site', 'device', 'customer', 'ticket'] as const
/** One thing that was found, with enough to tell it from others and to open it. */
export const searchHitSchema = z.object({
  kind: z.enum(SEARCH_KINDS),
  id: idSchema,
  title: z.string(),
  /** Whose it is or what it is: the customer of a site, the serial of a device. */
  detail: z.string(),
})
export type SearchHit = z.infer<typeof searchHitSchema>

/** A page of ours: path and query, nothing that leads elsewhere. */
export const pageAddressSchema = z
  .string()
  .max(2000)
  .regex(/^\/(?![/\\])[^\s\\]*$/, 'is not an address of these pages')
export const savedViewSchema = z.object({ ...storedFields, name: z.string(), address: z.string() })
export type SavedView = z.infer<typeof savedViewSchema>
const viewName = z.string().trim().min(1).max(100)
export const savedViewCreateSchema = z.strictObject({ name: viewName, address: pageAddressSchema })
export type SavedViewCreate = z.infer<typeof savedViewCreateSchema>
export const savedViewUpdateSchema = z.strictObject({
  name: viewName.optional(),
  address: pageAddressSchema.optional(),
})
export type SavedViewUpdate = z.infer<typeof savedViewUpdateSchema>
