/** What happened to a customer, newest first: tickets opened and closed, alarms of its sites. */
import type { Alarm, Site, Ticket } from '@heliograph/crm-core/contracts'
import { severityMark, ticketMark, type Mark } from '../components/marks.ts'

export interface TimelineEntry {
  key: string
  /** UTC milliseconds. */
  at: number
  mark: Mark
  what: string
  text: string
  href: string
  place?: string
}
const MOST = 60

export function timelineOf(
  tickets: readonly Ticket[],
  alarms: readonly Alarm[],
  sites: readonly Pick<Site, 'id' | 'name'>[],
): TimelineEntry[] {
  const names = new Map(sites.map(({ id, name }) => [id, name]))
  const place = (id: string | null) => (id !== null && names.has(id) ? { place: names.get(id)! } : {})
  const entries: TimelineEntry[] = []
  for (const ticket of tickets) {
    const told = {
      text: `#${String(ticket.number)} ${ticket.subject}`,
      href: `/tickets/${ticket.id}`,
      ...place(ticket.siteId),
    }
    entries.push({
      key: `t ${ticket.id}`,
      at: Date.parse(ticket.createdAt),
      mark: ticketMark('new'),
      what: 'Ticket opened',
      ...told,
    })
    if (ticket.status === 'resolved' || ticket.status === 'closed')
      entries.push({
        key: `d ${ticket.id}`,
        at: Date.parse(ticket.updatedAt),
        mark: ticketMark(ticket.status),
        what: ticket.status === 'resolved' ? 'Ticket resolved' : 'Ticket closed',
        ...told,
      })
  }
  for (const alarm of alarms) {
    const told = { text: alarm.message, href: `/sites/${alarm.siteId}`, ...place(alarm.siteId) }
    entries.push({
      key: `a ${alarm.id}`,
      at: Date.parse(alarm.raisedAt),
      mark: severityMark(alarm.severity),
      what: 'Alarm',
      ...told,
    })
    if (alarm.clearedAt !== null)
      entries.push({
        key: `c ${alarm.id}`,
        at: Date.parse(alarm.clearedAt),
        mark: { icon: 'checkCircle', word: 'Over', tone: 'good' },
        what: 'Alarm over',
        ...told,
      })
  }
  return entries.sort((a, b) => b.at - a.at || a.key.localeCompare(b.key)).slice(0, MOST)
}
