import {
  ProblemError,
  SEVERITIES,
  type Caller,
  type ReadDb,
  type Row,
  type Severity,
  type SubscriptionCreate,
  type WriteOptions,
} from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { elevated, hasPermission, narrowCaller, readUserRights, seesSite, tenantOf } from '../rights/callers.ts'

export const isAtLeast = (severity: Severity, floor: Severity): boolean =>
  SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(floor)

export function createSubscriptions({ db }: CrmDeps) {
  /** Of alarms the person may see: for oneself, or by who manages users for anybody of the tenant. */
  async function create(caller: Caller, input: SubscriptionCreate): Promise<Row<'subscription'>> {
    const narrow = narrowCaller(caller, 'alarm:read')
    const userId = input.userId ?? (caller.kind === 'user' ? caller.id : undefined)
    if (userId === undefined)
      throw new ProblemError('invalid_fields', undefined, { errors: [{ path: 'userId', message: 'is needed' }] })
    const scoped = db.as(narrow)
    if (userId !== caller.id) await db.as(narrowCaller(caller, 'user:write')).get('user', userId)
    if (input.customerId !== undefined) await scoped.get('customer', input.customerId)
    if (input.siteId !== undefined) await scoped.get('site', input.siteId)
    if (input.orgUnitId !== undefined) await scoped.get('orgUnit', input.orgUnitId)
    return await db
      .as(elevated(caller, 'subscriptions'))
      .transaction((tx) => tx.create('subscription', { ...input, userId, minSeverity: input.minSeverity ?? 'major' }))
  }
  async function remove(caller: Caller, id: string, options?: WriteOptions): Promise<void> {
    tenantOf(caller)
    const row = await db.as(caller).get('subscription', id)
    if (row.userId !== caller.id && !hasPermission(caller, 'user:write'))
      throw new ProblemError('forbidden', 'That is somebody else’s subscription')
    await db.as(caller).transaction((tx) => tx.remove('subscription', id, options))
  }
  return { create, remove }
}

export interface Subscriber {
  user: Row<'user'>
  channels: Set<Row<'subscription'>['channels'][number]>
}

/**
 * Who is to hear of an alarm of a site: those who subscribed to its customer, to itself, to a unit above it or to everything,
 * from this severity on, and who may see the site's alarms now. Each person once.
 * @param db system rights
 */
export async function subscribersOf(db: ReadDb, site: Row<'site'>, severity: Severity): Promise<Subscriber[]> {
  const above = (await db.find('orgUnitClosure', { where: { descendantId: site.orgUnitId } })).map(
    ({ ancestorId }) => ancestorId,
  )
  const wanted = await db.all('subscription', {
    tenantId: site.tenantId,
    AND: [
      { OR: [{ customerId: null }, { customerId: site.customerId }] },
      { OR: [{ siteId: null }, { siteId: site.id }] },
      { OR: [{ orgUnitId: null }, { orgUnitId: { in: above } }] },
    ],
  })
  const byUser = Map.groupBy(
    wanted.filter(({ minSeverity }) => isAtLeast(severity, minSeverity)),
    ({ userId }) => userId,
  )
  const subscribers: Subscriber[] = []
  for (const [userId, subscriptions] of byUser) {
    const rights = await readUserRights(db, userId)
    if (rights === undefined || !rights.caller.permissions.has('alarm:read')) continue
    if (!seesSite(narrowCaller(rights.caller, 'alarm:read'), site, above)) continue
    subscribers.push({ user: rights.user, channels: new Set(subscriptions.flatMap(({ channels }) => channels)) })
  }
  return subscribers
}
