import { z } from 'zod'
import { MAX_WIDTH, seriesQuery, tenantOf } from '@heliograph/crm-core'
import { idSchema, moneySchema, type SiteId, timeSchema } from '@heliograph/crm-core/contracts'
import { idParams, type RouteModule } from '../http/api.ts'
import { dataScope } from '../http/scope.ts'
import { spanOf, timeQuerySchema } from '../http/time.ts'
import { callerOf, dbOf } from '../plugins/caller.ts'

const DAY_MS = 86_400_000
const DEFAULT_MS = 30 * DAY_MS
const MAX_WINDOW_MS = 30 * 366 * DAY_MS

/** What a site's production was worth. */
export const siteWorthRoutes: RouteModule = (api, { deps, now }) => {
  const { db, warehouse, crm } = deps

  api.get(
    '/sites/:id/worth',
    {
      config: { policy: { permission: 'telemetry:read' } },
      schema: {
        tags: ['telemetry'],
        summary:
          'What the energy of its local days was worth, each by the tariff of the contract in force on it; `from` and `to` at their midnights',
        params: idParams,
        querystring: z.strictObject({ from: timeQuerySchema.optional(), to: timeQuerySchema.optional() }),
        response: {
          200: z.object({
            siteId: idSchema,
            from: timeSchema,
            to: timeSchema,
            timezone: z.string(),
            energyWh: z.number(),
            /** Energy of the days under a contract with a tariff; `worth` speaks of it alone. */
            pricedWh: z.number(),
            worth: z.array(moneySchema),
          }),
        },
      },
    },
    async (request) => {
      const database = dbOf(request, db)
      const site = await database.get('site', request.params.id)
      const { timezone } = site
      const { from, to } = spanOf(request.query, timezone, { now: now(), defaultMs: DEFAULT_MS, maxMs: MAX_WINDOW_MS })
      const { series } = await seriesQuery(warehouse, await dataScope(database), {
        tenantId: tenantOf(database.caller),
        target: { kind: 'sites', siteIds: [site.id as SiteId] },
        timezone,
        metrics: ['energy_wh'],
        from,
        to,
        width: MAX_WIDTH,
        bucket: '1d',
        now: now(),
      })
      const days = series[0]!.points.flatMap((point) =>
        'sum' in point && point.date !== undefined ? [{ date: point.date, wh: point.sum }] : [],
      )
      return {
        siteId: site.id,
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
        timezone,
        energyWh: days.reduce((sum, { wh }) => sum + wh, 0),
        ...(await crm.worth.ofSite(callerOf(request), site.id, days)),
      }
    },
  )
}
