/** What of a ticket's promises is due next. */
import type { Ticket } from '@heliograph/crm-core/contracts'

export interface Due {
  what: 'first response' | 'update' | 'solution'
  at: number
  breached: boolean
  /** The clock stands still: the ticket waits for somebody else. */
  paused: boolean
}

export function dueOf(ticket: Pick<Ticket, 'sla' | 'status'>): Due | undefined {
  if (ticket.status === 'resolved' || ticket.status === 'closed') return undefined
  const { sla } = ticket
  const dates = (
    [
      ['first response', sla.firstRespondedAt === null ? sla.firstResponseDueAt : null],
      ['update', sla.nextUpdateDueAt],
      ['solution', sla.solutionDueAt],
    ] as const
  ).flatMap(([what, at]) => (at === null ? [] : [{ what, at: Date.parse(at) }]))
  const next = dates.sort((a, b) => a.at - b.at)[0]
  return next && { ...next, breached: sla.breached, paused: sla.pausedSince !== null }
}
