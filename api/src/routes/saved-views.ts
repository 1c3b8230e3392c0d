import { z } from 'zod'
import { savedViewResource } from '@heliograph/crm-core'
import { listOf, savedViewCreateSchema, savedViewSchema, savedViewUpdateSchema } from '@heliograph/crm-core/contracts'
import { idParams, type RouteModule } from '../http/api.ts'
import { sendEtag, writeOptions } from '../http/etag.ts'
import { callerOf } from '../plugins/caller.ts'

const tags = ['saved views']

/** Addresses that a person keeps under a name: filters, order, columns. One's own only. */
export const savedViewRoutes: RouteModule = (api, { deps }) => {
  const { savedViews } = deps.crm
  const config = { policy: 'signed-in' } as const
  api.get(
    '/saved-views',
    { config, schema: { tags, summary: 'Your views, by name', response: { 200: listOf(savedViewSchema) } } },
    async (request) => {
      const rows = await savedViews.list(callerOf(request))
      return { items: rows.map((row) => savedViewResource(row)), nextCursor: null }
    },
  )
  api.post(
    '/saved-views',
    {
      config,
      schema: { tags, summary: 'Keep a view', body: savedViewCreateSchema, response: { 201: savedViewSchema } },
    },
    async (request, reply) => {
      const row = await savedViews.create(callerOf(request), request.body)
      sendEtag(reply, row.version)
      return reply.code(201).send(savedViewResource(row))
    },
  )
  api.patch(
    '/saved-views/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Rename a view, or point it elsewhere',
        params: idParams,
        body: savedViewUpdateSchema,
        response: { 200: savedViewSchema },
      },
    },
    async (request, reply) => {
      const row = await savedViews.update(callerOf(request), request.params.id, request.body, writeOptions(request))
      sendEtag(reply, row.version)
      return savedViewResource(row)
    },
  )
  api.delete(
    '/saved-views/:id',
    { config, schema: { tags, summary: 'Forget a view', params: idParams, response: { 204: z.null() } } },
    async (request, reply) => {
      await savedViews.remove(callerOf(request), request.params.id, writeOptions(request))
      return reply.code(204).send(null)
    },
  )
}
