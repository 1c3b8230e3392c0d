/** What happened at a site, newest first: alarms as they began and ended, tickets as they were opened and solved. */
import type { Alarm, Ticket } from '@heliograph/crm-core/contracts'
import { toMs } from '../format/times.ts'

export interface TimelineEntry {
  id: string
  at: number
  kind: 'alarm' | 'ticket'
  /** Still going on. */
  open: boolean
  until: number | undefined
  text: string
  href: string | undefined
  severity?: Alarm['severity']
  status?: Ticket['status']
}

export function timelineOf(alarms: readonly Alarm[], tickets: readonly Ticket[]): TimelineEntry[] {
  const entries: TimelineEntry[] = [
    ...alarms.map((alarm): TimelineEntry => ({
      id: alarm.id,
      at: toMs(alarm.raisedAt),
      kind: 'alarm',
      open: alarm.clearedAt === null,
      until: alarm.clearedAt === null ? undefined : toMs(alarm.clearedAt),
      text: alarm.message,
      href: alarm.ticketId ? `/tickets/${alarm.ticketId}` : alarm.deviceId ? `/devices/${alarm.deviceId}` : undefined,
      severity: alarm.severity,
    })),
    ...tickets.map((ticket): TimelineEntry => {
      const open = ticket.status !== 'resolved' && ticket.status !== 'closed'
      return {
        id: ticket.id,
        at: toMs(ticket.createdAt),
        kind: 'ticket',
        open,
        until: open ? undefined : toMs(ticket.updatedAt),
        text: `#${String(ticket.number)} ${ticket.subject}`,
        href: `/tickets/${ticket.id}`,
        status: ticket.status,
      }
    }),
  ]
  return entries.filter(({ at }) => Number.isFinite(at)).sort((a, b) => b.at - a.at)
}
