import { z } from 'zod'
import { idSchema, siteTagsSchema } from '@heliograph/crm-core/contracts'
import type { RouteModule } from '../http/api.ts'
import { narrowedCaller } from '../plugins/caller.ts'

/** Tags of many sites in one go. One site's are changed with the site itself. */
export const tagRoutes: RouteModule = (api, { deps }) => {
  api.post(
    '/sites/tags',
    {
      config: { policy: { permission: 'site:write' } },
      schema: {
        tags: ['sites'],
        summary: 'Add tags to sites and take tags away; all of them or none',
        body: siteTagsSchema,
        response: { 200: z.object({ items: z.array(z.object({ id: idSchema, tags: z.array(z.string()) })) }) },
      },
    },
    async (request) => {
      const rows = await deps.crm.sites.tag(narrowedCaller(request), request.body)
      return { items: rows.map(({ id, tags }) => ({ id, tags: tags ?? [] })) }
    },
  )
}
