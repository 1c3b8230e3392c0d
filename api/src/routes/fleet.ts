import { z } from 'zod'
import {
  idSchema,
  SEVERITIES,
  SITE_STATUSES,
  type DomainEvent,
  type LiveSite,
  type ReadDb,
  type Severity,
  type SiteStatus,
} from '@heliograph/crm-core/contracts'
import type { RouteModule } from '../http/api.ts'
import { liveSite, siteStatusOf } from '../http/live-state.ts'
import { clusterPoints, isInside, type MapPoint } from '../http/map-clusters.ts'
import { createShortMemory } from '../http/short-memory.ts'
import { dbOf } from '../plugins/caller.ts'

const tags = ['fleet']
/** Sites of one reach are read again after this time, or as soon as a site of the tenant changed. */
const SITES_TTL_MS = 30_000
const CHANGES_SITES = new Set<DomainEvent['type']>(['site.upserted', 'site.deleted', 'tenant.deleted'])
/** Up to here every site is its own point. */
const MAX_POINTS = 300

interface SiteFacts {
  id: string
  name: string
  latitude: number | null
  longitude: number | null
  peakPowerW: number | null
}
const statusesSchema = z.object(
  Object.fromEntries(SITE_STATUSES.map((status) => [status, z.number().int()])) as Record<SiteStatus, z.ZodNumber>,
)
const pointSchema = z.object({
  id: idSchema,
  name: z.string(),
  latitude: z.number(),
  longitude: z.number(),
  status: z.enum(SITE_STATUSES),
  acPowerW: z.number().optional(),
})
const clusterSchema = z.object({
  latitude: z.number(),
  longitude: z.number(),
  count: z.number().int(),
  bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]),
  statuses: z.partialRecord(z.enum(SITE_STATUSES), z.number().int()),
  acPowerW: z.number(),
})
const bboxSchema = z
  .string()
  .max(200)
  .transform((text) => text.split(',').map(Number))
  .pipe(
    z.tuple([
      z.number().min(-180).max(180),
      z.number().min(-90).max(90),
      z.number().min(-180).max(180),
      z.number().min(-90).max(90),
    ]),
  )
  .meta({ description: 'West, south, east, north in degrees' })

/** The whole fleet at a glance, from the live state; never from the raw table. */
export const fleetRoutes: RouteModule = (api, { deps, now }) => {
  const { db, live } = deps
  const memory = createShortMemory<SiteFacts[]>(now, SITES_TTL_MS)
  // Ten thousand rows take a tenth of a second of this process: read when something changed, not whenever somebody looks.
  const changes = new Map<string, number>()
  const stop = deps.events.subscribe((event) => {
    if (!CHANGES_SITES.has(event.type)) return
    changes.set(event.tenantId, (changes.get(event.tenantId) ?? 0) + 1)
  })
  api.addHook('onClose', (_app, done) => {
    stop()
    done()
  })

  async function sitesOf(database: ReadDb): Promise<SiteFacts[]> {
    const { tenantId, siteScope, orgUnitIds, customerIds } = database.caller
    const state = changes.get(tenantId ?? '') ?? 0
    const key = JSON.stringify([tenantId, state, siteScope, siteScope === 'tenant' ? [] : [orgUnitIds, customerIds]])
    const load = async () => {
      const rows = await database.all('site')
      return rows.map(({ id, name, latitude, longitude, peakPowerW }) => ({
        id,
        name,
        latitude,
        longitude,
        peakPowerW,
      }))
    }
    return (await memory(key, load)) ?? []
  }

  api.get(
    '/fleet/summary',
    {
      config: { policy: { permission: 'site:read' } },
      schema: {
        tags,
        summary: 'Counts and sums over the sites you see',
        response: {
          200: z.object({
            sites: z.number().int(),
            statuses: statusesSchema,
            peakPowerW: z.number(),
            /** Sum over sites whose production is known now; null where none is. */
            acPowerW: z.number().nullable(),
            energyTodayWh: z.number().nullable(),
            /** Sites that the two sums above contain. */
            measuredSites: z.number().int(),
            openAlarms: z.object(
              Object.fromEntries(SEVERITIES.map((name) => [name, z.number().int()])) as Record<Severity, z.ZodNumber>,
            ),
          }),
        },
      },
    },
    async (request) => {
      const database = dbOf(request, db)
      const sites = await sitesOf(database)
      const statuses = Object.fromEntries(SITE_STATUSES.map((status) => [status, 0])) as Record<SiteStatus, number>
      let peakPowerW = 0
      const power = sum()
      const energy = sum()
      for (const site of sites) {
        const value: LiveSite | undefined = liveSite(live, database.caller.tenantId, site.id)
        statuses[siteStatusOf(value)]++
        peakPowerW += site.peakPowerW ?? 0
        power.add(value?.acPowerW)
        energy.add(value?.energyTodayWh)
      }
      const seesAlarms = database.caller.permissions.has('alarm:read')
      const counts = await Promise.all(
        SEVERITIES.map((severity) =>
          seesAlarms ? database.count('alarm', { clearedAt: null, historic: false, severity }) : Promise.resolve(0),
        ),
      )
      return {
        sites: sites.length,
        statuses,
        peakPowerW,
        acPowerW: power.total(),
        energyTodayWh: energy.total(),
        measuredSites: power.count(),
        openAlarms: Object.fromEntries(SEVERITIES.map((name, index) => [name, counts[index]])) as Record<
          Severity,
          number
        >,
      }
    },
  )

  api.get(
    '/fleet/map',
    {
      config: { policy: { permission: 'site:read' } },
      schema: {
        tags,
        summary: 'Sites on the map; close ones as clusters where there are many',
        querystring: z.strictObject({
          bbox: bboxSchema.optional(),
          zoom: z.coerce.number().min(0).max(24).default(5),
        }),
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
      const { bbox, zoom } = request.query
      const database = dbOf(request, db)
      const points: MapPoint[] = []
      let withoutPlace = 0
      for (const { id, name, latitude, longitude } of await sitesOf(database)) {
        if (latitude === null || longitude === null) {
          withoutPlace++
          continue
        }
        const value = liveSite(live, database.caller.tenantId, id)
        const point: MapPoint = { id, name, latitude, longitude, status: siteStatusOf(value) }
        if (value?.acPowerW !== undefined) point.acPowerW = value.acPowerW
        if (bbox === undefined || isInside(bbox, point)) points.push(point)
      }
      if (points.length <= MAX_POINTS) return { points, clusters: [], withoutPlace }
      return { ...clusterPoints(points, zoom), withoutPlace }
    },
  )
}

/** Adds what is known; a sum of nothing is not zero. */
function sum() {
  let total = 0
  let count = 0
  return {
    add(value: number | undefined) {
      if (value === undefined) return
      total += value
      count++
    },
    total: () => (count === 0 ? null : total),
    count: () => count,
  }
}
