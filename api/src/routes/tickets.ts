import { z } from 'zod'
import { ticketEntryResource, ticketResource } from '@heliograph/crm-core'
import {
  idSchema,
  listOf,
  TICKET_PRIORITIES,
  TICKET_STATUSES,
  ticketCommentSchema,
  ticketCreateSchema,
  ticketEntrySchema,
  ticketSchema,
  ticketUpdateSchema,
  type TicketStatus,
  type Where,
} from '@heliograph/crm-core/contracts'
import { flagSchema, idParams, type RouteModule } from '../http/api.ts'
import { crudRoutes, given } from '../http/crud.ts'
import { underUnit } from '../http/fleet-sites.ts'
import { narrowedCaller } from '../plugins/caller.ts'

const tags = ['tickets']
const CLOSED: TicketStatus[] = ['resolved', 'closed']

export const ticketRoutes: RouteModule = (api, context) => {
  const { tickets } = context.deps.crm
  crudRoutes(api, context, {
    path: 'tickets',
    noun: 'ticket',
    table: 'ticket',
    read: 'ticket:read',
    write: 'ticket:write',
    resource: ticketSchema,
    present: async (rows, db) => {
      const alarms = await tickets.alarmIds(
        db.caller,
        rows.map(({ id }) => id),
      )
      return rows.map((row) => ticketResource(row, alarms.get(row.id) ?? []))
    },
    list: {
      filters: {
        status: z.enum(TICKET_STATUSES).optional(),
        open: flagSchema.optional(),
        priority: z.enum(TICKET_PRIORITIES).optional(),
        customerId: idSchema.optional(),
        siteId: idSchema.optional(),
        assigneeId: idSchema.optional(),
        breached: flagSchema.optional(),
        /** The sites under this unit. */
        orgUnitId: idSchema.optional(),
      },
      sorts: [
        '-createdAt',
        'createdAt',
        '-updatedAt',
        'updatedAt',
        'number',
        '-number',
        'solutionDueAt',
        '-solutionDueAt',
      ],
      where: (query): Where<'ticket'> => ({
        AND: [
          given(query, ['status', 'priority', 'customerId', 'siteId', 'assigneeId', 'breached']),
          query['open'] === undefined ? {} : { status: query['open'] === true ? { notIn: CLOSED } : { in: CLOSED } },
        ],
      }),
      search: ['subject'],
      narrow: (query, db) => underUnit<'ticket'>(db, query['orgUnitId'] as string | undefined),
    },
    create: { body: ticketCreateSchema, run: tickets.create },
    update: { body: ticketUpdateSchema, run: tickets.update },
  })
  api.get(
    '/tickets/assignees',
    {
      config: { policy: { permission: 'ticket:read' } },
      schema: {
        tags,
        summary: 'People a ticket can be given to, by name; nobody for customers',
        response: { 200: listOf(z.object({ id: idSchema, name: z.string() })) },
      },
    },
    async (request) => ({ items: await tickets.assignees(narrowedCaller(request)), nextCursor: null }),
  )
  api.get(
    '/tickets/:id/timeline',
    {
      config: { policy: { permission: 'ticket:read' } },
      schema: {
        tags,
        summary: 'What happened on a ticket, oldest first; customers see the public entries',
        params: idParams,
        response: { 200: listOf(ticketEntrySchema) },
      },
    },
    async (request) => {
      const entries = await tickets.timeline(narrowedCaller(request), request.params.id)
      return { items: entries.map((row) => ticketEntryResource(row)), nextCursor: null }
    },
  )
  api.post(
    '/tickets/:id/comments',
    {
      config: { policy: { permission: 'ticket:write' } },
      schema: {
        tags,
        summary: 'Write a comment',
        params: idParams,
        body: ticketCommentSchema,
        response: { 201: ticketEntrySchema },
      },
    },
    async (request, reply) => {
      const row = await tickets.comment(narrowedCaller(request), request.params.id, request.body)
      return reply.code(201).send(ticketEntryResource(row))
    },
  )
}
