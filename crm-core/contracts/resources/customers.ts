import { z } from 'zod'
import { idSchema } from '../ids.ts'
import { addressSchema, emailSchema, nameSchema, phoneSchema, storedFields, textSchema } from './common.ts'

export const CUSTOMER_KINDS = ['residential', 'commercial', 'public', 'utility'] as const

export const customerSchema = z.object({
  ...storedFields,
  name: z.string(),
  kind: z.enum(CUSTOMER_KINDS),
  email: z.string().nullable(),
  phone: z.string().nullable(),
  address: addressSchema.nullable(),
  orgUnitId: idSchema,
  notes: z.string().nullable(),
})
export type Customer = z.infer<typeof customerSchema>
const customerFields = {
  kind: z.enum(CUSTOMER_KINDS).optional(),
  email: emailSchema.nullable().optional(),
  phone: phoneSchema.nullable().optional(),
  address: addressSchema.nullable().optional(),
  orgUnitId: idSchema.optional(),
  notes: textSchema.nullable().optional(),
}
export const customerCreateSchema = z.strictObject({ name: nameSchema, ...customerFields })
export type CustomerCreate = z.infer<typeof customerCreateSchema>
export const customerUpdateSchema = z.strictObject({ name: nameSchema.optional(), ...customerFields })
export type CustomerUpdate = z.infer<typeof customerUpdateSchema>

export const contactSchema = z.object({
  ...storedFields,
  customerId: idSchema,
  name: z.string(),
  position: z.string().nullable(),
  email: z.string().nullable(),
  phone: z.string().nullable(),
})
export type Contact = z.infer<typeof contactSchema>
const contactFields = {
  position: z.string().max(100).nullable().optional(),
  email: emailSchema.nullable().optional(),
  phone: phoneSchema.nullable().optional(),
}
export const contactCreateSchema = z.strictObject({ customerId: idSchema, name: nameSchema, ...contactFields })
export type ContactCreate = z.infer<typeof contactCreateSchema>
export const contactUpdateSchema = z.strictObject({ name: nameSchema.optional(), ...contactFields })
export type ContactUpdate = z.infer<typeof contactUpdateSchema>
