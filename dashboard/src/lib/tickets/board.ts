/** Tickets as a board: a column for each status that work goes through. */
import type { Ticket, TicketPriority, TicketStatus } from '@heliograph/crm-core/contracts'
import { TICKET_PRIORITIES } from '../components/marks.ts'

/** What is closed is history, and stands in the list. */
export const BOARD_STATUSES = ['new', 'open', 'pending', 'scheduled', 'resolved'] as const satisfies TicketStatus[]
export type BoardStatus = (typeof BOARD_STATUSES)[number]
/** Cards drawn in a column; whoever has more wants a filter. */
export const MOST_CARDS = 100

export interface BoardColumn {
  status: BoardStatus
  cards: readonly Ticket[]
  /** Tickets beyond those that are drawn. */
  more: number
}

const rank = (priority: TicketPriority): number => TICKET_PRIORITIES.indexOf(priority)
const dueAt = ({ sla }: Ticket): number =>
  Math.min(
    ...[sla.firstRespondedAt === null ? sla.firstResponseDueAt : null, sla.nextUpdateDueAt, sla.solutionDueAt].flatMap(
      (at) => (at === null ? [] : [Date.parse(at)]),
    ),
  )

/** Most urgent first, then what is due first, then the oldest. */
export function boardOf(tickets: readonly Ticket[]): BoardColumn[] {
  const byStatus = Map.groupBy(tickets, ({ status }) => status)
  return BOARD_STATUSES.map((status) => {
    const sorted = (byStatus.get(status) ?? []).toSorted(
      (a, b) => rank(a.priority) - rank(b.priority) || compare(dueAt(a), dueAt(b)) || a.number - b.number,
    )
    return { status, cards: sorted.slice(0, MOST_CARDS), more: Math.max(0, sorted.length - MOST_CARDS) }
  })
}
const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1)

/** The status beside one; undefined at the edges. */
export function statusBeside(status: TicketStatus, step: 1 | -1): BoardStatus | undefined {
  const at = BOARD_STATUSES.indexOf(status as BoardStatus)
  return at < 0 ? undefined : BOARD_STATUSES[at + step]
}

/** The card that an arrow leads to; undefined where there is none. */
export function cardBeside(
  columns: readonly BoardColumn[],
  id: string,
  key: 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight',
): Ticket | undefined {
  const column = columns.findIndex(({ cards }) => cards.some((card) => card.id === id))
  const row = columns[column]?.cards.findIndex((card) => card.id === id) ?? -1
  if (row < 0) return undefined
  if (key === 'ArrowUp' || key === 'ArrowDown') return columns[column]!.cards[row + (key === 'ArrowUp' ? -1 : 1)]
  const step = key === 'ArrowLeft' ? -1 : 1
  for (let at = column + step; at >= 0 && at < columns.length; at += step) {
    const { cards } = columns[at]!
    if (cards.length > 0) return cards[Math.min(row, cards.length - 1)]
  }
  return undefined
}
