import { z } from 'zod'
import { idSchema, SITE_STATUSES, type LiveSite, type ReadDb } from '@heliograph/crm-core/contracts'
import type { RouteModule } from '../http/api.ts'
import { createFleetSites, unitsUnder, type FleetSites } from '../http/fleet-sites.ts'
import { liveSite } from '../http/live-state.ts'
import { MapIndex, type MapFilter, type PlacedSite } from '../http/map-index.ts'
import { dbOf } from '../plugins/caller.ts'

const tags = ['fleet']
/** Up to here every site is its own point. */
const MAX_POINTS = 300
/** Maps kept in step with the live state; the one not looked at longest goes. */
const MAX_MAPS = 8

const pointSchema = z.object({
  id: idSchema,
  name: z.string(),
  latitude: z.number(),
  longitude: z.number(),
  status: z.enum(SITE_STATUSES),
  /** It lies in the dark. */
  night: z.literal(true).optional(),
  acPowerW: z.number().optional(),
  lossTodayWh: z.number().optional(),
})
const clusterSchema = z.object({
  latitude: z.number(),
  longitude: z.number(),
  count: z.number().int(),
  bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]),
  statuses: z.partialRecord(z.enum(SITE_STATUSES), z.number().int()),
  /** How many of the idle ones lie in the dark. */
  nights: z.number().int().optional(),
  acPowerW: z.number(),
})
const degrees = (most: number) => z.number().min(-most).max(most)
const bboxSchema = z
  .string()
  .max(200)
  .transform((text) => text.split(',').map(Number))
  .pipe(z.tuple([degrees(180), degrees(90), degrees(180), degrees(90)]))
  .meta({ description: 'West, south, east, north in degrees' })

/** Where the sites are and how they fare: clusters of a view, and the list beside it. */
export const fleetMapRoutes: RouteModule = (api, { deps, now }) => {
  const { db, live } = deps
  const fleet = createFleetSites(deps, now)
  const maps = new Map<FleetSites, { tenantId: string | undefined; index: MapIndex; withoutPlace: number }>()
  const stopLive = live.subscribe((values) => {
    for (const { tenantId, index } of maps.values())
      for (const value of values)
        if (value.tenantId === tenantId && value.key.startsWith('site:'))
          index.update(value.key.slice('site:'.length), value.value as LiveSite)
  })
  api.addHook('onClose', (_app, done) => {
    stopLive()
    fleet.stop()
    maps.clear()
    done()
  })

  async function mapOf(database: ReadDb) {
    const sites = await fleet.sitesOf(database)
    const { tenantId } = database.caller
    const map = maps.get(sites) ?? {
      tenantId,
      ...indexOf(sites, (id) => liveSite(live, tenantId, id)),
    }
    maps.delete(sites)
    maps.set(sites, map)
    if (maps.size > MAX_MAPS) maps.delete(maps.keys().next().value!)
    return map
  }
  async function filterOf(database: ReadDb, query: { bbox?: MapFilter['bbox']; orgUnitId?: string | undefined }) {
    const { bbox, orgUnitId } = query
    return {
      bbox,
      orgUnitIds: orgUnitId === undefined ? undefined : new Set(await unitsUnder(database, orgUnitId)),
    }
  }
  const place = { bbox: bboxSchema.optional(), orgUnitId: idSchema.optional() }

  api.get(
    '/fleet/map',
    {
      config: { policy: { permission: 'site:read' } },
      schema: {
        tags,
        summary: 'Sites on the map; close ones as clusters where there are many',
        querystring: z.strictObject({ ...place, zoom: z.coerce.number().min(0).max(24).default(5) }),
        response: {
          200: z.object({
            points: z.array(pointSchema),
            clusters: z.array(clusterSchema),
            /** Sites without coordinates, which no map shows. */
            withoutPlace: z.number().int(),
          }),
        },
      },
    },
    async (request) => {
      const database = dbOf(request, db)
      const { index, withoutPlace } = await mapOf(database)
      return { ...index.view(await filterOf(database, request.query), request.query.zoom, MAX_POINTS), withoutPlace }
    },
  )
  api.get(
    '/fleet/map/sites',
    {
      config: { policy: { permission: 'site:read' } },
      schema: {
        tags,
        summary: 'The sites of a view of the map: how many, and those that need somebody most',
        querystring: z.strictObject({ ...place, limit: z.coerce.number().int().min(1).max(500).default(100) }),
        response: { 200: z.object({ total: z.number().int(), items: z.array(pointSchema) }) },
      },
    },
    async (request) => {
      const database = dbOf(request, db)
      const { index } = await mapOf(database)
      return index.worst(await filterOf(database, request.query), request.query.limit)
    },
  )
}

function indexOf({ sites }: FleetSites, now: (siteId: string) => LiveSite | undefined) {
  const placed = sites.filter(
    (site): site is typeof site & PlacedSite => site.latitude !== null && site.longitude !== null,
  )
  return { index: new MapIndex(placed, now), withoutPlace: sites.length - placed.length }
}
