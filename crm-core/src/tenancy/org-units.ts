import {
  ProblemError,
  type Caller,
  type CrmDatabase,
  type OrgUnitCreate,
  type OrgUnitUpdate,
  type Row,
  type WriteOptions,
  type WriteTx,
} from '../../contracts/index.ts'
import type { Revocations } from '../auth/revocation.ts'
import type { CrmDeps } from '../deps.ts'
import { elevated, narrowCaller, tenantOf } from '../rights/callers.ts'

/** Deeper trees are mistakes; the closure table grows with depth. */
const MAX_DEPTH = 16

/** Where new things of this caller belong when nothing is said: its own unit, for who reaches everything the root. */
export async function homeUnit(db: CrmDatabase, caller: Caller): Promise<string> {
  if (caller.siteScope === 'limited' && caller.orgUnitIds.length > 0) return caller.orgUnitIds[0]!
  const root = await db.systemIn(tenantOf(caller), 'tenancy').first('orgUnit', { parentId: null })
  if (root === undefined) throw new ProblemError('conflict', 'The tenant has no root unit')
  return root.id
}

/** A unit below a parent, with its rows in the closure table. */
export async function createUnit(tx: WriteTx, name: string, parentId: string | null): Promise<Row<'orgUnit'>> {
  const unit = await tx.create('orgUnit', { name, parentId })
  const above = parentId === null ? [] : await tx.find('orgUnitClosure', { where: { descendantId: parentId } })
  if (above.length >= MAX_DEPTH) throw new ProblemError('conflict', `Units can be ${MAX_DEPTH} deep at most`)
  await tx.createMany('orgUnitClosure', [
    { ancestorId: unit.id, descendantId: unit.id, depth: 0, tenantId: unit.tenantId },
    ...above.map(({ ancestorId, depth }) => ({
      ancestorId,
      descendantId: unit.id,
      depth: depth + 1,
      tenantId: unit.tenantId,
    })),
  ])
  return unit
}

export function createOrgUnits({ db }: CrmDeps, revocations: Revocations) {
  async function create(caller: Caller, input: OrgUnitCreate): Promise<Row<'orgUnit'>> {
    const narrow = narrowCaller(caller, 'tenant:write')
    const parentId = input.parentId ?? (await homeUnit(db, narrow))
    await db.as(narrow).get('orgUnit', parentId)
    // With system rights: the closure table also holds the units above the caller's own.
    return await db.as(elevated(caller, 'tenancy')).transaction((tx) => createUnit(tx, input.name, parentId))
  }

  /** Renames, or moves with everything below it. Rights change with the place: open sockets are judged again. */
  async function update(
    caller: Caller,
    id: string,
    changes: OrgUnitUpdate,
    options?: WriteOptions,
  ): Promise<Row<'orgUnit'>> {
    const narrow = narrowCaller(caller, 'tenant:write')
    const visible = db.as(narrow)
    const unit = await visible.get('orgUnit', id)
    const moves = changes.parentId !== undefined && changes.parentId !== unit.parentId
    if (moves) await visible.get('orgUnit', changes.parentId!)
    if (moves && unit.parentId === null) throw new ProblemError('conflict', 'The root unit stays where it is')
    const affected: string[] = []
    const row = await db.as(elevated(caller, 'tenancy')).transaction(async (tx) => {
      affected.length = 0
      if (moves) {
        await move(tx, id, changes.parentId!)
        const assignments = await tx.all('roleAssignment')
        affected.push(...new Set(assignments.map(({ userId }) => userId)))
        tx.emit({ type: 'rights.changed', userIds: affected })
      }
      return await tx.update('orgUnit', id, changes, options)
    })
    if (affected.length > 0) revocations.revoke({ callerIds: affected })
    return row
  }

  /** @throws ProblemError `in_use` while anything belongs to it */
  async function remove(caller: Caller, id: string, options?: WriteOptions): Promise<void> {
    const unit = await db.as(narrowCaller(caller, 'tenant:write')).get('orgUnit', id)
    if (unit.parentId === null) throw new ProblemError('in_use', 'The root unit cannot be removed')
    await db.as(elevated(caller, 'tenancy')).transaction(async (tx) => {
      if ((await tx.count('orgUnit', { parentId: id })) > 0) throw new ProblemError('in_use', 'It has units below it')
      await tx.removeWhere('orgUnitClosure', { descendantId: id })
      await tx.removeWhere('subscription', { orgUnitId: id })
      await tx.remove('orgUnit', id, options)
    })
  }
  return { create, update, remove }
}

/** Hangs a subtree under another parent: rows between old ancestors and the subtree go, rows to the new ones come. */
async function move(tx: WriteTx, id: string, parentId: string): Promise<void> {
  const below = await tx.find('orgUnitClosure', { where: { ancestorId: id } })
  const inside = below.map(({ descendantId }) => descendantId)
  if (inside.includes(parentId)) throw new ProblemError('conflict', 'A unit cannot be moved below itself')
  const above = await tx.find('orgUnitClosure', { where: { descendantId: parentId } })
  const deepest = Math.max(...below.map(({ depth }) => depth))
  if (above.length + deepest >= MAX_DEPTH) throw new ProblemError('conflict', `Units can be ${MAX_DEPTH} deep at most`)
  await tx.removeWhere('orgUnitClosure', { descendantId: { in: inside }, NOT: { ancestorId: { in: inside } } })
  await tx.createMany(
    'orgUnitClosure',
    above.flatMap((upper) =>
      below.map((lower) => ({
        ancestorId: upper.ancestorId,
        descendantId: lower.descendantId,
        depth: upper.depth + lower.depth + 1,
        tenantId: upper.tenantId,
      })),
    ),
  )
}
