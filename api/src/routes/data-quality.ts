import { z } from 'zod'
import { dataQuality, MAX_QUALITY_MS, tenantOf, type QualityPlace } from '@heliograph/crm-core'
import { idSchema, listOf, timeSchema, type SiteId } from '@heliograph/crm-core/contracts'
import type { RouteModule } from '../http/api.ts'
import { createShortMemory } from '../http/short-memory.ts'
import { dataScope } from '../http/scope.ts'
import { spanOf, timeQuerySchema } from '../http/time.ts'
import { dbOf } from '../plugins/caller.ts'

const DAY_MS = 86_400_000
const MAX_LISTED = 500
/** The same question of several people, or of one who comes back to the page, is answered once in this time. */
const REMEMBERED_MS = 30_000

const qualitySchema = z.object({
  deviceId: idSchema,
  deviceName: z.string(),
  siteId: idSchema,
  siteName: z.string(),
  readings: z.int(),
  lastAt: timeSchema,
  /** Stretches of daylight without data, the longest of them and all of them together, milliseconds of daylight. */
  gaps: z.int(),
  longestGapMs: z.number(),
  missingMs: z.number(),
  /** Readings that carry a mark: stale, spike, stuck, clock_suspect, counter_reset, estimated, clipped, curtailed. */
  flags: z.record(z.string(), z.int()),
})

/** Whose data has gaps, jumps, a wrong clock. */
export const dataQualityRoutes: RouteModule = (api, { deps, now }) => {
  const remembered = createShortMemory<Awaited<ReturnType<typeof dataQuality>>>(now, REMEMBERED_MS, 50)
  api.get(
    '/data-quality',
    {
      config: { policy: { permission: 'pipeline:read' } },
      schema: {
        tags: ['telemetry'],
        summary: 'Gaps, doubtful values, clocks and counter resets of each device, the worst first; eight days at most',
        querystring: z.strictObject({
          from: timeQuerySchema.optional(),
          to: timeQuerySchema.optional(),
          siteId: idSchema.optional(),
          limit: z.coerce.number().int().min(1).max(MAX_LISTED).default(200),
        }),
        response: { 200: listOf(qualitySchema).extend({ from: timeSchema, to: timeSchema, devices: z.int() }) },
      },
    },
    async (request) => {
      const database = dbOf(request, deps.db)
      const { siteId, limit } = request.query
      const sites = siteId === undefined ? await database.all('site') : [await database.get('site', siteId)]
      const span = spanOf(request.query, sites[0]?.timezone ?? 'UTC', {
        now: now(),
        defaultMs: DAY_MS,
        maxMs: MAX_QUALITY_MS,
      })
      const tenantId = tenantOf(database.caller)
      const places = new Map(
        sites.map(({ id, timezone, latitude, longitude }): [string, QualityPlace] => [
          id,
          { timezone, ...(latitude !== null && longitude !== null && { latitude, longitude }) },
        ]),
      )
      const scope = await dataScope(database)
      const ask = {
        tenantId,
        ...span,
        ...(siteId === undefined ? {} : { siteIds: [siteId as SiteId] }),
      }
      const load = () => dataQuality(deps.warehouse, scope, ask, (id) => places.get(id))
      // Only answers about the whole tenant up to now are shared: everybody who may ask for them gets the same.
      const shared = scope.siteIds === undefined && siteId === undefined && request.query.to === undefined
      const found = shared
        ? await remembered(`${tenantId} ${Math.round((span.to - span.from) / 60_000)}`, load)
        : await load()
      const all = found ?? []
      const names = new Map(sites.map(({ id, name }) => [id, name]))
      const worst = all.slice(0, limit)
      const devices = await database.all('device', { id: { in: worst.map(({ deviceId }) => deviceId) } })
      const known = new Map(devices.map((device) => [device.id, device]))
      return {
        from: new Date(span.from).toISOString(),
        to: new Date(span.to).toISOString(),
        devices: all.length,
        items: worst.flatMap((each) => {
          const device = known.get(each.deviceId)
          if (device === undefined) return []
          return [
            {
              ...each,
              deviceName: device.name,
              siteName: names.get(each.siteId) ?? '',
              lastAt: new Date(each.lastAt).toISOString(),
              flags: { ...each.flags } as Record<string, number>,
            },
          ]
        }),
        nextCursor: null,
      }
    },
  )
}
