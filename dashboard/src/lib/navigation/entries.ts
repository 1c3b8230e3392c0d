/** What the rail shows: only pages that exist and that the person may open. */
import type { Permission } from '@heliograph/crm-core/contracts'
import type { IconName } from '#lib/components/icons.ts'

export interface NavigationEntry {
  href: string
  label: string
  icon: IconName
  /** Second key after `g`. */
  key: string
  /** Any of these opens the page; none named: everybody may. */
  needs: readonly Permission[]
  /** Who sees it: the company's people, its customers, or both. */
  audience: 'staff' | 'customer' | 'both'
}

export const NAVIGATION: readonly NavigationEntry[] = [
  { href: '/portal', label: 'My systems', icon: 'home', key: 'h', needs: ['site:read'], audience: 'customer' },
  { href: '/fleet', label: 'Fleet', icon: 'fleet', key: 'f', needs: ['site:read'], audience: 'staff' },
  { href: '/map', label: 'Map', icon: 'map', key: 'm', needs: ['site:read'], audience: 'staff' },
  { href: '/alarms', label: 'Alarms', icon: 'alarm', key: 'a', needs: ['alarm:read'], audience: 'staff' },
  { href: '/tickets', label: 'Tickets', icon: 'ticket', key: 't', needs: ['ticket:read'], audience: 'both' },
  { href: '/customers', label: 'Customers', icon: 'people', key: 'c', needs: ['customer:read'], audience: 'staff' },
  {
    href: '/data',
    label: 'Data desk',
    icon: 'data',
    key: 'd',
    needs: ['connection:read', 'pipeline:read'],
    audience: 'staff',
  },
  { href: '/settings', label: 'Settings', icon: 'settings', key: 's', needs: [], audience: 'both' },
]

export interface Viewer {
  permissions: readonly Permission[]
  roles: readonly string[]
}

export function isCustomer(viewer: Viewer): boolean {
  return viewer.roles.length > 0 && viewer.roles.every((role) => role === 'customer')
}

export function entriesFor(viewer: Viewer): NavigationEntry[] {
  const audience = isCustomer(viewer) ? 'customer' : 'staff'
  return NAVIGATION.filter(
    (entry) =>
      (entry.audience === 'both' || entry.audience === audience) &&
      (entry.needs.length === 0 || entry.needs.some((permission) => viewer.permissions.includes(permission))),
  )
}

/** Where somebody lands: customers at their own systems, everybody else on the fleet, and who may see neither at the first page open to them. */
export function homeOf(viewer: Viewer): string {
  const entries = entriesFor(viewer)
  const wished = isCustomer(viewer) ? '/portal' : '/fleet'
  return entries.some((entry) => entry.href === wished) ? wished : (entries[0]?.href ?? '/settings')
}

/** Pages that show the chosen part of the company alone; the choice is in their address as `unit`. */
const SCOPED = ['/fleet', '/map', '/alarms', '/tickets']
export const isScoped = (pathname: string): boolean => SCOPED.includes(pathname)

/** The entry of a page that is not this person's to open: a customer at a page of the staff, or a right that is missing. */
export function closedEntry(pathname: string, viewer: Viewer): NavigationEntry | undefined {
  const entry = NAVIGATION.find(({ href }) => pathname === href || pathname.startsWith(`${href}/`))
  return entry && !entriesFor(viewer).includes(entry) ? entry : undefined
}

/** The entry a path belongs to. Sites and devices hang under the fleet, or under a customer's own systems. */
export function activeEntry(pathname: string, viewer: Viewer): string | undefined {
  if (/^\/(sites|devices)(\/|$)/.test(pathname)) return isCustomer(viewer) ? '/portal' : '/fleet'
  return entriesFor(viewer).find(({ href }) => pathname === href || pathname.startsWith(`${href}/`))?.href
}
