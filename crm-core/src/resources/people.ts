import type {
  ApiKey,
  AuditEntry,
  Contact,
  Customer,
  OrgUnit,
  Role,
  Row,
  SavedView,
  Session,
  Tenant,
  User,
} from '../../contracts/index.ts'
import { stored, time, timeOrNull } from './shared.ts'

export const tenantResource = (row: Row<'tenant'>): Tenant => ({ ...stored(row), name: row.name, status: row.status })
export const orgUnitResource = (row: Row<'orgUnit'>): OrgUnit => ({
  ...stored(row),
  parentId: row.parentId,
  name: row.name,
})
export const roleResource = (row: Row<'role'>): Role => ({
  ...stored(row),
  name: row.name,
  permissions: row.permissions,
  builtIn: row.builtIn,
})

export function userResource(
  row: Row<'user'>,
  more: { assignments: Row<'roleAssignment'>[]; links: Row<'userCustomer'>[]; roles: Row<'role'>[] },
): User {
  const names = new Map(more.roles.map((role) => [role.id, role.name]))
  return {
    ...stored(row),
    email: row.email,
    name: row.name,
    phone: row.phone,
    status: row.status,
    roles: more.assignments.flatMap(({ userId, roleId, orgUnitId }) => {
      const role = names.get(roleId)
      return userId === row.id && role !== undefined ? [{ role, orgUnitId }] : []
    }),
    customerIds: more.links.filter(({ userId }) => userId === row.id).map(({ customerId }) => customerId),
    lastLoginAt: timeOrNull(row.lastLoginAt),
  }
}

/** @param currentId session that asks */
export const sessionResource = (row: Row<'session'>, currentId: string | undefined): Session => ({
  id: row.id,
  createdAt: time(row.createdAt),
  lastSeenAt: time(row.lastSeenAt),
  expiresAt: time(row.expiresAt),
  address: row.address,
  userAgent: row.userAgent,
  current: row.id === currentId,
})

export const apiKeyResource = (row: Row<'apiKey'>): ApiKey => ({
  ...stored(row),
  name: row.name,
  hint: row.hint,
  scopes: row.scopes,
  connectionId: row.connectionId,
  expiresAt: timeOrNull(row.expiresAt),
  revokedAt: timeOrNull(row.revokedAt),
})

export const auditEntryResource = (row: Row<'audit'>): AuditEntry => ({
  id: row.id,
  seq: row.seq,
  at: time(row.at),
  actorKind: row.actorKind,
  actorId: row.actorId,
  action: row.action,
  resource: row.resource,
  resourceId: row.resourceId,
  details: row.details === null ? null : (JSON.parse(row.details) as Record<string, unknown>),
  hash: row.hash,
})

export const customerResource = (row: Row<'customer'>): Customer => ({
  ...stored(row),
  name: row.name,
  kind: row.kind,
  email: row.email,
  phone: row.phone,
  address: row.address,
  orgUnitId: row.orgUnitId,
  notes: row.notes,
})
export const contactResource = (row: Row<'contact'>): Contact => ({
  ...stored(row),
  customerId: row.customerId,
  name: row.name,
  position: row.position,
  email: row.email,
  phone: row.phone,
})

export const savedViewResource = (row: Row<'savedView'>): SavedView => ({
  ...stored(row),
  name: row.name,
  address: row.address,
})
