import { z } from 'zod'
import { alarmResource, subscriptionResource } from '@heliograph/crm-core'
import {
  alarmMuteSchema,
  alarmsAcknowledgeSchema,
  alarmSchema,
  idSchema,
  listOf,
  SEVERITIES,
  subscriptionCreateSchema,
  subscriptionSchema,
  type Where,
} from '@heliograph/crm-core/contracts'
import { flagSchema, idParams, type RouteModule } from '../http/api.ts'
import { all, crudRoutes, given } from '../http/crud.ts'
import { sendEtag } from '../http/etag.ts'
import { underUnit } from '../http/fleet-sites.ts'
import { narrowedCaller } from '../plugins/caller.ts'

const tags = ['alarms']

export const alarmRoutes: RouteModule = (api, context) => {
  const { alarms, subscriptions } = context.deps.crm
  crudRoutes(api, context, {
    path: 'alarms',
    noun: 'alarm',
    table: 'alarm',
    read: 'alarm:read',
    write: 'alarm:write',
    resource: alarmSchema,
    present: all(alarmResource),
    list: {
      filters: {
        siteId: idSchema.optional(),
        deviceId: idSchema.optional(),
        ticketId: idSchema.optional(),
        incidentId: idSchema.optional(),
        severity: z.enum(SEVERITIES).optional(),
        type: z.string().max(100).optional(),
        /** Not cleared. */
        open: flagSchema.optional(),
        acknowledged: flagSchema.optional(),
        historic: flagSchema.optional(),
        /** The sites under this unit. */
        orgUnitId: idSchema.optional(),
      },
      sorts: ['-raisedAt', 'raisedAt'],
      where: (query): Where<'alarm'> => ({
        ...given(query, ['siteId', 'deviceId', 'ticketId', 'incidentId', 'severity', 'type', 'historic']),
        ...nullness('clearedAt', query['open'] as boolean | undefined),
        ...nullness('acknowledgedAt', negate(query['acknowledged'] as boolean | undefined)),
      }),
      search: ['message', 'type'],
      narrow: (query, db) => underUnit<'alarm'>(db, query['orgUnitId'] as string | undefined),
    },
  })
  api.post(
    '/alarms/:id/acknowledge',
    {
      config: { policy: { permission: 'alarm:write' } },
      schema: {
        tags,
        summary: 'Acknowledge: somebody has seen it; it stays open until its cause is gone',
        params: idParams,
        response: { 200: alarmSchema },
      },
    },
    async (request, reply) => {
      const row = await alarms.acknowledge(narrowedCaller(request), request.params.id)
      sendEtag(reply, row.version)
      return alarmResource(row)
    },
  )
  api.post(
    '/alarms/:id/mute',
    {
      config: { policy: { permission: 'alarm:write' } },
      schema: {
        tags,
        summary: 'Keep an alarm from notifying anybody until a time, with the reason',
        params: idParams,
        body: alarmMuteSchema,
        response: { 200: alarmSchema },
      },
    },
    async (request, reply) => {
      const row = await alarms.mute(narrowedCaller(request), request.params.id, request.body)
      sendEtag(reply, row.version)
      return alarmResource(row)
    },
  )

  api.delete(
    '/alarms/:id/acknowledge',
    {
      config: { policy: { permission: 'alarm:write' } },
      schema: {
        tags,
        summary: 'Take an acknowledgement back',
        params: idParams,
        response: { 200: alarmSchema },
      },
    },
    async (request, reply) => {
      const row = await alarms.unacknowledge(narrowedCaller(request), request.params.id)
      sendEtag(reply, row.version)
      return alarmResource(row)
    },
  )
  api.delete(
    '/alarms/:id/mute',
    {
      config: { policy: { permission: 'alarm:write' } },
      schema: { tags, summary: 'End a mute now', params: idParams, response: { 200: alarmSchema } },
    },
    async (request, reply) => {
      const row = await alarms.unmute(narrowedCaller(request), request.params.id)
      sendEtag(reply, row.version)
      return alarmResource(row)
    },
  )
  api.post(
    '/alarms/acknowledge',
    {
      config: { policy: { permission: 'alarm:write' } },
      schema: {
        tags,
        summary: 'Acknowledge many: all open alarms of some sites, or those named; at most 1 000 at a time',
        body: alarmsAcknowledgeSchema,
        response: { 200: listOf(alarmSchema) },
      },
    },
    async (request) => {
      const rows = await alarms.acknowledgeMany(narrowedCaller(request), request.body)
      return { items: rows.map((row) => alarmResource(row)), nextCursor: null }
    },
  )

  crudRoutes(api, context, {
    path: 'subscriptions',
    noun: 'subscription',
    table: 'subscription',
    read: 'alarm:read',
    write: 'alarm:read',
    resource: subscriptionSchema,
    present: all(subscriptionResource),
    list: {
      filters: { userId: idSchema.optional() },
      sorts: ['-createdAt', 'createdAt'],
      where: (query) => given(query, ['userId']),
    },
    create: { body: subscriptionCreateSchema, run: subscriptions.create },
    remove: { run: subscriptions.remove },
  })
}

const negate = (flag: boolean | undefined) => (flag === undefined ? undefined : !flag)
function nullness(column: 'clearedAt' | 'acknowledgedAt', isNull: boolean | undefined): Where<'alarm'> {
  return isNull === undefined ? {} : { [column]: isNull ? null : { not: null } }
}
