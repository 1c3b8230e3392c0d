import { z } from 'zod'
import { idSchema } from '../ids.ts'
import { API_KEY_SCOPES, PERMISSIONS } from '../roles.ts'
import { emailSchema, nameSchema, storedFields, timeInputSchema, timeSchema, e164Schema } from './common.ts'

/** Ten characters at least; the upper bound keeps one sign-in from hashing megabytes. */
export const passwordSchema = z.string().min(10, 'needs at least 10 characters').max(256)

export const tenantSchema = z.object({
  ...storedFields,
  name: z.string(),
  status: z.enum(['active', 'suspended']),
})
export type Tenant = z.infer<typeof tenantSchema>
export const tenantCreateSchema = z.strictObject({
  name: nameSchema,
  adminEmail: emailSchema,
  adminName: nameSchema.optional(),
  adminPassword: passwordSchema,
})
export type TenantCreate = z.infer<typeof tenantCreateSchema>
export const tenantUpdateSchema = z.strictObject({
  name: nameSchema.optional(),
  status: z.enum(['active', 'suspended']).optional(),
})
export type TenantUpdate = z.infer<typeof tenantUpdateSchema>

export const orgUnitSchema = z.object({
  ...storedFields,
  /** Null for the root. */
  parentId: idSchema.nullable(),
  name: z.string(),
})
export type OrgUnit = z.infer<typeof orgUnitSchema>
export const orgUnitCreateSchema = z.strictObject({ name: nameSchema, parentId: idSchema.optional() })
export type OrgUnitCreate = z.infer<typeof orgUnitCreateSchema>
export const orgUnitUpdateSchema = z.strictObject({ name: nameSchema.optional(), parentId: idSchema.optional() })
export type OrgUnitUpdate = z.infer<typeof orgUnitUpdateSchema>

export const roleSchema = z.object({
  ...storedFields,
  name: z.string(),
  permissions: z.array(z.enum(PERMISSIONS)),
  builtIn: z.boolean(),
})
export type Role = z.infer<typeof roleSchema>

/** A role holds at an org unit and everything below it. */
export const roleAssignmentSchema = z.object({ role: z.string(), orgUnitId: idSchema })
const assignmentInputSchema = z.strictObject({ role: nameSchema, orgUnitId: idSchema.optional() })

export const userSchema = z.object({
  ...storedFields,
  email: z.string(),
  name: z.string(),
  phone: z.string().nullable(),
  status: z.enum(['active', 'disabled']),
  roles: z.array(roleAssignmentSchema),
  /** Customers whose portal this person may see. */
  customerIds: z.array(idSchema),
  lastLoginAt: timeSchema.nullable(),
})
export type User = z.infer<typeof userSchema>
export const userCreateSchema = z.strictObject({
  email: emailSchema,
  name: nameSchema,
  phone: e164Schema.optional(),
  /** Absent: the person gets a mail to choose one. */
  password: passwordSchema.optional(),
  roles: z.array(assignmentInputSchema).min(1).max(20),
  customerIds: z.array(idSchema).max(500).optional(),
})
export type UserCreate = z.infer<typeof userCreateSchema>
export const userUpdateSchema = z.strictObject({
  name: nameSchema.optional(),
  phone: e164Schema.nullable().optional(),
  status: z.enum(['active', 'disabled']).optional(),
  roles: z.array(assignmentInputSchema).min(1).max(20).optional(),
  customerIds: z.array(idSchema).max(500).optional(),
})
export type UserUpdate = z.infer<typeof userUpdateSchema>

export const loginSchema = z.strictObject({ email: z.string().min(1).max(254), password: z.string().min(1).max(256) })
export type Login = z.infer<typeof loginSchema>
export const passwordChangeSchema = z.strictObject({ current: z.string().min(1).max(256), new: passwordSchema })
export const passwordResetRequestSchema = z.strictObject({ email: z.string().min(1).max(254) })
export const passwordResetSchema = z.strictObject({ token: z.string().min(20).max(100), new: passwordSchema })

/** Answer of sign-in and of `GET /me`. */
export const meSchema = z.object({
  user: z.object({ id: idSchema, email: z.string(), name: z.string(), phone: z.string().nullable() }),
  roles: z.array(z.string()),
  permissions: z.array(z.enum(PERMISSIONS)),
  tenant: z.object({ id: idSchema, name: z.string() }),
  customerIds: z.array(idSchema),
})
export type Me = z.infer<typeof meSchema>

export const sessionSchema = z.object({
  id: idSchema,
  createdAt: timeSchema,
  lastSeenAt: timeSchema,
  expiresAt: timeSchema,
  address: z.string().nullable(),
  userAgent: z.string().nullable(),
  current: z.boolean(),
})
export type Session = z.infer<typeof sessionSchema>

export const apiKeySchema = z.object({
  ...storedFields,
  name: z.string(),
  /** First characters of the key, to tell keys apart. */
  hint: z.string(),
  scopes: z.array(z.enum(API_KEY_SCOPES)),
  /** The connection that readings sent with this key come in by. */
  connectionId: idSchema.nullable(),
  expiresAt: timeSchema.nullable(),
  revokedAt: timeSchema.nullable(),
})
export type ApiKey = z.infer<typeof apiKeySchema>
export const apiKeyCreateSchema = z.strictObject({
  name: nameSchema,
  scopes: z.array(z.enum(API_KEY_SCOPES)).min(1).max(API_KEY_SCOPES.length),
  expiresAt: timeInputSchema.optional(),
})
export type ApiKeyCreate = z.infer<typeof apiKeyCreateSchema>
/** Answered once, on creation. */
export const apiKeyCreatedSchema = apiKeySchema.extend({ key: z.string() })
export type ApiKeyCreated = z.infer<typeof apiKeyCreatedSchema>

export const auditEntrySchema = z.object({
  id: idSchema,
  /** Place in the tenant's chain. */
  seq: z.int(),
  at: timeSchema,
  actorKind: z.string(),
  actorId: z.string().nullable(),
  action: z.string(),
  resource: z.string(),
  resourceId: z.string().nullable(),
  /** Changed fields with their values before and after; null once erased. */
  details: z.record(z.string(), z.unknown()).nullable(),
  hash: z.string(),
})
export type AuditEntry = z.infer<typeof auditEntrySchema>
