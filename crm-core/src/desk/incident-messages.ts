/** One message about an incident for each person and channel, however many sites are part of it; and one when it is over. */
import type { NotifyChannel, Row, WriteTx } from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { HOLD_MS, isWaiting } from './alarm-messages.ts'
import { addressOf, queueNotifications, type OutgoingMessage } from './notifications.ts'
import type { SubscriberLookup } from './subscriptions.ts'

/** Sites whose watchers are looked up, and names that a message has room for. */
const MOST_SITES = 500
const MOST_NAMES = 10

export function createIncidentMessages(tx: WriteTx, deps: CrmDeps, subscribers: SubscriberLookup) {
  const keyOf = (incident: Row<'incident'>, moment: 'begun' | 'over'): string => `incident:${incident.id}:${moment}:`
  const told = (incident: Row<'incident'>): Promise<Row<'notification'>[]> =>
    tx.all('notification', {
      tenantId: incident.tenantId,
      createdAt: { gte: incident.createdAt },
      dedupeKey: { startsWith: keyOf(incident, 'begun') },
    })
  async function sitesOf({ id }: Row<'incident'>): Promise<Row<'site'>[]> {
    const links = await tx.find('incidentSite', { where: { incidentId: id }, limit: MOST_SITES })
    return await tx.find('site', { where: { id: { in: links.map(({ siteId }) => siteId) } }, limit: MOST_SITES })
  }

  /** Tells who watches one of the sites; what still waits is written anew with the sites that came since. */
  async function begun(incident: Row<'incident'>): Promise<void> {
    const before = new Map((await told(incident)).map((row) => [row.dedupeKey, row]))
    const people = new Map<string, { user: Row<'user'>; channels: Set<NotifyChannel>; names: string[] }>()
    for (const site of await sitesOf(incident))
      for (const { user, channels } of await subscribers.of(site, incident.severity)) {
        const person = people.get(user.id) ?? { user, channels: new Set(), names: [] }
        for (const channel of channels) person.channels.add(channel)
        // Of the others a person is told nothing: they may be somebody else's.
        person.names.push(site.name)
        people.set(user.id, person)
      }
    const fresh: OutgoingMessage[] = []
    for (const { user, channels, names } of people.values())
      for (const channel of channels) {
        const recipient = addressOf(user, channel)
        if (recipient === undefined) continue
        const dedupeKey = `${keyOf(incident, 'begun')}${user.id}:${channel}`
        const words = wording(deps, incident, 'begun', channel, names)
        const known = before.get(dedupeKey)
        if (known === undefined)
          fresh.push({
            channel,
            recipient,
            dedupeKey,
            ...words,
            userId: user.id,
            ticketId: incident.ticketId,
            tenantId: incident.tenantId,
            // Others may be part of it that are only about to be missed.
            nextAttemptAt: new Date(deps.now() + HOLD_MS),
          })
        else if (isWaiting(known, deps.now())) await tx.update('notification', known.id, words)
      }
    await queueNotifications(tx, deps, fresh)
  }

  /** Told to those who heard of its beginning and may still see one of its sites. */
  async function over(incident: Row<'incident'>): Promise<void> {
    const rows = await told(incident)
    const waiting = rows.filter((row) => isWaiting(row, deps.now()))
    for (const row of waiting) await tx.remove('notification', row.id)
    const heard = rows.filter((row) => !waiting.includes(row))
    if (heard.length === 0) return
    const ids = [...new Set(heard.flatMap(({ userId }) => userId ?? []))]
    const people = new Map<string, { user: Row<'user'>; names: string[] }>()
    for (const site of await sitesOf(incident))
      for (const user of await subscribers.still(site, ids)) {
        const person = people.get(user.id) ?? { user, names: [] }
        person.names.push(site.name)
        people.set(user.id, person)
      }
    const messages = heard.flatMap(({ userId, channel, recipient }): OutgoingMessage[] => {
      const person = people.get(userId ?? '')
      if (person === undefined) return []
      return [
        {
          channel,
          recipient,
          ...wording(deps, incident, 'over', channel, person.names),
          dedupeKey: `${keyOf(incident, 'over')}${userId}:${channel}`,
          userId,
          ticketId: incident.ticketId,
          tenantId: incident.tenantId,
        },
      ]
    })
    await queueNotifications(tx, deps, messages)
  }
  return { begun, over }
}

const CAUSE = {
  grid: 'Sites of one street were lost at the same time: the grid there is the likely cause.',
  widespread: 'Many sites were lost at the same time: something that they share is the likely cause.',
} as const

function wording(
  { publicUrl }: CrmDeps,
  incident: Row<'incident'>,
  moment: 'begun' | 'over',
  channel: NotifyChannel,
  names: readonly string[],
): { subject?: string; text: string } {
  const what = incident.type === 'device-silent' ? 'no contact with' : 'a fault at'
  const many = names.length === 1 ? names[0]! : `${names.length} sites at once`
  const head = moment === 'begun' ? `Incident: ${what} ${many}` : `Over: ${what} ${many}`
  const link = `${publicUrl}/alarms/incidents/${incident.id}`
  if (channel === 'sms') return { text: `${head.slice(0, Math.max(40, 160 - link.length - 1))} ${link}` }
  const more = names.length - MOST_NAMES
  return {
    subject: head.slice(0, 300),
    text: [
      moment === 'begun' ? CAUSE[incident.cause] : 'All of them are well again.',
      '',
      ...names.slice(0, MOST_NAMES),
      ...(more > 0 ? [`and ${more} more`] : []),
      '',
      `Since: ${incident.startedAt.toISOString()}`,
      ...(incident.clearedAt === null ? [] : [`Over: ${incident.clearedAt.toISOString()}`]),
      '',
      `Incident: ${link}`,
    ].join('\n'),
  }
}
