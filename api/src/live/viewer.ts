import type { LiveValue, Permission } from '@heliograph/crm-core/contracts'

/** Whose eyes an update is for. Two viewers with the same `key` see the same values and share their frames. */
export interface Viewer {
  readonly key: string
  readonly tenantId: string
  readonly permissions: ReadonlySet<Permission>
  /** Absent: every site of the tenant. */
  readonly siteIds?: ReadonlySet<string>
  /** Customers whose site-less records (tickets) a limited viewer sees. */
  readonly customerIds?: ReadonlySet<string>
}

/**
 * The right that values of one kind ask for. A kind that is not in the table is shown to nobody, so that a new key on the
 * bus never leaks before somebody has decided who may see it.
 */
const permissionOf: Readonly<Record<string, Permission>> = {
  site: 'site:read',
  device: 'device:read',
  alarm: 'alarm:read',
  ticket: 'ticket:read',
  'site-record': 'site:read',
}
/** Topics that list all of one kind; other topics are the key of one thing. */
export const KIND_OF_LIST: ReadonlyMap<string, string> = new Map([
  ['fleet', 'site'],
  ['alarms', 'alarm'],
  ['tickets', 'ticket'],
  ['sites', 'site-record'],
])
export const kindOf = (key: string): string => key.slice(0, key.indexOf(':'))
export const idOf = (key: string): string => key.slice(key.indexOf(':') + 1)

export function maySee(viewer: Viewer, value: LiveValue): boolean {
  if (value.tenantId !== viewer.tenantId) return false
  const permission = permissionOf[kindOf(value.key)]
  if (permission === undefined || !viewer.permissions.has(permission)) return false
  if (viewer.siteIds === undefined) return true
  const siteId = value.siteId ?? (value.key.startsWith('site:') ? idOf(value.key) : undefined)
  if (siteId !== undefined) return viewer.siteIds.has(siteId)
  return value.customerId !== undefined && viewer.customerIds?.has(value.customerId) === true
}

/** Whether a viewer lost something that it had: a permission or a site. */
export function isNarrower(now: Viewer, before: Viewer): boolean {
  if (now.tenantId !== before.tenantId) return true
  for (const permission of before.permissions) if (!now.permissions.has(permission)) return true
  if (now.siteIds === undefined) return false
  if (before.siteIds === undefined) return true
  for (const siteId of before.siteIds) if (!now.siteIds.has(siteId)) return true
  return false
}

/** Whether the role sees this kind of topic at all. What then flows is judged value by value. */
export function maySubscribe(viewer: Viewer, topic: string): boolean {
  const kind = topic.includes(':') ? kindOf(topic) : KIND_OF_LIST.get(topic)
  const permission = kind === undefined ? undefined : permissionOf[kind]
  return permission !== undefined && viewer.permissions.has(permission)
}
