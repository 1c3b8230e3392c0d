/** What the fleet list shows, from what the CRM knows of sites and what is live of them. Pure, so that order and filter can be tested. */
import type { LiveSite, Site, SiteStatus } from '@heliograph/crm-core/contracts'
import type { Sort } from '#lib/components/table.ts'

export type FleetKey = 'name' | 'status' | 'power' | 'energy' | 'alarms' | 'seen' | 'customer'
export const FLEET_KEYS: readonly FleetKey[] = ['name', 'status', 'power', 'energy', 'alarms', 'seen', 'customer']
export const STATUS_ORDER: readonly SiteStatus[] = ['down', 'degraded', 'silent', 'unknown', 'producing', 'idle']

/** A site of the list: the API tells what was live when it answered, too. */
export type ListedSite = Site & { live?: LiveSite | null }

export interface FleetRow {
  id: string
  site: Site
  customer: string
  status: SiteStatus
  live: LiveSite | undefined
}

export function joinRows(
  sites: readonly ListedSite[],
  entries: ReadonlyMap<string, { value: LiveSite }>,
  customerName: (id: string) => string,
): FleetRow[] {
  return sites.map((site) => {
    // Until the first snapshot is here, what came with the list.
    const live = entries.get(site.id)?.value ?? site.live ?? undefined
    return { id: site.id, site, customer: customerName(site.customerId), status: live?.status ?? site.status, live }
  })
}

/** Every word must be found in the site's name, its customer or its place. */
export function filterRows(
  rows: readonly FleetRow[],
  filter: { q: string; statuses: readonly SiteStatus[] },
): FleetRow[] {
  const words = fold(filter.q).split(/\s+/).filter(Boolean)
  return rows.filter((row) => {
    if (filter.statuses.length > 0 && !filter.statuses.includes(row.status)) return false
    if (words.length === 0) return true
    const text = fold(
      `${row.site.name} ${row.customer} ${row.site.address?.city ?? ''} ${row.site.address?.postalCode ?? ''}`,
    )
    return words.every((word) => text.includes(word))
  })
}

/** Small letters without accents, so that "Muller" finds "Müller". */
function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}

export function countStatuses(rows: readonly FleetRow[]): Record<SiteStatus, number> {
  const counts: Record<SiteStatus, number> = { down: 0, degraded: 0, silent: 0, unknown: 0, producing: 0, idle: 0 }
  for (const row of rows) counts[row.status]++
  return counts
}

/**
 * By what it costs, not by how many shout: what is down first, then degraded, then out of contact (which may well be
 * producing); among equals the larger system, which loses more, stands first. Absent values come last in either direction.
 */
export function sortRows(rows: readonly FleetRow[], sort: Sort<FleetKey>): FleetRow[] {
  const sign = sort.down ? -1 : 1
  const value = valueOf(sort.key)
  return [...rows].sort((a, b) => {
    const one = value(a)
    const two = value(b)
    if (one === undefined || two === undefined) {
      if (one !== two) return one === undefined ? 1 : -1
    } else if (one !== two) {
      if (typeof one === 'string' && typeof two === 'string') {
        const order = collator.compare(one, two)
        if (order !== 0) return sign * order
      } else {
        return one < two ? -sign : sign
      }
    }
    const larger = (b.site.peakPowerW ?? 0) - (a.site.peakPowerW ?? 0)
    return larger !== 0 ? larger : collator.compare(a.site.name, b.site.name) || (a.id < b.id ? -1 : 1)
  })
}
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

function valueOf(key: FleetKey): (row: FleetRow) => number | string | undefined {
  switch (key) {
    case 'name':
      return (row) => row.site.name
    case 'customer':
      return (row) => row.customer
    case 'status':
      return (row) => STATUS_ORDER.indexOf(row.status)
    case 'power':
      return (row) => row.live?.acPowerW
    case 'energy':
      return (row) => row.live?.energyTodayWh
    case 'alarms':
      return (row) => row.live?.openAlarms
    case 'seen':
      return (row) => row.live?.lastSeenAt
  }
}
