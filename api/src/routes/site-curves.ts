import { z } from 'zod'
import {
  deadStrings,
  deviceCurves,
  latestReadings,
  MAX_STATES_MS,
  MAX_STRINGS_MS,
  neighbourCurve,
  PEER_KM,
  likeSitesAround,
  producingStrings,
  siteStates,
  stringCurves,
  tenantOf,
} from '@heliograph/crm-core'
import { channelSchema, idSchema, listOf, type DeviceId, type SiteId } from '@heliograph/crm-core/contracts'
import { idParams, type RouteModule } from '../http/api.ts'
import { dataScope } from '../http/scope.ts'
import { spanOf, timeQuerySchema } from '../http/time.ts'
import { dbOf } from '../plugins/caller.ts'

const tags = ['telemetry']
const DAY_MS = 86_400_000
const MAX_COMPARED_MS = 32 * DAY_MS
const MAX_CURVE_WIDTH = 600

const curveSchema = z.array(z.object({ ts: z.number(), avg: z.number() }))
const windowQuery = z.strictObject({
  from: timeQuerySchema.optional(),
  to: timeQuerySchema.optional(),
  width: z.coerce.number().int().min(1).max(MAX_CURVE_WIDTH).default(300),
})
const stepSchema = z.number().describe('Width of a bucket, milliseconds')

/** What is inside a site: its inverters beside each other, their DC inputs, and the states that its curve is tinted with. */
export const siteCurveRoutes: RouteModule = (api, { deps, now }) => {
  const { db, warehouse } = deps
  const config = { policy: { permission: 'telemetry:read' } } as const

  api.get(
    '/sites/:id/inverters',
    {
      config,
      schema: {
        tags,
        summary:
          'The power curves of its inverters beside each other, with the energy of each, and what is usual around the site; a day unless asked for more',
        params: idParams,
        querystring: windowQuery,
        response: {
          200: z.object({
            siteId: idSchema,
            timezone: z.string(),
            stepMs: stepSchema,
            items: z.array(
              z.object({
                deviceId: idSchema,
                name: z.string(),
                peakPowerW: z.number().nullable(),
                energyWh: z.number().nullable(),
                points: curveSchema,
              }),
            ),
            neighbours: z
              .object({
                sites: z.int().describe('How many have said anything in the window'),
                withinKm: z.number(),
                yieldHours: z.number().nullable().describe('Wh per Wp, the median of the sites'),
                points: curveSchema.describe('W per Wp, the median of the sites'),
              })
              .nullable()
              .describe(
                'Rated sites nearby that face as this one does and that the caller may see; null where there is none',
              ),
          }),
        },
      },
    },
    async (request) => {
      const database = dbOf(request, db)
      const site = await database.get('site', request.params.id)
      const devices = await database.all('device', { siteId: site.id, kind: 'inverter' })
      const span = spanOf(request.query, site.timezone, { now: now(), defaultMs: DAY_MS, maxMs: MAX_COMPARED_MS })
      const tenantId = tenantOf(database.caller)
      const window = { tenantId, ...span, width: request.query.width }
      const [{ stepMs, curves }, around] = await Promise.all([
        deviceCurves(
          warehouse,
          { tenantId, siteIds: [site.id as SiteId] },
          { ...window, deviceIds: devices.map(({ id }) => id as DeviceId) },
        ),
        likeSitesAround(database, site).then((near) =>
          neighbourCurve(
            warehouse,
            { tenantId, siteIds: near.map(({ siteId }) => siteId) },
            { ...window, sites: near },
          ),
        ),
      ])
      const byId = new Map(devices.map((device) => [device.id, device]))
      return {
        siteId: site.id,
        timezone: site.timezone,
        stepMs,
        items: curves.map(({ deviceId, energyWh, points }) => {
          const device = byId.get(deviceId)!
          return {
            deviceId,
            name: device.name,
            peakPowerW: device.peakPowerW,
            energyWh: energyWh ?? null,
            points,
          }
        }),
        neighbours:
          around.sites === 0
            ? null
            : {
                sites: around.sites,
                withinKm: PEER_KM,
                yieldHours: around.yieldHours ?? null,
                points: around.points,
              },
      }
    },
  )
  api.get(
    '/sites/:id/states',
    {
      config,
      schema: {
        tags,
        summary: 'When it was held back, at its limit, under its expectation or out of contact',
        params: idParams,
        querystring: windowQuery.omit({ width: true }),
        response: {
          200: listOf(
            z.object({
              from: z.number(),
              to: z.number(),
              state: z.enum(['curtailed', 'clipped', 'under', 'no-contact']),
            }),
          ),
        },
      },
    },
    async (request) => {
      const database = dbOf(request, db)
      const site = await database.get('site', request.params.id)
      const span = spanOf(request.query, site.timezone, { now: now(), defaultMs: DAY_MS, maxMs: MAX_STATES_MS })
      const tenantId = tenantOf(database.caller)
      const siteId = site.id as SiteId
      const items = await siteStates(warehouse, { tenantId, siteIds: [siteId] }, { tenantId, siteId, ...span })
      return { items, nextCursor: null }
    },
  )
  api.get(
    '/devices/:id/strings',
    {
      config,
      schema: {
        tags,
        summary: 'Its DC inputs: voltage, current and power of each, and which of them give nothing now',
        params: idParams,
        querystring: windowQuery,
        response: {
          200: z.object({
            deviceId: idSchema,
            timezone: z.string(),
            stepMs: stepSchema,
            items: z.array(z.object({ input: z.int(), points: z.array(channelSchema.extend({ ts: z.number() })) })),
            /** Inputs (counted from 1) that give nothing while the others of the device produce. */
            dead: z.array(z.int()),
            /** The newest values, and when they were measured; null where it tells of none. */
            latest: z.object({ ts: z.number(), dc: z.array(channelSchema) }).nullable(),
          }),
        },
      },
    },
    async (request) => {
      const database = dbOf(request, db)
      const device = await database.get('device', request.params.id)
      const site = await database.get('site', device.siteId)
      const span = spanOf(request.query, site.timezone, { now: now(), defaultMs: DAY_MS, maxMs: MAX_STRINGS_MS })
      const tenantId = tenantOf(database.caller)
      const deviceId = device.id as DeviceId
      const scope = await dataScope(database)
      const [{ stepMs, strings }, [newest]] = await Promise.all([
        stringCurves(warehouse, scope, { tenantId, deviceId, ...span, width: request.query.width }),
        latestReadings(warehouse, scope, { tenantId, deviceIds: [deviceId], now: now() }),
      ])
      const dc = newest?.dc ?? []
      const produced: boolean[] = []
      for (const { input, points } of strings)
        produced[input - 1] = points.some((point) => producingStrings([point])[0])
      return {
        deviceId: device.id,
        timezone: site.timezone,
        stepMs,
        items: strings,
        dead: deadStrings(dc, produced),
        latest: newest && dc.length > 0 ? { ts: newest.ts, dc } : null,
      }
    },
  )
}
