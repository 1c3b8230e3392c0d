import { z } from 'zod'
import { apiKeyResource } from '@heliograph/crm-core'
import { ProblemError, apiKeyCreatedSchema, apiKeyCreateSchema, apiKeySchema } from '@heliograph/crm-core/contracts'
import { idParams, type RouteModule } from '../http/api.ts'
import { all, crudRoutes } from '../http/crud.ts'
import { sendEtag, writeOptions } from '../http/etag.ts'
import { narrowedCaller } from '../plugins/caller.ts'

export const apiKeyRoutes: RouteModule = (api, context) => {
  const { apiKeys } = context.deps.crm
  crudRoutes(api, context, {
    path: 'api-keys',
    noun: 'API key',
    table: 'apiKey',
    read: 'apiKey:read',
    write: 'apiKey:write',
    resource: apiKeySchema,
    present: all(apiKeyResource),
    list: { sorts: ['-createdAt', 'createdAt', 'name', '-name'], search: ['name'] },
  })
  api.post(
    '/api-keys',
    {
      config: { policy: { permission: 'apiKey:write' }, answersSecret: true },
      schema: {
        tags: ['api-keys'],
        summary: 'Make an API key; the key itself is answered this once',
        body: apiKeyCreateSchema,
        response: { 201: apiKeyCreatedSchema },
      },
    },
    async (request, reply) => {
      const { row, key } = await apiKeys.create(narrowedCaller(request), request.body)
      sendEtag(reply, row.version)
      return reply
        .code(201)
        .header('location', `/api/v1/api-keys/${row.id}`)
        .send({ ...apiKeyResource(row), key })
    },
  )
  api.delete(
    '/api-keys/:id',
    {
      config: { policy: { permission: 'apiKey:write' } },
      schema: {
        tags: ['api-keys'],
        summary: 'Revoke an API key, at once',
        params: idParams,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const caller = narrowedCaller(request)
      const { ifVersion } = writeOptions(request)
      const { version } = await context.deps.db.as(caller).get('apiKey', request.params.id)
      if (ifVersion !== undefined && ifVersion !== version) throw new ProblemError('stale')
      await apiKeys.revoke(caller, request.params.id)
      return reply.code(204).send(null)
    },
  )
}
