import { describe, expect, it } from 'vitest'
import type { Ticket } from '@heliograph/crm-core/contracts'
import { boardOf, cardBeside, MOST_CARDS, statusBeside } from './board.ts'

const ticket = (number: number, rest: Partial<Ticket> = {}): Ticket => ({
  id: `t${String(number)}`,
  version: 1,
  createdAt: '2026-06-01T08:00:00.000Z',
  updatedAt: '2026-06-01T08:00:00.000Z',
  number,
  subject: `Subject ${String(number)}`,
  description: null,
  status: 'new',
  priority: 'normal',
  customerId: null,
  siteId: null,
  alarmIds: [],
  assigneeId: null,
  cause: null,
  lossWh: null,
  lossMoney: null,
  contractId: null,
  sla: {
    firstResponseDueAt: null,
    firstRespondedAt: null,
    nextUpdateDueAt: null,
    solutionDueAt: null,
    pausedSince: null,
    breached: false,
  },
  ...rest,
})
const due = (at: string) => ({ sla: { ...ticket(0).sla, solutionDueAt: at } })

describe('the board of tickets', () => {
  it('has a column for each status, the urgent first, then what is due first, then the oldest', () => {
    const columns = boardOf([
      ticket(5),
      ticket(4, { priority: 'low' }),
      ticket(3, due('2026-06-02T08:00:00.000Z')),
      ticket(2, due('2026-06-01T09:00:00.000Z')),
      ticket(1),
      ticket(6, { priority: 'urgent' }),
      ticket(7, { status: 'pending' }),
      ticket(8, { status: 'closed' }),
    ])
    expect(columns.map(({ status, cards }) => `${status} ${cards.map(({ number }) => number).join()}`)).toEqual([
      'new 6,2,3,1,5,4',
      'open ',
      'pending 7',
      'scheduled ',
      'resolved ',
    ])
  })
  it('draws so many cards of a column and says how many more there are', () => {
    const [fresh] = boardOf(Array.from({ length: MOST_CARDS + 7 }, (_, index) => ticket(index)))
    expect([fresh!.cards.length, fresh!.more]).toEqual([MOST_CARDS, 7])
  })
  it('is gone through by arrows, over empty columns', () => {
    const columns = boardOf([ticket(1), ticket(2), ticket(3, { status: 'pending' })])
    expect(cardBeside(columns, 't1', 'ArrowDown')?.id).toBe('t2')
    expect(cardBeside(columns, 't1', 'ArrowUp')).toBeUndefined()
    expect(cardBeside(columns, 't2', 'ArrowRight')?.id).toBe('t3')
    expect(cardBeside(columns, 't3', 'ArrowLeft')?.id).toBe('t1')
    expect(cardBeside(columns, 't3', 'ArrowRight')).toBeUndefined()
    expect(cardBeside(columns, 'gone', 'ArrowRight')).toBeUndefined()
  })
  it('moves a ticket one column on or back, and no further than its edges', () => {
    expect([statusBeside('new', 1), statusBeside('new', -1), statusBeside('resolved', 1)]).toEqual([
      'open',
      undefined,
      undefined,
    ])
    expect(statusBeside('closed', -1)).toBeUndefined()
  })
})
