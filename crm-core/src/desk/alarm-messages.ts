/**
 * Who is written to when an alarm begins and ends, once per occurrence, person and channel:
 *
 * - a ticket that an alarm opened is told to everybody who subscribed; alarms that join it add lines to it, no messages;
 * - an alarm without such a ticket is told to those who asked for its severity;
 * - its end is told to those who were told of its beginning.
 *
 * What comes and goes is told at most once an hour: the beginning of the next occurrence waits in the outbox until then, and is
 * taken out again where the occurrence is over before. So the last word is always the true one.
 */
import { createHash } from 'node:crypto'
import type { NotifyChannel, Row, Where, WriteTx } from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { addressOf, queueNotifications, type OutgoingMessage } from './notifications.ts'
import type { SubscriberLookup } from './subscriptions.ts'

/** Between two messages to one person about beginnings of the same thing (site, device and type). */
const QUIET_MS = 3_600_000
/** Lost contact is told this much later: where a street follows it is told of all of it, and what comes back at once not at all. */
export const HOLD_MS = 120_000
const HELD: ReadonlySet<string> = new Set(['device-silent'])

/** What an alarm is about: a flapping fault finds its open ticket, and what was told of it before, again by it. */
export const causeOf = (alarm: Pick<Row<'alarm'>, 'siteId' | 'deviceId' | 'type'>): string =>
  `${alarm.siteId}:${alarm.deviceId ?? ''}:${alarm.type}`

export interface Occasion {
  alarm: Row<'alarm'>
  site: Row<'site'>
  /** The ticket that the alarm opened; absent: the alarm speaks for itself. */
  ticket?: Row<'ticket'>
}
type Moment = 'begun' | 'over'

export function createAlarmMessages(tx: WriteTx, deps: CrmDeps, subscribers: SubscriberLookup) {
  /** Everybody who asked for this severity and has not heard of it yet. */
  async function begun(occasion: Occasion): Promise<void> {
    const { alarm, site, ticket } = occasion
    const asked = await subscribers.of(site, alarm.severity)
    if (asked.length === 0) return
    const before = ticket === undefined ? await heard(alarm) : []
    const recent = ticket === undefined ? await find(alarm, `alarm:${causeKey(alarm)}:`, deps.now() - 2 * QUIET_MS) : []
    const messages: OutgoingMessage[] = []
    for (const { user, channels } of asked) {
      if (before.some(({ userId }) => userId === user.id)) continue
      for (const channel of channels) {
        const last = Math.max(
          ...recent
            .filter((row) => row.userId === user.id && row.channel === channel && row.dedupeKey.includes(':begun:'))
            .map((row) => spokenAt(row)),
        )
        messages.push(
          ...message(occasion, 'begun', user, channel, {
            notBefore: Math.max(last + QUIET_MS, HELD.has(alarm.type) ? deps.now() + HOLD_MS : 0),
          }),
        )
      }
    }
    await queueNotifications(tx, deps, messages)
  }

  /** Everybody who heard of the beginning and may still see the site. Who has not heard yet hears neither. */
  async function over(occasion: Occasion): Promise<void> {
    const { alarm, site, ticket } = occasion
    const told = ticket === undefined ? await find(alarm, beginning(alarm)) : await heardOf(ticket)
    const waiting = told.filter((row) => isWaiting(row, deps.now()))
    for (const row of waiting) await tx.remove('notification', row.id)
    const people = await subscribers.still(site, [
      ...new Set(told.filter((row) => !waiting.includes(row)).flatMap(({ userId }) => userId ?? [])),
    ])
    const messages = people.flatMap((user) =>
      told
        .filter((row) => row.userId === user.id && !waiting.includes(row))
        .flatMap(({ channel }) => message(occasion, 'over', user, channel)),
    )
    await queueNotifications(tx, deps, messages)
  }

  /** What is about to be told of this alarm alone is not told after all. */
  async function takeBack(alarm: Row<'alarm'>): Promise<void> {
    for (const row of await find(alarm, beginning(alarm)))
      if (isWaiting(row, deps.now())) await tx.remove('notification', row.id)
  }

  /** Messages about the beginning of this alarm, by itself or by the ticket it hangs on. */
  async function heard(alarm: Row<'alarm'>): Promise<Row<'notification'>[]> {
    const own = await find(alarm, beginning(alarm))
    return alarm.ticketId === null ? own : [...own, ...(await heardOf({ id: alarm.ticketId }))]
  }
  const heardOf = (ticket: Pick<Row<'ticket'>, 'id'>): Promise<Row<'notification'>[]> =>
    tx.all('notification', { ticketId: ticket.id, dedupeKey: { startsWith: `ticket:${ticket.id}:opened:` } })

  /** Bounded by the index of (tenant, time of making): nothing was told of an alarm before it was written down. */
  function find(
    alarm: Row<'alarm'>,
    prefix: string,
    since = alarm.createdAt.getTime(),
  ): Promise<Row<'notification'>[]> {
    const where: Where<'notification'> = {
      tenantId: alarm.tenantId,
      createdAt: { gte: new Date(since) },
      dedupeKey: { startsWith: prefix },
    }
    return tx.all('notification', where)
  }

  function message(
    occasion: Occasion,
    moment: Moment,
    user: Row<'user'>,
    channel: NotifyChannel,
    { notBefore = 0 }: { notBefore?: number } = {},
  ): OutgoingMessage[] {
    const { alarm, ticket } = occasion
    const recipient = addressOf(user, channel)
    if (recipient === undefined) return []
    return [
      {
        channel,
        recipient,
        ...wording(deps, occasion, moment, channel),
        dedupeKey:
          ticket === undefined
            ? `${moment === 'begun' ? beginning(alarm) : `${about(alarm)}over:`}${user.id}:${channel}`
            : `ticket:${ticket.id}:${moment === 'begun' ? 'opened' : 'cleared'}:${user.id}:${channel}`,
        userId: user.id,
        ticketId: ticket?.id ?? alarm.ticketId,
        tenantId: alarm.tenantId,
        ...(notBefore > deps.now() && { nextAttemptAt: new Date(notBefore) }),
      },
    ]
  }

  return { begun, over, takeBack }
}

/** In the outbox, and its time has not come. */
export const isWaiting = (row: Row<'notification'>, now: number): boolean =>
  row.state === 'queued' && row.attempts === 0 && spokenAt(row) > now

const causeKey = (alarm: Row<'alarm'>): string => createHash('sha256').update(causeOf(alarm)).digest('hex').slice(0, 16)
const about = (alarm: Row<'alarm'>): string => `alarm:${causeKey(alarm)}:${alarm.id}:`
const beginning = (alarm: Row<'alarm'>): string => `${about(alarm)}begun:`

/** When a message went out or is to go out. */
const spokenAt = ({ sentAt, nextAttemptAt, createdAt }: Row<'notification'>): number =>
  (sentAt ?? nextAttemptAt ?? createdAt).getTime()

function wording({ publicUrl }: CrmDeps, { alarm, site, ticket }: Occasion, moment: Moment, channel: NotifyChannel) {
  const head = `${moment === 'begun' ? 'Alarm' : 'Cleared'}: ${site.name}`
  const number = ticket === undefined ? '' : `#${ticket.number} `
  const link = ticket === undefined ? `${publicUrl}/sites/${site.id}` : `${publicUrl}/tickets/${ticket.id}`
  // 160 characters are one message; the link is worth more than the end of the sentence.
  if (channel === 'sms') {
    const room = 160 - link.length - 1
    return { text: `${`${number}${head}: ${alarm.message}`.slice(0, Math.max(40, room))} ${link}` }
  }
  return {
    subject: (ticket === undefined ? head : `[#${ticket.number}] ${head}`).slice(0, 300),
    text: [
      moment === 'begun' ? alarm.message : `This alarm is over: ${alarm.message}`,
      '',
      `Site: ${site.name}`,
      `Severity: ${alarm.severity}`,
      `Since: ${alarm.raisedAt.toISOString()}`,
      ...(moment === 'over' ? [`Cleared: ${alarm.clearedAt!.toISOString()}`] : []),
      '',
      ticket === undefined ? `Site: ${link}` : `Ticket #${ticket.number}: ${link}`,
    ].join('\n'),
  }
}
