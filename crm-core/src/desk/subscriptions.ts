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
import {
  elevated,
  hasPermission,
  narrowCaller,
  readUserRights,
  seesSite,
  tenantOf,
  type UserRights,
} from '../rights/callers.ts'

const isAtLeast = (severity: Severity, floor: Severity): boolean =>
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

export interface SubscriberLookup {
  /**
   * Who is to hear of an alarm of a site: those who subscribed to its customer, to itself, to a unit above it or to
   * everything, from this severity on, and who may see the site's alarms now. Each person once.
   */
  of(site: Row<'site'>, severity: Severity): Promise<Subscriber[]>
  /** Those of the people named who may see the site's alarms now. */
  still(site: Row<'site'>, userIds: readonly string[]): Promise<Row<'user'>[]>
}

/**
 * Remembers what it read, so it lives as long as one transaction and not longer.
 * @param db system rights
 */
export function createSubscriberLookup(db: ReadDb): SubscriberLookup {
  const remember = <V>(memory: Map<string, Promise<V>>, key: string, load: () => Promise<V>): Promise<V> => {
    const known = memory.get(key) ?? load()
    memory.set(key, known)
    return known
  }
  const units = new Map<string, Promise<string[]>>()
  const rights = new Map<string, Promise<UserRights | undefined>>()
  const subscriptions = new Map<string, Promise<Row<'subscription'>[]>>()

  const unitsAbove = (site: Row<'site'>): Promise<string[]> =>
    remember(units, site.orgUnitId, async () => {
      const rows = await db.find('orgUnitClosure', { where: { descendantId: site.orgUnitId } })
      return rows.map(({ ancestorId }) => ancestorId)
    })
  async function whoSees(site: Row<'site'>, userId: string): Promise<Row<'user'> | undefined> {
    const person = await remember(rights, userId, () => readUserRights(db, userId))
    if (person === undefined || !person.caller.permissions.has('alarm:read')) return undefined
    return seesSite(narrowCaller(person.caller, 'alarm:read'), site, await unitsAbove(site)) ? person.user : undefined
  }

  return {
    async of(site, severity) {
      const above = await unitsAbove(site)
      const all = await remember(subscriptions, site.tenantId, () =>
        db.all('subscription', { tenantId: site.tenantId }),
      )
      const matching = all.filter(
        ({ customerId, siteId, orgUnitId, minSeverity }) =>
          (customerId ?? site.customerId) === site.customerId &&
          (siteId ?? site.id) === site.id &&
          (orgUnitId === null || above.includes(orgUnitId)) &&
          isAtLeast(severity, minSeverity),
      )
      const subscribers: Subscriber[] = []
      for (const [userId, own] of Map.groupBy(matching, (each) => each.userId)) {
        const user = await whoSees(site, userId)
        if (user) subscribers.push({ user, channels: new Set(own.flatMap(({ channels }) => channels)) })
      }
      return subscribers
    },
    async still(site, userIds) {
      const people: Row<'user'>[] = []
      for (const userId of userIds) {
        const user = await whoSees(site, userId)
        if (user) people.push(user)
      }
      return people
    },
  }
}
