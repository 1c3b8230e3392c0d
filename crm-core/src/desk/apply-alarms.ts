import type { AlarmRecord, ConsumerPosition, Row, WriteTx } from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { causeOf, createAlarmMessages } from './alarm-messages.ts'
import { emitAlarm } from './alarms.ts'
import { createIncidentMessages } from './incident-messages.ts'
import { endIncident, groupRecords } from './incidents.ts'
import { createSubscriberLookup } from './subscriptions.ts'
import { addEntry, emitTicket, openTicket } from './tickets.ts'

type Desk = CrmDeps & {
  messages: ReturnType<typeof createAlarmMessages>
  /** By alarm: what it is part of. */
  incidents: Map<string, Row<'incident'>>
  /** Incidents to tell of at the end, once each. */
  begun: Map<string, Row<'incident'>>
  over: Map<string, Row<'incident'>>
}

export interface AppliedAlarms {
  /** False where the position was applied before: nothing was done. */
  applied: boolean
  raised: number
  cleared: number
  /** Of sites that are gone, or that belong to another tenant than the record says. */
  skipped: number
}

/**
 * Takes a batch of alarm records into the CRM: alarms, tickets for critical ones, messages to subscribers, and the consumer's
 * offset, in one transaction. The same batch again does nothing; the same alarm in another batch changes nothing twice.
 * Batches of at most a few hundred records keep the transaction short.
 */
export async function applyAlarms(
  deps: CrmDeps,
  records: readonly AlarmRecord[],
  position: ConsumerPosition,
): Promise<AppliedAlarms> {
  return await deps.db.system.transaction(async (tx) => {
    const result: AppliedAlarms = { applied: true, raised: 0, cleared: 0, skipped: 0 }
    if (!(await tx.advance(position))) return { ...result, applied: false }
    const known = await lookUp(tx, records)
    const subscribers = createSubscriberLookup(tx)
    const messages = createAlarmMessages(tx, deps, subscribers)
    const incidents = await groupRecords(tx, records, known, messages)
    const desk: Desk = { ...deps, messages, incidents, begun: new Map(), over: new Map() }
    for (const record of records) {
      const site = known.sites.get(record.siteId)
      if (site === undefined || site.tenantId !== record.tenantId) {
        result.skipped++
        continue
      }
      const before = known.alarms.get(record.id)
      if (before !== undefined && before.tenantId !== record.tenantId) {
        result.skipped++
        continue
      }
      const incidentId = incidents.get(record.id)?.id ?? null
      const alarm = await applyOne(tx, record, before, {
        deviceKnown: known.devices.has(record.deviceId ?? ''),
        incidentId,
      })
      if (alarm === before) continue
      known.alarms.set(alarm.id, alarm)
      if (before === undefined) result.raised++
      const cleared = alarm.clearedAt !== null && (before === undefined || before.clearedAt === null)
      if (cleared) result.cleared++
      known.alarms.set(alarm.id, await workOn(tx, desk, alarm, site, cleared))
      emitAlarm(tx, alarm)
    }
    const incidentMessages = createIncidentMessages(tx, deps, subscribers)
    for (const incident of desk.begun.values()) if (!desk.over.has(incident.id)) await incidentMessages.begun(incident)
    for (const incident of desk.over.values()) await incidentMessages.over(incident)
    return result
  })
}

async function lookUp(tx: WriteTx, records: readonly AlarmRecord[]) {
  const ids = (pick: (record: AlarmRecord) => string | undefined) => [
    ...new Set(records.map(pick).filter((id) => id !== undefined)),
  ]
  const [alarms, sites, devices] = [
    await tx.all('alarm', { id: { in: ids((record) => record.id) } }),
    await tx.all('site', { id: { in: ids((record) => record.siteId) } }),
    await tx.all('device', { id: { in: ids((record) => record.deviceId) } }),
  ]
  return {
    alarms: new Map(alarms.map((alarm) => [alarm.id, alarm])),
    sites: new Map(sites.map((site) => [site.id, site])),
    devices: new Set(devices.map(({ id }) => id)),
  }
}

/** The alarm's row after the record; the very same object where the record says nothing new. */
async function applyOne(
  tx: WriteTx,
  record: AlarmRecord,
  before: Row<'alarm'> | undefined,
  { deviceKnown, incidentId }: { deviceKnown: boolean; incidentId: string | null },
): Promise<Row<'alarm'>> {
  const at = new Date(record.at)
  const facts = {
    type: record.type.slice(0, 64),
    severity: record.severity,
    message: record.message.slice(0, 1000),
    details: record.details ?? null,
    historic: record.historic,
  }
  if (before === undefined)
    return await tx.create('alarm', {
      ...facts,
      id: record.id,
      tenantId: record.tenantId,
      siteId: record.siteId,
      deviceId: deviceKnown ? record.deviceId! : null,
      incidentId,
      raisedAt: at,
      clearedAt: record.action === 'cleared' ? at : null,
    })
  // Over is over: the id names this one occurrence, so a later record of it can only be an old one come again.
  if (before.clearedAt !== null) return before
  const after = await tx.update(
    'alarm',
    before.id,
    record.action === 'cleared'
      ? { clearedAt: at }
      : { severity: facts.severity, message: facts.message, details: facts.details },
  )
  return after.version === before.version ? before : after
}

/** Tickets and messages that follow from an alarm's change. */
async function workOn(
  tx: WriteTx,
  desk: Desk,
  alarm: Row<'alarm'>,
  site: Row<'site'>,
  cleared: boolean,
): Promise<Row<'alarm'>> {
  // Judged on late data: it is written down and wakes nobody.
  if (alarm.historic) return alarm
  if (cleared) {
    await tellCleared(tx, desk, alarm, site)
    return alarm
  }
  if (alarm.clearedAt !== null || (await isMuted(tx, desk, alarm))) return alarm
  if (alarm.incidentId !== null) return await workOnIncident(tx, desk, alarm, site)
  if (alarm.severity === 'critical' && alarm.ticketId === null) return await putOnTicket(tx, desk, alarm, site)
  await desk.messages.begun({ alarm, site })
  return alarm
}

/** One ticket for all of it, and one message at the end of the batch. */
async function workOnIncident(tx: WriteTx, desk: Desk, alarm: Row<'alarm'>, site: Row<'site'>): Promise<Row<'alarm'>> {
  const id = alarm.incidentId!
  let incident = desk.begun.get(id) ?? (await tx.get('incident', id))
  let linked = alarm
  if (alarm.severity === 'critical' && alarm.ticketId === null) {
    const known = incident.ticketId === null ? undefined : await tx.first('ticket', { id: incident.ticketId })
    linked = await putOnTicket(tx, desk, alarm, site, known)
    if (incident.ticketId === null) incident = await tx.update('incident', id, { ticketId: linked.ticketId })
  }
  desk.begun.set(id, incident)
  return linked
}

/** On the open ticket of the same cause, else on a new one. @param shared that of the incident, where there is one */
async function putOnTicket(
  tx: WriteTx,
  desk: Desk,
  alarm: Row<'alarm'>,
  site: Row<'site'>,
  shared?: Row<'ticket'>,
): Promise<Row<'alarm'>> {
  const openCause = causeOf(alarm)
  const open = shared ?? (await tx.first('ticket', { tenantId: alarm.tenantId, openCause }))
  const ticket =
    open ??
    (await openTicket(
      tx,
      alarm.tenantId,
      {
        subject: `${site.name}: ${alarm.message}`.slice(0, 200),
        description: alarm.message,
        priority: 'urgent',
        customerId: site.customerId,
        siteId: site.id,
        cause: alarm.type,
        openCause,
      },
      { now: desk.now() },
    ))
  const linked = await tx.update('alarm', alarm.id, { ticketId: ticket.id })
  await addEntry(tx, ticket, {
    kind: 'alarm',
    isPublic: true,
    text: `${open === undefined ? 'Alarm' : 'Alarm again'}: ${alarm.message}`,
    data: { alarmId: alarm.id, at: alarm.raisedAt.toISOString() },
  })
  emitTicket(tx, ticket)
  // One message when work begins; a fault that comes and goes adds lines to the ticket, not messages.
  if (open === undefined && alarm.incidentId === null) await desk.messages.begun({ alarm: linked, site, ticket })
  return linked
}

async function tellCleared(tx: WriteTx, desk: Desk, alarm: Row<'alarm'>, site: Row<'site'>): Promise<void> {
  const muted = await isMuted(tx, desk, alarm)
  if (alarm.ticketId !== null) {
    const ticket = await tx.get('ticket', alarm.ticketId)
    await addEntry(tx, ticket, {
      kind: 'alarm',
      isPublic: true,
      text: `Alarm cleared: ${alarm.message}`,
      data: { alarmId: alarm.id, at: alarm.clearedAt!.toISOString() },
    })
    emitTicket(tx, ticket)
    const stillOpen = await tx.count('alarm', { ticketId: ticket.id, clearedAt: null })
    // Told once per ticket, when the last of its alarms is over, and not where somebody wanted silence.
    if (stillOpen === 0 && !muted) await desk.messages.over({ alarm, site, ticket })
  }
  if (alarm.incidentId !== null) {
    const ended = await endIncident(tx, alarm.incidentId, alarm.clearedAt!)
    if (ended) desk.over.set(ended.id, ended)
  }
  if (!muted) await desk.messages.over({ alarm, site })
}

async function isMuted(tx: WriteTx, { now }: CrmDeps, alarm: Row<'alarm'>): Promise<boolean> {
  const { tenantId, siteId, deviceId, type } = alarm
  return (await tx.count('alarm', { tenantId, siteId, deviceId, type, mutedUntil: { gt: new Date(now()) } })) > 0
}
