import { z } from 'zod'
import { e164Schema, nameSchema } from './common.ts'
import { MAX_LOGO_BYTES } from '../settings-words.ts'

/** What a person changes of itself. */
export const profileUpdateSchema = z.strictObject({
  name: nameSchema.optional(),
  phone: e164Schema.nullable().optional(),
})
export type ProfileUpdate = z.infer<typeof profileUpdateSchema>

/** `#rrggbb`: what a colour field gives, and nothing that could be more than a colour. */
export const colorSchema = z.string().regex(/^#[0-9a-f]{6}$/, 'is not a colour such as #f0a520')

/** How the tenant shows itself to its customers. */
export const brandSchema = z.object({
  name: z.string(),
  accentColor: z.string().optional(),
  /** Address of the logo; names its version, so that it can be kept. */
  logoUrl: z.string().optional(),
})
export type Brand = z.infer<typeof brandSchema>
export const brandUpdateSchema = z.strictObject({
  /** Null: the tenant's own name. */
  name: nameSchema.nullable().optional(),
  /** Null: the colour of the pages. */
  accentColor: colorSchema.nullable().optional(),
})
export type BrandUpdate = z.infer<typeof brandUpdateSchema>

/** Pictures that cannot carry a script. Judged by their first bytes, never by their name. */
export const LOGO_TYPES = ['image/png', 'image/jpeg', 'image/webp'] as const
export type LogoType = (typeof LOGO_TYPES)[number]
export const logoUploadSchema = z.strictObject({
  /** Base64 of the picture's bytes. */
  data: z.base64().max(Math.ceil(MAX_LOGO_BYTES / 3) * 4),
})
export type LogoUpload = z.infer<typeof logoUploadSchema>

/** From when on alarm rules speak, per tenant. */
export const thresholdsSchema = z.strictObject({
  /** A device is silent after so many of its usual intervals. */
  silenceIntervals: z.number().min(2).max(100),
  /** And after no less than this. */
  silenceMinutes: z.number().min(1).max(2880),
  /** A site underperforms from so many percent below its expectation on. */
  underperformancePercent: z.number().min(5).max(80),
  /** And when that has lasted so long. */
  underperformanceHours: z.number().min(0.5).max(72),
})
export type Thresholds = z.infer<typeof thresholdsSchema>
