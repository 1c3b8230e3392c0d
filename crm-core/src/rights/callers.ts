import {
  DEFAULT_ROLES,
  PERMISSIONS,
  ProblemError,
  type ApiKeyScope,
  type Caller,
  type CallerOrigin,
  type CustomerId,
  type Grant,
  type OrgUnitId,
  type Permission,
  type ReadDb,
  type Row,
  type TenantId,
} from '../../contracts/index.ts'
import { systemCaller } from '../database/crm-database.ts'
import { isSystem } from '../database/policy.ts'

/** Thrown where a caller lacks the permission everywhere; the system's own parts hold all. */
export function requirePermission(caller: Caller, permission: Permission): void {
  if (!isSystem(caller) && !caller.permissions.has(permission))
    throw new ProblemError('forbidden', `This needs the permission "${permission}"`)
}
export const hasPermission = (caller: Caller, permission: Permission): boolean =>
  isSystem(caller) || caller.permissions.has(permission)

/**
 * The caller as it is for one permission: seeing only where it holds that one. A person who may write tickets in the north and
 * read everything in the south writes no ticket in the south.
 * @throws ProblemError `forbidden` where it holds it nowhere
 */
export function narrowCaller(caller: Caller, permission: Permission): Caller {
  if (isSystem(caller)) return caller
  requirePermission(caller, permission)
  const grants = caller.grants.filter((grant) => grant.permissions.has(permission))
  return { ...caller, ...reachOf(grants) }
}

/**
 * System rights inside the caller's tenant, in the caller's name: for the parts of an act that reach beyond what the caller
 * sees (ending sessions, counting numbers), after its right to the act was checked.
 */
export function elevated(caller: Caller, part: string): Caller {
  return {
    ...systemCaller(part, tenantOf(caller)),
    ...(caller.origin === undefined ? {} : { origin: caller.origin }),
    onBehalfOf: caller.onBehalfOf ?? { kind: caller.kind, id: caller.id },
  }
}

/** Tenant whose data this caller works on. @throws ProblemError `forbidden` for callers bound to none */
export function tenantOf(caller: Caller): TenantId {
  if (caller.tenantId === undefined) throw new ProblemError('forbidden', 'This works inside a tenant')
  return caller.tenantId
}

function reachOf(grants: readonly Grant[]): Pick<Caller, 'siteScope' | 'orgUnitIds' | 'customerIds' | 'portal'> {
  return {
    siteScope: grants.some((grant) => grant.reach === 'tenant') ? 'tenant' : 'limited',
    orgUnitIds: [...new Set(grants.flatMap((grant) => grant.orgUnitIds))],
    customerIds: [...new Set(grants.flatMap((grant) => grant.customerIds))],
    portal: grants.length > 0 && grants.every((grant) => grant.portal === true),
  }
}

function callerOf(base: Pick<Caller, 'kind' | 'id' | 'tenantId'>, grants: readonly Grant[]): Caller {
  return {
    ...base,
    permissions: new Set(grants.flatMap((grant) => [...grant.permissions])),
    grants,
    ...reachOf(grants),
  }
}

export interface UserRights {
  user: Row<'user'>
  tenant: Row<'tenant'>
  roles: Row<'role'>[]
  caller: Caller
}

/**
 * A person's rights as they are now.
 * @param db system rights; a transaction of them where the answer must fit what it writes
 * @returns undefined where the person is gone or disabled, or the tenant is suspended
 */
export async function readUserRights(db: ReadDb, userId: string): Promise<UserRights | undefined> {
  const user = await db.first('user', { id: userId })
  if (user === undefined || user.status !== 'active') return undefined
  const [tenant, assignments, links] = await Promise.all([
    db.first('tenant', { id: user.tenantId }),
    db.all('roleAssignment', { userId }),
    db.all('userCustomer', { userId }),
  ])
  if (tenant === undefined || tenant.status !== 'active') return undefined
  const [roles, units] = await Promise.all([
    db.all('role', { id: { in: [...new Set(assignments.map(({ roleId }) => roleId))] } }),
    db.all('orgUnit', { id: { in: [...new Set(assignments.map(({ orgUnitId }) => orgUnitId))] } }),
  ])
  const grants: Grant[] = []
  for (const assignment of assignments) {
    const role = roles.find(({ id }) => id === assignment.roleId)
    const unit = units.find(({ id }) => id === assignment.orgUnitId)
    if (role === undefined || unit === undefined) continue
    grants.push(
      grantOf(
        role,
        unit,
        links.map(({ customerId }) => customerId),
      ),
    )
  }
  const caller = callerOf({ kind: 'user', id: user.id, tenantId: user.tenantId as TenantId }, grants)
  return { user, tenant, roles, caller }
}

function grantOf(role: Row<'role'>, unit: Row<'orgUnit'>, customerIds: string[]): Grant {
  const permissions = new Set(role.permissions)
  const nowhere = { permissions, reach: 'limited', orgUnitIds: [], customerIds: [] } as const
  // The operator runs the platform and sees no customer's data; the customer's role reaches only what is its own.
  if (permissions.has('platform:operate')) return nowhere
  if (role.builtIn && role.name === 'customer')
    return { ...nowhere, customerIds: customerIds as CustomerId[], portal: true }
  if (unit.parentId === null) return { ...nowhere, reach: 'tenant' }
  return { ...nowhere, orgUnitIds: [unit.id as OrgUnitId] }
}

const KEPT_FROM_READ_KEYS: readonly Permission[] = ['user:read', 'audit:read', 'apiKey:read']
const KEPT_FROM_WRITE_KEYS: readonly Permission[] = ['user:write', 'apiKey:write', 'tenant:write', 'ingest:write']
/** What the scopes of an API key permit. */
export function scopePermissions(scopes: readonly ApiKeyScope[]): Set<Permission> {
  const granted = new Set<Permission>()
  const reads = (permission: Permission) =>
    (permission.endsWith(':read') || permission === 'telemetry:export') && !KEPT_FROM_READ_KEYS.includes(permission)
  const writes = (permission: Permission) =>
    (permission.endsWith(':write') || permission === 'device:claim' || permission === 'pipeline:replay') &&
    !KEPT_FROM_WRITE_KEYS.includes(permission)
  for (const permission of PERMISSIONS) {
    if (scopes.includes('ingest') && permission === 'ingest:write') granted.add(permission)
    if ((scopes.includes('read') || scopes.includes('write')) && reads(permission)) granted.add(permission)
    if (scopes.includes('write') && writes(permission)) granted.add(permission)
  }
  if (scopes.includes('admin')) for (const permission of DEFAULT_ROLES.admin) granted.add(permission)
  return granted
}

export function apiKeyCaller(key: Row<'apiKey'>, origin?: CallerOrigin): Caller {
  const permissions = scopePermissions(key.scopes)
  const grant: Grant = { permissions, reach: 'tenant', orgUnitIds: [], customerIds: [] }
  const caller = callerOf({ kind: 'apiKey', id: key.id, tenantId: key.tenantId as TenantId }, [grant])
  return { ...caller, scopes: key.scopes, ...(origin === undefined ? {} : { origin }) }
}

/** Whether a caller sees a site, from facts already at hand. `unitsAbove`: the site's unit and every unit above it. */
export function seesSite(
  caller: Caller,
  site: Pick<Row<'site'>, 'tenantId' | 'customerId'>,
  unitsAbove: readonly string[],
): boolean {
  if (caller.tenantId !== site.tenantId) return false
  if (caller.siteScope === 'tenant') return true
  return (
    (caller.customerIds as readonly string[]).includes(site.customerId) ||
    caller.orgUnitIds.some((unit) => unitsAbove.includes(unit))
  )
}
