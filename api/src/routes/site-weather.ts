import { z } from 'zod'
import { MAX_WEATHER_MS, tenantOf, weatherHours } from '@heliograph/crm-core'
import { listOf, timeSchema, type SiteId } from '@heliograph/crm-core/contracts'
import { idParams, type RouteModule } from '../http/api.ts'
import { spanOf, timeQuerySchema } from '../http/time.ts'
import { dbOf } from '../plugins/caller.ts'

const DAY_MS = 86_400_000

const hourSchema = z.object({
  ts: timeSchema.describe('Start of the hour'),
  ghiWm2: z.number().describe('Mean global horizontal irradiance of the hour, W/m²'),
  ambientC: z.number().nullable(),
  windMs: z.number().nullable(),
})

/** What a weather service told of a site's place. */
export const siteWeatherRoutes: RouteModule = (api, { deps, now }) => {
  const { db, warehouse } = deps

  api.get(
    '/sites/:id/weather',
    {
      config: { policy: { permission: 'telemetry:read' } },
      schema: {
        tags: ['telemetry'],
        summary:
          'Hours that a weather service told of its place, where one is asked; the last day unless asked for more',
        params: idParams,
        querystring: z.strictObject({ from: timeQuerySchema.optional(), to: timeQuerySchema.optional() }),
        response: { 200: listOf(hourSchema) },
      },
    },
    async (request) => {
      const database = dbOf(request, db)
      const site = await database.get('site', request.params.id)
      const span = spanOf(request.query, site.timezone, { now: now(), defaultMs: DAY_MS, maxMs: MAX_WEATHER_MS })
      const tenantId = tenantOf(database.caller)
      const siteId = site.id as SiteId
      const hours = await weatherHours(warehouse, { tenantId, siteIds: [siteId] }, { tenantId, siteId, ...span })
      return {
        items: hours.map(({ ts, ghiWm2, ambientC = null, windMs = null }) => ({
          ts: new Date(ts).toISOString(),
          ghiWm2,
          ambientC,
          windMs,
        })),
        nextCursor: null,
      }
    },
  )
}
