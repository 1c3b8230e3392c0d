import { z } from 'zod'
import { replayResource, unclaimedResource } from '@heliograph/crm-core'
import {
  claimedSchema,
  claimSchema,
  idSchema,
  listOf,
  REPLAY_STATES,
  replayCreateSchema,
  replaySchema,
  unclaimedSchema,
  type Where,
} from '@heliograph/crm-core/contracts'
import { idParams, listQuery, type RouteModule } from '../http/api.ts'
import { all, crudRoutes, given } from '../http/crud.ts'
import { readSealedPage } from '../http/page.ts'
import { dbOf, narrowedCaller } from '../plugins/caller.ts'

/** Devices that speak and belong to nobody yet, and the replays that claiming and correcting start. */
export const deskRoutes: RouteModule = (api, context) => {
  const { crm, db } = context.deps

  api.get(
    '/unclaimed',
    {
      config: { policy: { permission: 'pipeline:read' } },
      schema: {
        tags: ['unclaimed'],
        summary: 'List devices that speak and are linked to nothing',
        querystring: listQuery({ connectionId: idSchema.optional(), vendor: z.string().max(64).optional() }, [
          '-lastSeenAt',
          'lastSeenAt',
          'firstSeenAt',
          '-firstSeenAt',
        ]),
        response: { 200: listOf(unclaimedSchema) },
      },
    },
    async (request) => {
      const { query } = request
      const where: Where<'unclaimed'>[] = [given(query, ['connectionId', 'vendor'])]
      if (query.q) where.push({ OR: [{ externalId: { contains: query.q } }, { serial: { contains: query.q } }] })
      const page = await readSealedPage(context, dbOf(request, db), 'unclaimed', query, { AND: where })
      return { items: page.items.map((row) => unclaimedResource(row)), nextCursor: page.nextCursor }
    },
  )
  api.get(
    '/unclaimed/:id',
    {
      config: { policy: { permission: 'pipeline:read' } },
      schema: { tags: ['unclaimed'], summary: 'Read one', params: idParams, response: { 200: unclaimedSchema } },
    },
    async (request) => unclaimedResource(await dbOf(request, db).get('unclaimed', request.params.id)),
  )
  api.post(
    '/unclaimed/:id/claim',
    {
      config: { policy: { permission: 'device:claim' } },
      schema: {
        tags: ['unclaimed'],
        summary: 'Claim a device for a site: linked at once, its history follows by a replay',
        params: idParams,
        body: claimSchema,
        response: { 202: claimedSchema },
      },
    },
    async (request, reply) => {
      const claimed = await crm.claims.claim(narrowedCaller(request), request.params.id, request.body)
      return reply.code(202).header('location', `/api/v1/devices/${claimed.deviceId}`).send(claimed)
    },
  )

  crudRoutes(api, context, {
    path: 'replays',
    noun: 'replay',
    table: 'replay',
    read: 'pipeline:read',
    write: 'pipeline:replay',
    resource: replaySchema,
    present: all(replayResource),
    list: {
      filters: { state: z.enum(REPLAY_STATES).optional(), connectionId: idSchema.optional() },
      sorts: ['-createdAt', 'createdAt'],
      where: (query) => given(query, ['state', 'connectionId']),
    },
    create: {
      body: replayCreateSchema,
      run: crm.replays.create,
    },
  })
}
