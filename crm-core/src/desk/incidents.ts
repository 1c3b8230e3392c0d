/**
 * One fault over many sites is one thing: a street without grid, a company's devices that are all silent at once. Alarms of one kind
 * that begin together become an incident before anything is done about them, so that one row, one ticket and one message follow.
 */
import type { AlarmRecord, IncidentCause, Row, WriteTx } from '../../contracts/index.ts'
import { lostStreets, TOGETHER_MS } from '../solar/lost-together.ts'
import { emitAlarm } from './alarms.ts'
import type { createAlarmMessages } from './alarm-messages.ts'

/** Kinds of alarms that something beyond a site may cause. */
const SHARED: ReadonlySet<string> = new Set(['device-silent', 'inverter-fault'])
const MIN_SITES = 3
/** So many sites at once, wherever they lie, have one cause. */
const WIDESPREAD_SITES = 10
/** Most of them in one street: it is the street's. */
const STREET_SHARE = 0.8

interface Lost {
  site: Row<'site'>
  lostAt: number
  /** Of this batch, and not yet written. */
  fresh: AlarmRecord[]
  open: Row<'alarm'>[]
}
export interface KnownRows {
  alarms: ReadonlyMap<string, Row<'alarm'>>
  sites: ReadonlyMap<string, Row<'site'>>
}

/**
 * Finds out which of the records belong together, with each other and with alarms that are open, and makes or widens their
 * incidents. @returns the incident of each record that has one, by the alarm's id
 */
export async function groupRecords(
  tx: WriteTx,
  records: readonly AlarmRecord[],
  known: KnownRows,
  messages: Pick<ReturnType<typeof createAlarmMessages>, 'takeBack'>,
): Promise<Map<string, Row<'incident'>>> {
  const over = new Set(records.filter(({ action }) => action === 'cleared').map(({ id }) => id))
  const fresh = records.filter(
    ({ id, action, historic, type, siteId, tenantId }) =>
      action === 'raised' &&
      !historic &&
      SHARED.has(type) &&
      !over.has(id) &&
      !known.alarms.has(id) &&
      known.sites.get(siteId)?.tenantId === tenantId,
  )
  const found = new Map<string, Row<'incident'>>()
  for (const own of Map.groupBy(fresh, ({ tenantId, type }) => `${tenantId} ${type}`).values())
    for (const { cause, members } of together(await lostWith(tx, own, known))) {
      if (!members.some((member) => member.fresh.length > 0)) continue
      const incident = await incidentOf(tx, own[0]!, cause, members)
      for (const { site, fresh: records_, open } of members) {
        for (const { id } of records_) found.set(id, incident)
        for (const alarm of open) {
          if (alarm.incidentId !== null) continue
          emitAlarm(tx, await tx.update('alarm', alarm.id, { incidentId: incident.id }))
          // What was about to be told of it alone is told of all.
          await messages.takeBack(alarm)
        }
        if ((await tx.count('incidentSite', { incidentId: incident.id, siteId: site.id })) === 0)
          await tx.create('incidentSite', { tenantId: incident.tenantId, incidentId: incident.id, siteId: site.id })
      }
    }
  return found
}

/** Sites with an alarm of this kind around the time of these records. */
async function lostWith(tx: WriteTx, records: readonly AlarmRecord[], known: KnownRows): Promise<Lost[]> {
  const { tenantId, type } = records[0]!
  const times = records.map(({ at }) => at)
  const open = await tx.all('alarm', {
    tenantId,
    type,
    clearedAt: null,
    historic: false,
    raisedAt: { gte: new Date(Math.min(...times) - TOGETHER_MS), lte: new Date(Math.max(...times) + TOGETHER_MS) },
  })
  const siteIds = new Set([...records, ...open].map(({ siteId }) => siteId as string))
  if (siteIds.size < MIN_SITES) return []
  const missing = [...siteIds].filter((id) => !known.sites.has(id))
  const sites = new Map([
    ...known.sites,
    ...(await tx.all('site', { id: { in: missing } })).map((site) => [site.id, site] as const),
  ])
  return [...siteIds].flatMap((id): Lost[] => {
    const site = sites.get(id)
    if (site === undefined) return []
    const ownFresh = records.filter(({ siteId }) => siteId === id)
    const ownOpen = open.filter(({ siteId }) => siteId === id)
    const lostAt = Math.min(...ownFresh.map(({ at }) => at), ...ownOpen.map(({ raisedAt }) => raisedAt.getTime()))
    return [{ site, lostAt, fresh: ownFresh, open: ownOpen }]
  })
}

/** Groups that have one cause: streets, or all of them where they are many and all over. */
function together(lost: readonly Lost[]): { cause: IncidentCause; members: Lost[] }[] {
  const byId = new Map(lost.map((each) => [each.site.id, each]))
  const placed = lost.flatMap(({ site: { id, latitude, longitude }, lostAt }) =>
    latitude === null || longitude === null ? [] : [{ id, latitude, longitude, lostAt }],
  )
  const streets = lostStreets(placed)
  const largest = Math.max(0, ...streets.map((ids) => ids.length))
  if (largest < STREET_SHARE * lost.length) {
    const newest = Math.max(...lost.filter((each) => each.fresh.length > 0).map(({ lostAt }) => lostAt))
    const members = lost.filter(({ lostAt }) => Math.abs(lostAt - newest) <= TOGETHER_MS)
    if (members.length >= WIDESPREAD_SITES) return [{ cause: 'widespread', members }]
  }
  return streets.map((ids) => ({ cause: 'grid' as const, members: ids.map((id) => byId.get(id)!) }))
}

/** The open incident that one of them is part of, else a new one. */
async function incidentOf(
  tx: WriteTx,
  { tenantId, type, severity }: AlarmRecord,
  cause: IncidentCause,
  members: readonly Lost[],
): Promise<Row<'incident'>> {
  const open = members.flatMap((member) => member.open)
  const ids = [...new Set(open.flatMap(({ incidentId }) => incidentId ?? []))]
  const known = (await tx.all('incident', { id: { in: ids }, clearedAt: null })).sort((a, b) => (a.id < b.id ? -1 : 1))
  const startedAt = new Date(Math.min(...members.map(({ lostAt }) => lostAt)))
  if (known[0])
    return await tx.update('incident', known[0].id, {
      cause,
      startedAt: known[0].startedAt < startedAt ? known[0].startedAt : startedAt,
    })
  return await tx.create('incident', {
    tenantId,
    cause,
    type,
    severity,
    startedAt,
    ticketId: open.find(({ ticketId }) => ticketId !== null)?.ticketId ?? null,
  })
}

/** Ends an incident with the last of its alarms. @returns the incident where it is over now */
export async function endIncident(tx: WriteTx, id: string, at: Date): Promise<Row<'incident'> | undefined> {
  const incident = await tx.get('incident', id)
  if (incident.clearedAt !== null || (await tx.count('alarm', { incidentId: id, clearedAt: null })) > 0)
    return undefined
  return await tx.update('incident', id, { clearedAt: at })
}
