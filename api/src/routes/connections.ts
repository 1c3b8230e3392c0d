import { z } from 'zod'
import { connectionResource } from '@heliograph/crm-core'
import {
  CONNECTION_TRANSPORTS,
  connectionCreatedSchema,
  connectionCreateSchema,
  connectionRotatedSchema,
  connectionRotateSchema,
  connectionSchema,
  connectionUpdateSchema,
  idSchema,
  ProblemError,
  type Connection,
  type Row,
  type Where,
} from '@heliograph/crm-core/contracts'
import { flagSchema, idParams, type RouteModule } from '../http/api.ts'
import { all, crudRoutes, given } from '../http/crud.ts'
import { sendEtag } from '../http/etag.ts'
import { narrowedCaller } from '../plugins/caller.ts'

const tags = ['connections']

export const connectionRoutes: RouteModule = (api, context) => {
  const { connections } = context.deps.crm
  const served = context.deps.servedTransports
  const present = (row: Row<'connection'>): Connection =>
    connectionResource(row, { status: context.deps.brokerStatus?.(row.id) })
  crudRoutes(api, context, {
    path: 'connections',
    noun: 'connection',
    table: 'connection',
    read: 'connection:read',
    write: 'connection:write',
    resource: connectionSchema,
    present: all(present),
    list: {
      filters: {
        transport: z.enum(CONNECTION_TRANSPORTS).optional(),
        vendor: z.string().max(64).optional(),
        siteId: idSchema.optional(),
        enabled: flagSchema.optional(),
        revoked: flagSchema.default(false),
      },
      sorts: ['name', '-name', 'createdAt', '-createdAt', 'lastSeenAt', '-lastSeenAt'],
      where: (query): Where<'connection'> => ({
        ...given(query, ['transport', 'vendor', 'siteId', 'enabled']),
        revokedAt: query['revoked'] === true ? { not: null } : null,
      }),
      search: ['name', 'username'],
    },
    update: { body: connectionUpdateSchema, run: connections.update },
    remove: { run: connections.revoke, summary: 'Revoke a connection: its sockets are cut, its history stays' },
  })
  api.post(
    '/connections',
    {
      config: { policy: { permission: 'connection:write' }, answersSecret: true },
      schema: {
        tags,
        summary:
          'Make a connection; user name and secret are answered this once (none for a broker, whose login is its owner’s)',
        body: connectionCreateSchema,
        response: { 201: connectionCreatedSchema },
      },
    },
    async (request, reply) => {
      const caller = narrowedCaller(request)
      // Data would never come in by it, and nobody would know why.
      if (served !== undefined && !served.includes(request.body.transport))
        throw new ProblemError('invalid_fields', `Nothing here serves "${request.body.transport}" yet`, {
          errors: [{ path: 'transport', message: `is one of ${served.join(', ')}` }],
        })
      const { row, secret } = await connections.create(caller, request.body)
      sendEtag(reply, row.version)
      return reply
        .code(201)
        .header('location', `/api/v1/connections/${row.id}`)
        .send({ ...present(row), secret })
    },
  )
  api.post(
    '/connections/:id/rotate',
    {
      config: { policy: { permission: 'connection:write' }, answersSecret: true },
      schema: {
        tags,
        summary: 'Give a connection a new secret; the one before stays good for the overlap',
        params: idParams,
        body: connectionRotateSchema.nullish(),
        response: { 201: connectionRotatedSchema },
      },
    },
    async (request, reply) => {
      const rotated = await connections.rotate(narrowedCaller(request), request.params.id, request.body ?? {})
      return reply.code(201).send({ ...rotated, previousValidTo: rotated.previousValidTo.toISOString() })
    },
  )
}
