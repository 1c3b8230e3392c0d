import {
  ProblemError,
  type Caller,
  type CustomerId,
  type NewRow,
  type Row,
  type SiteId,
  type TicketComment,
  type TicketCreate,
  type TicketUpdate,
  type WriteOptions,
  type WriteTx,
} from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { elevated, narrowCaller } from '../rights/callers.ts'
import { promisesFor, resumed, worthOf } from './promises.ts'

/** Tickets looked at in one go. */
const MOST_LATE = 200

/**
 * A ticket with the tenant's next number, the promises of the contract in force, and its first line in the timeline.
 * @param tx rights of the tenant: the number's sequence and the contract are not every author's to see
 */
export async function openTicket(
  tx: WriteTx,
  tenantId: string,
  fields: Omit<NewRow<'ticket'>, 'number' | 'status' | 'breached'>,
  { authorId = null, now }: { authorId?: string | null; now: number },
): Promise<Row<'ticket'>> {
  const number = await tx.next(`ticket:${tenantId}`)
  const { customerId = null, siteId = null } = fields
  const promises = await promisesFor(tx, { tenantId, customerId, siteId }, now)
  const ticket = await tx.create('ticket', { ...fields, ...promises, tenantId, number, status: 'new', breached: false })
  await addEntry(tx, ticket, { kind: 'change', isPublic: true, authorId, text: 'Ticket opened' })
  return ticket
}

export async function addEntry(
  tx: WriteTx,
  ticket: Pick<Row<'ticket'>, 'id' | 'tenantId'>,
  entry: Omit<NewRow<'ticketEntry'>, 'ticketId'>,
): Promise<Row<'ticketEntry'>> {
  return await tx.create('ticketEntry', { ...entry, tenantId: ticket.tenantId, ticketId: ticket.id })
}

export function emitTicket(tx: WriteTx, ticket: Row<'ticket'>): void {
  tx.emit({
    type: 'record.changed',
    resource: 'ticket',
    id: ticket.id,
    tenantId: ticket.tenantId as never,
    ...(ticket.siteId === null ? {} : { siteId: ticket.siteId as SiteId }),
    ...(ticket.customerId === null ? {} : { customerId: ticket.customerId as CustomerId }),
  })
}

const isOver = (status: Row<'ticket'>['status']): boolean => status === 'resolved' || status === 'closed'

/** What a change of status does to the promises: taking it up answers it, waiting for the customer stops the clock. */
function clockOf(
  before: Row<'ticket'>,
  status: Row<'ticket'>['status'],
  { now, contract, timezone }: { now: number; contract: Row<'contract'> | undefined; timezone: string | undefined },
): Partial<Row<'ticket'>> {
  const at = new Date(now)
  const answered = before.firstRespondedAt === null && status !== 'new' ? { firstRespondedAt: at } : {}
  if (status === 'pending' && before.pausedSince === null) return { ...answered, pausedSince: at }
  if (status === 'pending' || before.pausedSince === null) return answered
  const stood = {
    pausedSince: before.pausedSince,
    now,
    ...(contract && { contract }),
    ...(timezone !== undefined && { timezone }),
  }
  return {
    ...answered,
    pausedSince: null,
    firstResponseDueAt: resumed(before.firstResponseDueAt, stood),
    solutionDueAt: resumed(before.solutionDueAt, stood),
  }
}

export function createTickets({ db, now }: CrmDeps) {
  async function create(caller: Caller, input: TicketCreate): Promise<Row<'ticket'>> {
    const narrow = narrowCaller(caller, 'ticket:write')
    if (narrow.portal === true && (input.assigneeId ?? input.priority ?? input.cause ?? null) !== null)
      throw new ProblemError('forbidden', 'Priority, cause and assignee are set by the support')
    const scoped = db.as(narrow)
    const site = input.siteId === undefined ? undefined : await scoped.get('site', input.siteId)
    const only = narrow.portal === true && narrow.customerIds.length === 1 ? narrow.customerIds[0] : undefined
    const customerId = input.customerId ?? site?.customerId ?? only ?? null
    if (customerId !== null) await scoped.get('customer', customerId)
    if (site !== undefined && site.customerId !== customerId)
      throw new ProblemError('conflict', 'The site belongs to another customer')
    // A ticket of no site and no customer is seen by who sees everything; others would lose it at once.
    if (customerId === null && narrow.siteScope === 'limited')
      throw new ProblemError('invalid_fields', undefined, { errors: [{ path: 'customerId', message: 'is needed' }] })
    const { alarmIds = [], ...fields } = input
    const alarms = alarmIds.length === 0 ? [] : await scoped.find('alarm', { where: { id: { in: alarmIds } } })
    if (alarms.length !== new Set(alarmIds).size) throw new ProblemError('not_found', 'There is no such alarm')
    if (typeof input.assigneeId === 'string') await scoped.get('user', input.assigneeId)
    // The number's sequence and the alarms' side of the link are not the customer's to write.
    return await db.as(elevated(caller, 'tickets')).transaction(async (tx) => {
      const ticket = await openTicket(
        tx,
        narrow.tenantId!,
        { ...fields, customerId, priority: input.priority ?? 'normal' },
        { authorId: caller.id, now: now() },
      )
      for (const alarm of alarms) await tx.update('alarm', alarm.id, { ticketId: ticket.id })
      emitTicket(tx, ticket)
      return narrow.portal === true ? { ...ticket, contractId: null } : ticket
    })
  }

  async function update(
    caller: Caller,
    id: string,
    input: TicketUpdate,
    options?: WriteOptions,
  ): Promise<Row<'ticket'>> {
    const narrow = narrowCaller(caller, 'ticket:write')
    if (narrow.portal === true)
      throw new ProblemError('forbidden', 'Write a comment instead; the support changes tickets')
    const { lossMoney: givenMoney, ...changes } = input
    const contract = await contractOf(caller, await db.as(narrow).get('ticket', id))
    const worth = changes.lossWh != null && contract !== undefined ? worthOf(changes.lossWh, contract) : undefined
    const lossMoney = givenMoney !== undefined ? givenMoney : changes.lossWh === undefined ? undefined : (worth ?? null)
    return await db.as(narrow).transaction(async (tx) => {
      const before = await tx.get('ticket', id)
      const status = changes.status ?? before.status
      const at = new Date(now())
      const site = before.siteId === null ? undefined : await tx.first('site', { id: before.siteId })
      const row = await tx.update(
        'ticket',
        id,
        {
          ...changes,
          ...(lossMoney === undefined
            ? {}
            : { lossAmount: lossMoney?.amount ?? null, lossCurrency: lossMoney?.currency ?? null }),
          resolvedAt: isOver(status) ? (before.resolvedAt ?? at) : null,
          ...clockOf(before, status, { now: now(), contract, timezone: site?.timezone }),
          closedAt: status === 'closed' ? (before.closedAt ?? at) : null,
          // Once over, the same cause opens a new ticket.
          openCause: isOver(status) ? null : before.openCause,
        },
        options,
      )
      const changed = (['status', 'priority', 'assigneeId', 'subject', 'cause'] as const).filter(
        (field) => before[field] !== row[field],
      )
      if (changed.length > 0)
        await addEntry(tx, row, {
          kind: 'change',
          isPublic: changed.includes('status'),
          authorId: caller.id,
          text: changed.includes('status') ? `Status: ${row.status}` : `Changed: ${changed.join(', ')}`,
          data: Object.fromEntries(changed.map((field) => [field, [before[field], row[field]]])),
        })
      emitTicket(tx, row)
      return row
    })
  }

  /** What a customer writes is seen by everybody on the ticket; staff choose, and speak inside unless they say otherwise. */
  async function comment(caller: Caller, id: string, input: TicketComment): Promise<Row<'ticketEntry'>> {
    const narrow = narrowCaller(caller, 'ticket:write')
    return await db.as(narrow).transaction(async (tx) => {
      const ticket = await tx.get('ticket', id)
      const isPublic = narrow.portal === true || input.isPublic === true
      const entry = await addEntry(tx, ticket, { kind: 'comment', isPublic, authorId: caller.id, text: input.text })
      if (isPublic && narrow.portal !== true && ticket.firstRespondedAt === null)
        await tx.update('ticket', id, { firstRespondedAt: new Date(now()) })
      emitTicket(tx, ticket)
      return entry
    })
  }

  /** The contract whose promises are the ticket's: whoever works on the ticket works under it, seen or not. */
  async function contractOf(caller: Caller, { id }: Row<'ticket'>): Promise<Row<'contract'> | undefined> {
    const inside = db.as(elevated(caller, 'tickets'))
    const { contractId } = await inside.get('ticket', id)
    return contractId === null ? undefined : await inside.first('contract', { id: contractId })
  }

  /** Marks what is past its promise, once, with a line for the staff. @returns how many */
  async function markLate(): Promise<number> {
    const at = new Date(now())
    const late = await db.system.find('ticket', {
      where: {
        breached: false,
        pausedSince: null,
        status: { notIn: ['resolved', 'closed'] },
        OR: [{ firstResponseDueAt: { lt: at }, firstRespondedAt: null }, { solutionDueAt: { lt: at } }],
      },
      limit: MOST_LATE,
    })
    for (const { id } of late)
      await db.system.transaction(async (tx) => {
        const ticket = await tx.get('ticket', id)
        const what = ticket.solutionDueAt !== null && ticket.solutionDueAt < at ? 'solution' : 'first response'
        const due = what === 'solution' ? ticket.solutionDueAt : ticket.firstResponseDueAt
        if (ticket.breached || due === null) return
        emitTicket(tx, await tx.update('ticket', id, { breached: true }))
        await addEntry(tx, ticket, {
          kind: 'change',
          isPublic: false,
          text: `Late: the ${what} was due ${due.toISOString()}`,
          data: { late: what, due: due.toISOString() },
        })
      })
    return late.length
  }

  /** Oldest first; a customer sees what is public. */
  async function timeline(caller: Caller, id: string): Promise<Row<'ticketEntry'>[]> {
    const scoped = db.as(narrowCaller(caller, 'ticket:read'))
    await scoped.get('ticket', id)
    return await scoped.find('ticketEntry', { where: { ticketId: id }, orderBy: [['createdAt', 'asc']] })
  }

  /** People of the staff whom the caller sees and who work on tickets: whom one can be given to. */
  async function assignees(caller: Caller): Promise<Pick<Row<'user'>, 'id' | 'name'>[]> {
    const narrow = narrowCaller(caller, 'ticket:read')
    if (narrow.portal === true) return []
    const inside = db.as(elevated(caller, 'tickets'))
    const [users, roles, assignments] = await Promise.all([
      db.as(narrow).all('user', { status: 'active' }),
      inside.all('role'),
      inside.all('roleAssignment'),
    ])
    const working = new Set(
      roles
        .filter((role) => role.permissions.includes('ticket:write') && !(role.builtIn && role.name === 'customer'))
        .map(({ id }) => id),
    )
    const staff = new Set(assignments.filter(({ roleId }) => working.has(roleId)).map(({ userId }) => userId))
    return users
      .filter(({ id }) => staff.has(id))
      .map(({ id, name }) => ({ id, name }))
      .sort((a, b) => a.name.localeCompare(b.name))
  }

  /** Alarms of several tickets at once. */
  async function alarmIds(caller: Caller, ticketIds: readonly string[]): Promise<Map<string, string[]>> {
    const alarms = await db.as(caller).all('alarm', { ticketId: { in: ticketIds } })
    const byTicket = new Map<string, string[]>(ticketIds.map((id) => [id, []]))
    for (const alarm of alarms) byTicket.get(alarm.ticketId!)?.push(alarm.id)
    return byTicket
  }

  return { create, update, comment, timeline, assignees, alarmIds, markLate }
}
