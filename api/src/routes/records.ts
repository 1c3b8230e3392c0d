import { z } from 'zod'
import { auditEntryResource, notificationResource } from '@heliograph/crm-core'
import {
  auditEntrySchema,
  CHANNELS,
  idSchema,
  listOf,
  NOTIFICATION_STATES,
  notificationSchema,
  timeInputSchema,
  type Where,
} from '@heliograph/crm-core/contracts'
import { idParams, listQuery, type RouteModule } from '../http/api.ts'
import { given } from '../http/crud.ts'
import { readSealedPage } from '../http/page.ts'
import { dbOf } from '../plugins/caller.ts'

/** What was sent to people, and what people did: read only. */
export const recordRoutes: RouteModule = (api, context) => {
  const { db } = context.deps
  api.get(
    '/notifications',
    {
      config: { policy: { permission: 'notification:read' } },
      schema: {
        tags: ['notifications'],
        summary: 'The outbox: messages queued, sent and failed',
        querystring: listQuery(
          {
            state: z.enum(NOTIFICATION_STATES).optional(),
            channel: z.enum(CHANNELS).optional(),
            ticketId: idSchema.optional(),
          },
          ['-createdAt', 'createdAt'],
        ),
        response: { 200: listOf(notificationSchema) },
      },
    },
    async (request) => {
      const { query } = request
      const where: Where<'notification'>[] = [given(query, ['state', 'channel', 'ticketId'])]
      if (query.q) where.push({ OR: [{ recipient: { contains: query.q } }, { subject: { contains: query.q } }] })
      const page = await readSealedPage(context, dbOf(request, db), 'notification', query, { AND: where })
      return { items: page.items.map((row) => notificationResource(row)), nextCursor: page.nextCursor }
    },
  )
  api.get(
    '/notifications/:id',
    {
      config: { policy: { permission: 'notification:read' } },
      schema: {
        tags: ['notifications'],
        summary: 'Read one message',
        params: idParams,
        response: { 200: notificationSchema },
      },
    },
    async (request) => notificationResource(await dbOf(request, db).get('notification', request.params.id)),
  )

  api.get(
    '/audit',
    {
      config: { policy: { permission: 'audit:read' } },
      schema: {
        tags: ['audit'],
        summary: 'Who did what: changes and refused accesses, newest first',
        querystring: listQuery(
          {
            actorId: idSchema.optional(),
            action: z.string().max(100).optional(),
            resource: z.string().max(100).optional(),
            resourceId: idSchema.optional(),
            from: timeInputSchema.optional(),
            to: timeInputSchema.optional(),
          },
          ['-seq', 'seq'],
        ),
        response: { 200: listOf(auditEntrySchema) },
      },
    },
    async (request) => {
      const { query } = request
      const where: Where<'audit'>[] = [given(query, ['actorId', 'action', 'resource', 'resourceId'])]
      if (query.from !== undefined) where.push({ at: { gte: query.from } })
      if (query.to !== undefined) where.push({ at: { lt: query.to } })
      if (query.q) where.push({ OR: [{ action: { contains: query.q } }, { resourceId: { contains: query.q } }] })
      const page = await readSealedPage(context, dbOf(request, db), 'audit', query, { AND: where })
      return { items: page.items.map((row) => auditEntryResource(row)), nextCursor: page.nextCursor }
    },
  )
}
