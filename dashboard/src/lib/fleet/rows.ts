/** What the fleet list shows, from what the CRM knows of sites and what is live of them. Pure, so that order and filter can be tested. */
import type { LiveSite, Site, SiteStatus } from '@heliograph/crm-core/contracts'
import type { Sort } from '#lib/components/table.ts'
import type { SiteEquipment } from './facts.ts'

export const FLEET_KEYS = [
  'name',
  'status',
  'power',
  'energy',
  'loss',
  'alarms',
  'tickets',
  'seen',
  'connection',
  'customer',
  'tags',
] as const
export type FleetKey = (typeof FLEET_KEYS)[number]
export const STATUS_ORDER: readonly SiteStatus[] = ['down', 'degraded', 'silent', 'unknown', 'producing', 'idle']

/** A site of the list: the API tells what was live when it answered, too. */
export type ListedSite = Site & { live?: LiveSite | null }

/** What does not change while values do: worked out once per list, not once per update. */
export interface FleetSite {
  id: string
  site: ListedSite
  customer: string
  unit: string
  equipment: SiteEquipment | undefined
  connection: string
  tickets: number | undefined
  /** Small letters without accents, so that "Muller" finds "Müller". */
  text: string
  /** Place by name: comparing names ten thousand times a second is dear. */
  rank: number
}
export interface FleetRow extends FleetSite {
  status: SiteStatus
  live: LiveSite | undefined
}

export interface FleetNames {
  customer: (id: string) => string
  unit: (id: string) => string
  equipment: (siteId: string) => SiteEquipment | undefined
  /** Tickets that wait; undefined: the person sees none, or they are not loaded yet. */
  tickets: (siteId: string) => number | undefined
}

export function fleetSites(sites: readonly ListedSite[], names: FleetNames): FleetSite[] {
  const made = sites.map((site): FleetSite => {
    const customer = names.customer(site.customerId)
    const equipment = names.equipment(site.id)
    const place = `${site.address?.city ?? ''} ${site.address?.postalCode ?? ''}`
    return {
      id: site.id,
      site,
      customer,
      unit: names.unit(site.orgUnitId),
      equipment,
      connection: equipment?.connections.join(', ') ?? '',
      tickets: names.tickets(site.id),
      text: fold(`${site.name} ${customer} ${place} ${site.tags.join(' ')}`),
      rank: 0,
    }
  })
  made.sort((a, b) => collator.compare(a.site.name, b.site.name) || (a.id < b.id ? -1 : 1))
  for (const [rank, site] of made.entries()) site.rank = rank
  return made
}
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

/** What is live of a site: until the first snapshot is here, what came with the list. */
export const liveOf = (site: FleetSite, entries: ReadonlyMap<string, { value: LiveSite }>): LiveSite | undefined =>
  entries.get(site.id)?.value ?? site.site.live ?? undefined

export function withLive(sites: readonly FleetSite[], entries: ReadonlyMap<string, { value: LiveSite }>): FleetRow[] {
  return sites.map((row): FleetRow => {
    const live = liveOf(row, entries)
    // Written out: spreading ten thousand rows a second takes several times as long.
    const { id, site, customer, unit, equipment, connection, tickets, text, rank } = row
    const status = live?.status ?? site.status
    return { id, site, customer, unit, equipment, connection, tickets, text, rank, status, live }
  })
}

export interface FleetFilter {
  q: string
  statuses: readonly SiteStatus[]
  /** Ids of the units that count; absent: all. */
  units?: ReadonlySet<string> | undefined
  vendor?: string | undefined
  model?: string | undefined
  firmware?: string | undefined
  tag?: string | undefined
  customer?: string | undefined
}
/** Every word must be found in the site's name, its customer, its place or its tags. */
export function filterSites(sites: readonly FleetSite[], filter: Omit<FleetFilter, 'statuses'>): FleetSite[] {
  const words = fold(filter.q).split(/\s+/).filter(Boolean)
  const { units, vendor, model, firmware, tag, customer } = filter
  return sites.filter(
    ({ site, equipment, text }) =>
      (units === undefined || units.has(site.orgUnitId)) &&
      (customer === undefined || site.customerId === customer) &&
      (tag === undefined || site.tags.includes(tag)) &&
      (vendor === undefined || (equipment?.vendors.includes(vendor) ?? false)) &&
      (model === undefined || (equipment?.models.includes(model) ?? false)) &&
      (firmware === undefined || (equipment?.firmwares.includes(firmware) ?? false)) &&
      words.every((word) => text.includes(word)),
  )
}
export const withStatus = (rows: readonly FleetRow[], statuses: readonly SiteStatus[]): readonly FleetRow[] =>
  statuses.length === 0 ? rows : rows.filter(({ status }) => statuses.includes(status))

function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}

export function countStatuses(
  sites: readonly FleetSite[],
  entries: ReadonlyMap<string, { value: LiveSite }>,
): Record<SiteStatus, number> {
  const counts: Record<SiteStatus, number> = { down: 0, degraded: 0, silent: 0, unknown: 0, producing: 0, idle: 0 }
  for (const site of sites) counts[liveOf(site, entries)?.status ?? site.site.status]++
  return counts
}

/** How many of the idle ones lie in the dark. */
export function countNights(sites: readonly FleetSite[], entries: ReadonlyMap<string, { value: LiveSite }>): number {
  let nights = 0
  for (const site of sites) {
    const live = liveOf(site, entries)
    if (live?.status === 'idle' && live.night) nights++
  }
  return nights
}

/**
 * In the order asked for; among equals by what it costs, not by how many shout: what is down first, then degraded, then out
 * of contact (which may well be producing), and the larger system, which loses more, before the smaller. Absent values come
 * last in either direction: what was not measured is neither much nor little.
 */
export function sortRows(rows: readonly FleetRow[], sort: Sort<FleetKey>): FleetRow[] {
  const sign = sort.down ? -1 : 1
  const value = VALUES[sort.key]
  const keyed = rows.map((row) => ({ row, value: value(row), status: STATUS_RANK[row.status] }))
  keyed.sort((a, b) => {
    if (a.value === undefined || b.value === undefined) {
      if (a.value !== b.value) return a.value === undefined ? 1 : -1
    } else if (a.value !== b.value) {
      if (typeof a.value === 'string' && typeof b.value === 'string') {
        const order = collator.compare(a.value, b.value)
        if (order !== 0) return sign * order
      } else return a.value < b.value ? -sign : sign
    }
    if (a.status !== b.status) return a.status - b.status
    const larger = (b.row.site.peakPowerW ?? 0) - (a.row.site.peakPowerW ?? 0)
    return larger !== 0 ? larger : a.row.rank - b.row.rank
  })
  return keyed.map(({ row }) => row)
}
const STATUS_RANK = Object.fromEntries(STATUS_ORDER.map((status, rank) => [status, rank])) as Record<SiteStatus, number>

const VALUES: Readonly<Record<FleetKey, (row: FleetRow) => number | string | undefined>> = {
  name: (row) => row.rank,
  status: (row) => STATUS_RANK[row.status],
  power: (row) => row.live?.acPowerW,
  energy: (row) => row.live?.energyTodayWh,
  loss: (row) => row.live?.lossTodayWh,
  alarms: (row) => row.live?.openAlarms,
  tickets: (row) => row.tickets,
  seen: (row) => row.live?.lastSeenAt,
  connection: (row) => row.connection || undefined,
  customer: (row) => row.customer || undefined,
  tags: (row) => row.site.tags[0],
}

/** What a change of many sites answered. */
export type SiteChange = Pick<ListedSite, 'id'> & Partial<Pick<ListedSite, 'tags' | 'orgUnitId'>>
export function withChanges(sites: readonly ListedSite[], changed: readonly SiteChange[]): ListedSite[] {
  const changes = new Map(changed.map((site) => [site.id, site]))
  return sites.map((site) => ({ ...site, ...changes.get(site.id) }))
}
