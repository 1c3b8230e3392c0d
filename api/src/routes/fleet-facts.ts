import { z } from 'zod'
import { hasPermission, narrowCaller } from '@heliograph/crm-core'
import type { Caller, CrmDatabase, ReadDb, Row, TicketStatus } from '@heliograph/crm-core/contracts'
import type { RouteModule } from '../http/api.ts'
import { createShortMemory } from '../http/short-memory.ts'
import { callerOf } from '../plugins/caller.ts'

/** Read again after this time, or as soon as something of the tenant changed that it is made of. */
const FACTS_TTL_MS = 300_000
/** Reaches remembered: staff with the same rights share one. */
const MAX_REACHES = 50
const PERMISSIONS = ['device:read', 'connection:read', 'ticket:read'] as const
const OVER: TicketStatus[] = ['resolved', 'closed']

const places = z.array(z.number().int())
const siteFactsSchema = z.object({ vendors: places, models: places, firmwares: places, connections: places })
const factsSchema = z.object({
  /** Words that the sites' numbers point to: most are the same at many sites. */
  names: z.array(z.string()),
  /** By site id; a site without devices is not among them. */
  sites: z.record(z.string(), siteFactsSchema),
  /** Tickets that are not resolved, by site id; absent: none. */
  openTickets: z.record(z.string(), z.number().int()),
})
type Equipment = Pick<z.infer<typeof factsSchema>, 'names' | 'sites'>
type SiteFacts = z.infer<typeof siteFactsSchema>

/** What stands at the sites and what is asked about them: small enough for ten thousand rows, so that the list itself stays fast. */
export const fleetFactRoutes: RouteModule = (api, { deps, now }) => {
  const equipment = createShortMemory<Equipment>(now, FACTS_TTL_MS, MAX_REACHES)
  const waiting = createShortMemory<Record<string, number>>(now, FACTS_TTL_MS, MAX_REACHES)
  const changes = new Map<string, number>()
  const changed = (key: string) => changes.set(key, (changes.get(key) ?? 0) + 1)
  const stop = deps.events.subscribe((event) => {
    if (/^(device|connection|site|tenant)\./.test(event.type)) changed(`equipment ${event.tenantId}`)
    else if (event.type === 'record.changed' && event.resource === 'ticket') changed(`tickets ${event.tenantId}`)
  })
  api.addHook('onClose', (_app, done) => {
    stop()
    done()
  })
  api.get(
    '/fleet/facts',
    {
      config: { policy: { permission: 'site:read' } },
      schema: {
        tags: ['fleet'],
        summary: 'Vendors, models, firmware and connections per site, and tickets that wait there',
        response: { 200: factsSchema },
      },
    },
    async (request) => {
      const caller = callerOf(request)
      const reach = JSON.stringify(reachOf(caller))
      const state = (what: string) => `${changes.get(`${what} ${caller.tenantId ?? ''}`) ?? 0} ${reach}`
      const [facts, openTickets] = await Promise.all([
        equipment(state('equipment'), () => equipmentOf(deps.db, caller)),
        waiting(state('tickets'), () => openTicketsOf(deps.db, caller)),
      ])
      return { names: [], sites: {}, ...facts, openTickets: openTickets ?? {} }
    },
  )
}

/** All that decides what a caller sees of these facts. */
function reachOf(caller: Caller): unknown {
  const grants = caller.grants.map(({ permissions, reach, orgUnitIds, customerIds, portal }) => [
    PERMISSIONS.filter((permission) => permissions.has(permission)),
    reach,
    orgUnitIds,
    customerIds,
    portal,
  ])
  return [caller.tenantId, caller.kind === 'system' || caller.kind === 'local', grants]
}
const as = (db: CrmDatabase, caller: Caller, permission: (typeof PERMISSIONS)[number]): ReadDb | undefined =>
  hasPermission(caller, permission) ? db.as(narrowCaller(caller, permission)) : undefined

async function openTicketsOf(db: CrmDatabase, caller: Caller): Promise<Record<string, number>> {
  const open = { status: { notIn: OVER }, siteId: { not: null } }
  return countBySite((await as(db, caller, 'ticket:read')?.all('ticket', open)) ?? [])
}

async function equipmentOf(db: CrmDatabase, caller: Caller): Promise<Equipment> {
  const devices = (await as(db, caller, 'device:read')?.all('device', { replacedAt: null })) ?? []
  const wiring = as(db, caller, 'connection:read')
  const [links, connections] = wiring
    ? await Promise.all([wiring.all('deviceLink', { validTo: null }), wiring.all('connection')])
    : [[], []]

  const names: string[] = []
  const numbers = new Map<string, number>()
  const numberOf = (name: string): number => {
    const known = numbers.get(name)
    if (known !== undefined) return known
    numbers.set(name, names.length)
    return names.push(name) - 1
  }
  const sites: Record<string, SiteFacts> = {}
  const put = (list: number[], name: string | null | undefined) => {
    if (!name) return
    const number = numberOf(name)
    if (!list.includes(number)) list.push(number)
  }
  const siteOf = new Map<string, SiteFacts>()
  for (const device of devices) {
    const facts = (sites[device.siteId] ??= { vendors: [], models: [], firmwares: [], connections: [] })
    siteOf.set(device.id, facts)
    put(facts.vendors, device.vendor)
    put(facts.models, device.model)
    put(facts.firmwares, device.firmware)
  }
  const connectionName = new Map(connections.map(({ id, name }) => [id, name]))
  for (const { deviceId, connectionId } of links) {
    const facts = siteOf.get(deviceId)
    if (facts) put(facts.connections, connectionName.get(connectionId))
  }
  return { names, sites }
}

function countBySite(tickets: readonly Row<'ticket'>[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { siteId } of tickets) if (siteId !== null) counts[siteId] = (counts[siteId] ?? 0) + 1
  return counts
}
