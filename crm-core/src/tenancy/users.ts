import {
  ProblemError,
  type Caller,
  type OrgUnitId,
  type Permission,
  type ProfileUpdate,
  type ReadDb,
  type Row,
  type User,
  type UserCreate,
  type UserUpdate,
  type WriteOptions,
  type WriteTx,
} from '../../contracts/index.ts'
import { hashPassword } from '../auth/passwords.ts'
import { queuePasswordLink } from '../auth/password-reset.ts'
import type { Revocations } from '../auth/revocation.ts'
import { isSystem } from '../database/policy.ts'
import type { CrmDeps } from '../deps.ts'
import { userResource } from '../resources/people.ts'
import { elevated, narrowCaller } from '../rights/callers.ts'
import { homeUnit } from './org-units.ts'

interface WantedRole {
  role: string
  orgUnitId?: string | undefined
}

export function createUsers(deps: CrmDeps, revocations: Revocations) {
  const { db } = deps

  /** Without a password the person gets a mail to choose one. @throws ProblemError `conflict` where the address is taken */
  async function create(caller: Caller, input: UserCreate): Promise<Row<'user'>> {
    const narrow = narrowCaller(caller, 'user:write')
    const passwordHash = input.password === undefined ? null : await hashPassword(input.password)
    const home = await homeUnit(db, narrow)
    return await db.as(elevated(caller, 'users')).transaction(async (tx) => {
      const user = await tx.create('user', {
        email: input.email.trim().toLowerCase(),
        name: input.name,
        phone: input.phone ?? null,
        status: 'active',
        passwordHash,
      })
      await assignRoles(tx, narrow, user.id, input.roles, home)
      await linkCustomers(tx, narrow, user.id, input.customerIds ?? [])
      if (passwordHash === null) await queuePasswordLink(tx, deps, user, 'invitation')
      return user
    })
  }

  /** Changes take effect at once: sessions are judged again, a disabled person's are ended. */
  async function update(caller: Caller, id: string, input: UserUpdate, options?: WriteOptions): Promise<Row<'user'>> {
    const narrow = narrowCaller(caller, 'user:write')
    await db.as(narrow).get('user', id)
    const { roles, customerIds, ...changes } = input
    const home = await homeUnit(db, narrow)
    const row = await db.as(elevated(caller, 'users')).transaction(async (tx) => {
      await checkMayManage(tx, narrow, id)
      const user = await tx.update('user', id, changes, options)
      if (roles !== undefined) await assignRoles(tx, narrow, id, roles, home)
      if (customerIds !== undefined) await linkCustomers(tx, narrow, id, customerIds)
      if (user.status === 'disabled') await tx.removeWhere('session', { userId: id })
      await checkAdminLeft(tx)
      tx.emit({ type: 'rights.changed', userIds: [id] })
      return user
    })
    revocations.revoke({ callerIds: [id] })
    return row
  }

  /** What everybody may change of itself. */
  async function updateOwn(caller: Caller, changes: ProfileUpdate): Promise<Row<'user'>> {
    if (caller.kind !== 'user') throw new ProblemError('forbidden', 'Only people have a profile')
    return await db.as(elevated(caller, 'users')).transaction((tx) => tx.update('user', caller.id, changes))
  }

  /** Removes the person and takes what the audit trail keeps of it; the trail's chain still holds. */
  async function remove(caller: Caller, id: string, options?: WriteOptions): Promise<void> {
    const narrow = narrowCaller(caller, 'user:write')
    await db.as(narrow).get('user', id)
    await db.as(elevated(caller, 'users')).transaction(async (tx) => {
      await checkMayManage(tx, narrow, id)
      for (const ticket of await tx.all('ticket', { assigneeId: id }))
        await tx.update('ticket', ticket.id, { assigneeId: null })
      for (const table of [
        'session',
        'passwordReset',
        'subscription',
        'savedView',
        'roleAssignment',
        'userCustomer',
      ] as const)
        await tx.removeWhere(table, { userId: id })
      await tx.remove('user', id, options)
      await checkAdminLeft(tx)
      tx.emit({ type: 'rights.changed', userIds: [id] })
    })
    await db
      .as(elevated(caller, 'users'))
      .transaction((tx) => tx.updateWhere('audit', { resource: 'user', resourceId: id }, { details: null, salt: null }))
    revocations.revoke({ callerIds: [id] })
  }

  /** People with their roles and customers, as the API shows them. */
  async function view(caller: Caller, rows: Row<'user'>[]): Promise<User[]> {
    const scoped = db.as(caller)
    const userId = { in: rows.map(({ id }) => id) }
    const [assignments, links, roles] = await Promise.all([
      scoped.all('roleAssignment', { userId }),
      scoped.all('userCustomer', { userId }),
      scoped.all('role'),
    ])
    return rows.map((row) => userResource(row, { assignments, links, roles }))
  }

  return { create, update, updateOwn, remove, view }
}

/**
 * Replaces a person's roles. Nobody gives what it does not hold, nor where it does not hold it; taking away follows the same
 * rule, so a unit's administrator cannot unseat the tenant's.
 */
async function assignRoles(
  tx: WriteTx,
  giver: Caller,
  userId: string,
  wanted: WantedRole[],
  home: string,
): Promise<void> {
  const roles = await tx.find('role', { where: { name: { in: wanted.map(({ role }) => role) } } })
  const held = await tx.find('roleAssignment', { where: { userId } })
  const next = wanted.map(({ role: name, orgUnitId = home }) => {
    const role = roles.find((each) => each.name === name)
    if (role === undefined)
      throw new ProblemError('invalid_fields', undefined, { errors: [{ path: 'roles', message: `no role "${name}"` }] })
    return { roleId: role.id, orgUnitId }
  })
  const equal = (a: { roleId: string; orgUnitId: string }, b: typeof a) =>
    a.roleId === b.roleId && a.orgUnitId === b.orgUnitId
  const gone = held.filter((old) => !next.some((each) => equal(each, old)))
  const fresh = next.filter(
    (each, at) => !held.some((old) => equal(each, old)) && next.findIndex((other) => equal(other, each)) === at,
  )
  const touched = await tx.find('role', { where: { id: { in: [...gone, ...fresh].map(({ roleId }) => roleId) } } })
  for (const change of [...gone, ...fresh])
    await checkMayGive(
      tx,
      giver,
      touched.find(({ id }) => id === change.roleId)!,
      change.orgUnitId,
    )
  for (const old of gone) await tx.remove('roleAssignment', old.id)
  await tx.createMany(
    'roleAssignment',
    fresh.map((each) => ({ ...each, userId })),
  )
}

/** Who also holds a role beyond the giver's reach is not the giver's to rename, disable or remove. */
async function checkMayManage(tx: ReadDb, giver: Caller, userId: string): Promise<void> {
  if (isSystem(giver)) return
  const held = await tx.find('roleAssignment', { where: { userId } })
  const roles = await tx.find('role', { where: { id: { in: held.map(({ roleId }) => roleId) } } })
  for (const { roleId, orgUnitId } of held)
    await checkMayGive(
      tx,
      giver,
      roles.find(({ id }) => id === roleId)!,
      orgUnitId,
    )
}

async function checkMayGive(tx: ReadDb, giver: Caller, role: Row<'role'>, orgUnitId: string): Promise<void> {
  if (isSystem(giver)) return
  const above = (await tx.find('orgUnitClosure', { where: { descendantId: orgUnitId } })).map(
    ({ ancestorId }) => ancestorId,
  )
  const here = new Set<Permission>()
  for (const grant of giver.grants)
    if (grant.reach === 'tenant' || grant.orgUnitIds.some((unit: OrgUnitId) => above.includes(unit)))
      for (const permission of grant.permissions) here.add(permission)
  // The operator's own role reaches no unit; who holds it may hand it on.
  if (giver.permissions.has('platform:operate'))
    for (const permission of role.permissions) if (permission === 'platform:operate') here.add(permission)
  const lacks = role.permissions.filter((permission) => !here.has(permission))
  if (above.length === 0 || lacks.length > 0)
    throw new ProblemError('forbidden', `You cannot give or take the role "${role.name}" there`)
}

async function linkCustomers(
  tx: WriteTx,
  giver: Caller,
  userId: string,
  customerIds: readonly string[],
): Promise<void> {
  const wanted = new Set(customerIds)
  if (!isSystem(giver) && giver.siteScope === 'limited' && wanted.size > 0) {
    const units = await tx.find('orgUnitClosure', { where: { ancestorId: { in: [...giver.orgUnitIds] } } })
    const reachable = await tx.count('customer', {
      id: { in: [...wanted] },
      orgUnitId: { in: units.map(({ descendantId }) => descendantId) },
    })
    if (reachable !== wanted.size) throw new ProblemError('not_found', 'There is no such customer that you may see')
  }
  const held = await tx.find('userCustomer', { where: { userId } })
  for (const link of held) if (!wanted.delete(link.customerId)) await tx.remove('userCustomer', link.id)
  await tx.createMany(
    'userCustomer',
    [...wanted].map((customerId) => ({ userId, customerId })),
  )
}

/** A tenant without an administrator could never get one again. */
async function checkAdminLeft(tx: WriteTx): Promise<void> {
  const role = await tx.first('role', { name: 'admin', builtIn: true })
  if (role === undefined) return
  const holders = await tx.find('roleAssignment', { where: { roleId: role.id } })
  const active = await tx.count('user', { id: { in: holders.map(({ userId }) => userId) }, status: 'active' })
  if (active === 0) throw new ProblemError('conflict', 'The tenant needs at least one active administrator')
}
