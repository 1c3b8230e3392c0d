import type { AlarmRecord, ConsumerPosition, Row, WriteTx } from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { emitAlarm } from './alarms.ts'
import { addressOf, queueNotifications, type OutgoingMessage } from './notifications.ts'
import { createSubscriberLookup, type SubscriberLookup } from './subscriptions.ts'
import { addEntry, emitTicket, openTicket } from './tickets.ts'

/** What an alarm is about: a flapping fault finds its open ticket again by it. */
const causeOf = (alarm: Pick<Row<'alarm'>, 'siteId' | 'deviceId' | 'type'>): string =>
  `${alarm.siteId}:${alarm.deviceId ?? ''}:${alarm.type}`

type Desk = CrmDeps & { subscribers: SubscriberLookup }

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
    const desk: Desk = { ...deps, subscribers: createSubscriberLookup(tx) }
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
      const alarm = await applyOne(tx, record, before, known.devices.has(record.deviceId ?? ''))
      if (alarm === before) continue
      known.alarms.set(alarm.id, alarm)
      if (before === undefined) result.raised++
      const cleared = alarm.clearedAt !== null && (before === undefined || before.clearedAt === null)
      if (cleared) result.cleared++
      known.alarms.set(alarm.id, await workOn(tx, desk, alarm, site, cleared))
      emitAlarm(tx, alarm)
    }
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
  deviceKnown: boolean,
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
    if (alarm.ticketId !== null) await tellCleared(tx, desk, alarm, site)
    return alarm
  }
  if (alarm.clearedAt !== null || alarm.severity !== 'critical' || alarm.ticketId !== null) return alarm
  if (await isMuted(tx, desk, alarm)) return alarm
  const openCause = causeOf(alarm)
  const open = await tx.first('ticket', { tenantId: alarm.tenantId, openCause })
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
      null,
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
  if (open === undefined) await notify(tx, desk, { alarm: linked, site, ticket, event: 'opened' })
  return linked
}

async function tellCleared(tx: WriteTx, desk: Desk, alarm: Row<'alarm'>, site: Row<'site'>): Promise<void> {
  const ticket = await tx.get('ticket', alarm.ticketId!)
  await addEntry(tx, ticket, {
    kind: 'alarm',
    isPublic: true,
    text: `Alarm cleared: ${alarm.message}`,
    data: { alarmId: alarm.id, at: alarm.clearedAt!.toISOString() },
  })
  emitTicket(tx, ticket)
  const stillOpen = await tx.count('alarm', { ticketId: ticket.id, clearedAt: null })
  // Told once per ticket, when the last of its alarms is over, and not where somebody wanted silence.
  if (stillOpen === 0 && !(await isMuted(tx, desk, alarm)))
    await notify(tx, desk, { alarm, site, ticket, event: 'cleared' })
}

async function isMuted(tx: WriteTx, { now }: CrmDeps, alarm: Row<'alarm'>): Promise<boolean> {
  const { tenantId, siteId, deviceId, type } = alarm
  return (await tx.count('alarm', { tenantId, siteId, deviceId, type, mutedUntil: { gt: new Date(now()) } })) > 0
}

interface Occasion {
  alarm: Row<'alarm'>
  site: Row<'site'>
  ticket: Row<'ticket'>
  event: 'opened' | 'cleared'
}

async function notify(tx: WriteTx, desk: Desk, occasion: Occasion): Promise<void> {
  const { alarm, site, ticket, event } = occasion
  const messages: OutgoingMessage[] = []
  for (const { user, channels } of await desk.subscribers(site, alarm.severity)) {
    for (const channel of channels) {
      const recipient = addressOf(user, channel)
      if (recipient === undefined) continue
      messages.push({
        channel,
        recipient,
        ...wording(desk, occasion, channel),
        dedupeKey: `ticket:${ticket.id}:${event}:${user.id}:${channel}`,
        userId: user.id,
        ticketId: ticket.id,
        tenantId: ticket.tenantId,
      })
    }
  }
  if (messages.length > 0) await queueNotifications(tx, desk, messages)
}

function wording({ publicUrl }: CrmDeps, { alarm, site, ticket, event }: Occasion, channel: 'mail' | 'sms') {
  const head = `${event === 'opened' ? 'Alarm' : 'Cleared'}: ${site.name}`
  const link = `${publicUrl}/tickets/${ticket.id}`
  // 160 characters are one message; the link is worth more than the end of the sentence.
  if (channel === 'sms') {
    const room = 160 - link.length - 1
    return { text: `${`#${ticket.number} ${head}: ${alarm.message}`.slice(0, Math.max(40, room))} ${link}` }
  }
  const when = (event === 'opened' ? alarm.raisedAt : alarm.clearedAt!).toISOString()
  return {
    subject: `[#${ticket.number}] ${head}`.slice(0, 300),
    text: [
      event === 'opened' ? `${alarm.message}` : `This alarm is over: ${alarm.message}`,
      '',
      `Site: ${site.name}`,
      `Severity: ${alarm.severity}`,
      `Since: ${alarm.raisedAt.toISOString()}`,
      ...(event === 'cleared' ? [`Cleared: ${when}`] : []),
      '',
      `Ticket #${ticket.number}: ${link}`,
    ].join('\n'),
  }
}
