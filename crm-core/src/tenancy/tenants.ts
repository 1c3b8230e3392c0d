import {
  DEFAULT_ROLES,
  ProblemError,
  ROLE_NAMES,
  type Caller,
  type Row,
  type TenantCreate,
  type TenantId,
  type TenantUpdate,
  type WriteOptions,
} from '../../contracts/index.ts'
import { registryTenant, THRESHOLDS_SETTING } from '../assets/registry-facts.ts'
import { hashPassword } from '../auth/passwords.ts'
import type { Revocations } from '../auth/revocation.ts'
import { systemCaller } from '../database/crm-database.ts'
import { isSystem, isUnbound } from '../database/policy.ts'
import type { CrmDeps } from '../deps.ts'
import { narrowCaller, requirePermission } from '../rights/callers.ts'
import { createUnit } from './org-units.ts'

/** The tenant that `HELIO_ADMIN_EMAIL` is administrator of. */
export const DEFAULT_TENANT = 'default'

export function createTenants({ db }: CrmDeps, revocations: Revocations) {
  /** A tenant with its root unit, its roles and its first administrator, in one transaction. */
  async function create(
    caller: Caller,
    input: TenantCreate & { operator?: boolean },
  ): Promise<{ tenantId: TenantId; rootId: string; adminId: string }> {
    if (!isSystem(caller)) requirePermission(caller, 'platform:operate')
    const passwordHash = await hashPassword(input.adminPassword)
    const actor = isUnbound(caller)
      ? caller
      : { ...systemCaller('tenancy'), onBehalfOf: { kind: caller.kind, id: caller.id } }
    return await db.as(actor).transaction(async (tx) => {
      const tenant = await tx.create('tenant', { name: input.name, status: 'active' })
      const tenantId = tenant.id as TenantId
      tx.emit({ type: 'tenant.upserted', tenantId, tenant: registryTenant(tenant) })
      // System rights name no tenant: every row says whose it is.
      const inTenant = {
        ...tx,
        create: ((table, values) => tx.create(table, { ...values, tenantId })) as typeof tx.create,
      }
      const root = await createUnit(inTenant, input.name, null)
      const roles = await tx.createMany(
        'role',
        ROLE_NAMES.map((name) => ({ tenantId, name, permissions: [...DEFAULT_ROLES[name]], builtIn: true })),
      )
      const admin = await tx.create('user', {
        tenantId,
        email: input.adminEmail.trim().toLowerCase(),
        name: input.adminName ?? input.adminEmail,
        status: 'active',
        passwordHash,
      })
      const given = roles.filter(({ name }) => name === 'admin' || (input.operator === true && name === 'operator'))
      await tx.createMany(
        'roleAssignment',
        given.map((role) => ({ tenantId, userId: admin.id, roleId: role.id, orgUnitId: root.id })),
      )
      return { tenantId, rootId: root.id, adminId: admin.id }
    })
  }

  /**
   * Sees to it that the platform has its operator, administrator of the tenant `default`. Where the account is there already
   * nothing changes, its password included.
   */
  async function ensureAdmin(input: {
    email: string
    password: string
  }): Promise<{ tenantId: TenantId; created: boolean }> {
    const email = input.email.trim().toLowerCase()
    const user = await db.system.first('user', { email })
    if (user !== undefined) return { tenantId: user.tenantId as TenantId, created: false }
    const tenant = await db.system.first('tenant', { name: DEFAULT_TENANT })
    if (tenant === undefined) {
      const made = await create(systemCaller('setup'), {
        name: DEFAULT_TENANT,
        adminEmail: email,
        adminPassword: input.password,
        operator: true,
      })
      return { tenantId: made.tenantId, created: true }
    }
    const tenantId = tenant.id as TenantId
    const passwordHash = await hashPassword(input.password)
    await db.systemIn(tenantId, 'setup').transaction(async (tx) => {
      const root = await tx.first('orgUnit', { parentId: null })
      const roles = await tx.find('role', { where: { name: { in: ['admin', 'operator'] } } })
      const admin = await tx.create('user', { email, name: email, status: 'active', passwordHash })
      await tx.createMany(
        'roleAssignment',
        roles.map((role) => ({ userId: admin.id, roleId: role.id, orgUnitId: root!.id })),
      )
    })
    return { tenantId, created: true }
  }

  /** Renames or suspends. Suspending ends every session of its people; its devices are refused at the edge. */
  async function update(
    caller: Caller,
    id: string,
    changes: TenantUpdate,
    options?: WriteOptions,
  ): Promise<Row<'tenant'>> {
    requirePermission(caller, 'tenant:write')
    // The tenant is more than a unit of it: who administers a unit changes neither its name nor its state.
    const operates = isSystem(caller) || caller.permissions.has('platform:operate')
    if (!operates && narrowCaller(caller, 'tenant:write').siteScope !== 'tenant') throw new ProblemError('forbidden')
    if (!operates && changes.status !== undefined) requirePermission(caller, 'platform:operate')
    await db.as(caller).get('tenant', id)
    const tenantId = id as TenantId
    const as = db.as({ ...systemCaller('tenancy', tenantId), onBehalfOf: { kind: caller.kind, id: caller.id } })
    let people: string[] = []
    const row = await as.transaction(async (tx) => {
      const before = await tx.get('tenant', id)
      const tenant = await tx.update('tenant', id, changes, options)
      // The root unit stands for the whole: it bears the company's name until somebody calls it something else.
      const root = await tx.first('orgUnit', { parentId: null })
      if (root?.name === before.name && tenant.name !== before.name)
        await tx.update('orgUnit', root.id, { name: tenant.name })
      const thresholds = await tx.first('setting', { name: THRESHOLDS_SETTING })
      tx.emit({ type: 'tenant.upserted', tenant: registryTenant(tenant, thresholds) })
      people = []
      if (tenant.status === 'suspended') {
        people = (await tx.all('user')).map((user) => user.id)
        const keys = (await tx.all('apiKey')).map((key) => key.id)
        people.push(...keys)
        await tx.removeWhere('session', { userId: { in: people } })
        tx.emit({ type: 'rights.changed', userIds: people })
      }
      return tenant
    })
    if (people.length > 0) revocations.revoke({ callerIds: people })
    return row
  }

  /** By id or by name. @throws ProblemError `not_found` */
  async function find(idOrName: string): Promise<Row<'tenant'>> {
    const [tenant] = await db.system.find('tenant', { where: { OR: [{ id: idOrName }, { name: idOrName }] }, limit: 1 })
    if (tenant === undefined) throw new ProblemError('not_found')
    return tenant
  }

  return { create, ensureAdmin, update, find }
}
