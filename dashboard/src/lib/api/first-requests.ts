/**
 * What a page asks first. The document asks it itself, beside its scripts instead of after them: on a slow line that saves the time of a
 * whole round. An address that the page then does not ask by is asked in vain, so each is written with the words of its page.
 */
import { address } from './address.ts'

type Asks = (id: string) => string[]

/** Lists, where nothing in the address narrows them. */
const LISTS: Readonly<Record<string, readonly string[]>> = {
  '/fleet': [address('/sites', { limit: 500 }), address('/fleet/facts')],
  '/map': [address('/page-settings'), address('/fleet/map', { zoom: 0 }), address('/fleet/map/sites', { limit: 80 })],
  '/alarms': [address('/alarms', { limit: 500, open: true, historic: false })],
  '/tickets': [address('/tickets', { open: true, sort: '-createdAt', limit: 100 })],
  '/customers': [address('/customers', { sort: 'name', limit: 200 })],
  '/data': [address('/connections', { sort: 'name', limit: 200 })],
  '/portal': [
    address('/sites', { limit: 500 }),
    address('/alarms', { open: true, limit: 200 }),
    address('/tickets', { sort: '-updatedAt', limit: 5 }),
    address('/brand'),
  ],
}
const RECORDS: readonly [RegExp, Asks][] = [
  [/^\/sites\/([^/]+)$/, (id) => [address(`/sites/${id}`), address('/devices', { siteId: id, limit: 500 })]],
  [/^\/devices\/([^/]+)$/, (id) => [address(`/devices/${id}`), address(`/devices/${id}/latest`)]],
  [
    /^\/customers\/([^/]+)$/,
    (id) => [
      address(`/customers/${id}`),
      address('/sites', { customerId: id, limit: 500 }),
      address('/tickets', { customerId: id, sort: '-createdAt', limit: 50 }),
    ],
  ],
  [/^\/tickets\/([^/]+)$/, (id) => [address(`/tickets/${id}`), address(`/tickets/${id}/timeline`)]],
  [/^\/alarms\/incidents\/([^/]+)$/, (id) => [address(`/incidents/${id}`)]],
]
/** Of our own making: anything else is left to the page to ask. */
const ID = /^[\w-]{1,64}$/

/** @returns addresses of the API, the person's own rights first; none for pages that nobody signs in for */
export function firstRequests(pathname: string, search: string): string[] {
  const asked = [address('/me')]
  if (search === '') asked.push(...(LISTS[pathname] ?? []))
  for (const [pattern, asks] of RECORDS) {
    const id = pattern.exec(pathname)?.[1]
    if (id !== undefined && ID.test(id)) asked.push(...asks(id))
  }
  return asked
}
