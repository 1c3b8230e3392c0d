import { z } from 'zod'
import { CONTRACT_KINDS, CONTRACT_STATUSES, SERVICE_HOURS } from '../contract-words.ts'
import { idSchema } from '../ids.ts'
import { dateSchema, nameSchema, storedFields, textSchema } from './common.ts'

const promisedHours = z.number().min(0.25).max(8760)
const contractSlaSchema = z.object({
  firstResponseH: promisedHours.nullable(),
  solutionH: promisedHours.nullable(),
  hours: z.enum(SERVICE_HOURS),
})
export type ContractSla = z.infer<typeof contractSlaSchema>
/** What is not named is not promised, and hours count around the clock. */
const slaInputSchema = z.strictObject({
  firstResponseH: promisedHours.nullable().default(null),
  solutionH: promisedHours.nullable().default(null),
  hours: z.enum(SERVICE_HOURS).default('always'),
})

const guaranteeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('energy'), value: z.number().positive().max(1e10) }),
  z.strictObject({ kind: z.literal('performance-ratio'), value: z.number().positive().max(1) }),
])
export type Guarantee = z.infer<typeof guaranteeSchema>

/** Decimal text, so that 0.0821 stays 0.0821. */
const pricePerKwhSchema = z
  .string()
  .trim()
  .regex(/^(0|[1-9]\d{0,8})(\.\d{1,8})?$/, 'is not a price such as 0.0821')
/** What a kilowatt hour is worth, in the currency's major unit. */
const tariffSchema = z.strictObject({
  perKwh: pricePerKwhSchema,
  currency: z.string().regex(/^[A-Z]{3}$/, 'is not a currency of three letters, such as EUR'),
})
export type Tariff = z.infer<typeof tariffSchema>

export const contractSchema = z.object({
  ...storedFields,
  number: z.string(),
  name: z.string(),
  customerId: idSchema,
  kind: z.enum(CONTRACT_KINDS),
  status: z.enum(CONTRACT_STATUSES),
  /** The sites' calendar dates, both included. */
  validFrom: dateSchema,
  validTo: dateSchema.nullable(),
  /** Null: every site of the customer, later ones too. */
  siteIds: z.array(idSchema).nullable(),
  sla: contractSlaSchema.nullable(),
  guarantee: guaranteeSchema.nullable(),
  tariff: tariffSchema.nullable(),
  notes: z.string().nullable(),
})
export type Contract = z.infer<typeof contractSchema>

const siteIdsSchema = z.array(idSchema).min(1).max(500)
const numberSchema = z.string().trim().min(1).max(40)
const contractFields = {
  kind: z.enum(CONTRACT_KINDS).optional(),
  status: z.enum(CONTRACT_STATUSES).optional(),
  validTo: dateSchema.nullable().optional(),
  siteIds: siteIdsSchema.nullable().optional(),
  sla: slaInputSchema.nullable().optional(),
  guarantee: guaranteeSchema.nullable().optional(),
  tariff: tariffSchema.nullable().optional(),
  notes: textSchema.nullable().optional(),
}
export const contractCreateSchema = z.strictObject({
  name: nameSchema,
  customerId: idSchema,
  validFrom: dateSchema,
  /** Absent: the next of the company's own. */
  number: numberSchema.optional(),
  ...contractFields,
})
export type ContractCreate = z.infer<typeof contractCreateSchema>
export const contractUpdateSchema = z.strictObject({
  name: nameSchema.optional(),
  number: numberSchema.optional(),
  validFrom: dateSchema.optional(),
  ...contractFields,
})
export type ContractUpdate = z.infer<typeof contractUpdateSchema>
