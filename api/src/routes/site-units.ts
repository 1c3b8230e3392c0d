import { z } from 'zod'
import { idSchema, siteUnitSchema } from '@heliograph/crm-core/contracts'
import type { RouteModule } from '../http/api.ts'
import { narrowedCaller } from '../plugins/caller.ts'

/** The unit of many sites in one go. One site's is changed with the site itself. */
export const siteUnitRoutes: RouteModule = (api, { deps }) => {
  api.post(
    '/sites/unit',
    {
      config: { policy: { permission: 'site:write' } },
      schema: {
        tags: ['sites'],
        summary: 'Move sites to an org unit; all of them or none',
        body: siteUnitSchema,
        response: { 200: z.object({ items: z.array(z.object({ id: idSchema, orgUnitId: idSchema })) }) },
      },
    },
    async (request) => {
      const rows = await deps.crm.sites.moveToUnit(narrowedCaller(request), request.body)
      return { items: rows.map(({ id, orgUnitId }) => ({ id, orgUnitId })) }
    },
  )
}
