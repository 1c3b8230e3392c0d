import { z } from 'zod'
import { searchHitSchema } from '@heliograph/crm-core/contracts'
import type { RouteModule } from '../http/api.ts'
import { callerOf } from '../plugins/caller.ts'

/** Things by name, serial or number: what the command palette asks. Each kind as far as the caller may see it. */
export const searchRoutes: RouteModule = (api, { deps }) => {
  api.get(
    '/search',
    {
      config: { policy: 'signed-in' },
      schema: {
        tags: ['search'],
        summary: 'Find sites, devices by serial, customers and tickets; best match first',
        querystring: z.strictObject({
          q: z.string().trim().min(1).max(200),
          /** Of each kind. */
          limit: z.coerce.number().int().min(1).max(20).default(6),
        }),
        response: { 200: z.object({ items: z.array(searchHitSchema) }) },
      },
    },
    async (request) => ({ items: await deps.crm.search(callerOf(request), request.query.q, request.query.limit) }),
  )
}
