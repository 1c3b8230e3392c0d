import { Readable } from 'node:stream'
import { z } from 'zod'
import { latestReadings, readingsPage, streamReadings, tenantOf } from '@heliograph/crm-core'
import {
  channelSchema,
  deviceStatusSchema,
  extraSchema,
  faultSchema,
  idSchema,
  listOf,
  METRIC_NAMES,
  metricsSchema,
  qualityFlagSchema,
  timeSchema,
  type DeviceId,
  type LiveDevice,
  type Reading,
  type Row,
  type TenantId,
  WarehouseError,
} from '@heliograph/crm-core/contracts'
import { idParams, type RouteContext, type RouteModule } from '../http/api.ts'
import { csvLine, wantsCsv } from '../http/csv.ts'
import { verdictSchema } from '../http/expected-words.ts'
import { liveDevice, liveSite } from '../http/live-state.ts'
import { dataScope } from '../http/scope.ts'
import { spanOf, timeQuerySchema } from '../http/time.ts'
import { dbOf, callerOf } from '../plugins/caller.ts'
import { requirePermission } from '@heliograph/crm-core'
import { liveSiteSchema } from './sites.ts'

const tags = ['telemetry']
const DAY_MS = 86_400_000
const MAX_WINDOW_MS = 20 * 366 * DAY_MS
/** A device that does not say how often it delivers is stale after three times this. */
const DEFAULT_INTERVAL_S = 300
const STALE_INTERVALS = 3

const latestSchema = z.object({
  deviceId: idSchema,
  siteId: idSchema,
  ts: timeSchema,
  receivedAt: timeSchema,
  /** Since the device's own time. */
  ageMs: z.number(),
  stale: z.boolean(),
  metrics: z.record(z.string(), z.number()),
  status: z.string().optional(),
  faults: z.array(faultSchema).optional(),
  quality: z.array(z.string()),
})
type Latest = z.infer<typeof latestSchema>

const readingSchema = z.object({
  deviceId: idSchema,
  siteId: idSchema,
  ts: timeSchema,
  receivedAt: timeSchema,
  source: z.string(),
  metrics: metricsSchema,
  extra: extraSchema.optional(),
  status: deviceStatusSchema.optional(),
  faults: z.array(faultSchema).optional(),
  dc: z.array(channelSchema).optional(),
  ac: z.array(channelSchema).optional(),
  quality: z.array(qualityFlagSchema),
  rawRef: z.object({
    connectionId: z.string(),
    partition: z.number(),
    offset: z.number(),
    revision: z.number(),
  }),
})

/** What devices measured: now, and every single reading of a time. */
export const readingRoutes: RouteModule = (api, context) => {
  const { deps, cursors, now } = context
  const { db, warehouse } = deps

  api.get(
    '/devices/:id/latest',
    {
      config: { policy: { permission: 'telemetry:read' } },
      schema: {
        tags,
        summary: "A device's last reading; null where it was never heard",
        params: idParams,
        response: { 200: z.object({ deviceId: idSchema, reading: latestSchema.nullable() }) },
      },
    },
    async (request) => {
      const device = await dbOf(request, db).get('device', request.params.id)
      const { latest } = await latestOf(context, [device])
      return { deviceId: device.id, reading: latest.get(device.id) ?? null }
    },
  )
  api.get(
    '/sites/:id/live',
    {
      config: { policy: { permission: 'telemetry:read' } },
      schema: {
        tags,
        summary: 'What runs at a site now, and the last reading of each of its devices',
        params: idParams,
        response: {
          200: z.object({
            siteId: idSchema,
            timezone: z.string(),
            ts: timeSchema,
            /** Age of the newest value of any device; null where nothing was heard. */
            ageMs: z.number().nullable(),
            stale: z.boolean(),
            live: liveSiteSchema.nullable(),
            /** One plain sentence about the site, as data; null where nothing was heard since the start. */
            verdict: verdictSchema.nullable(),
            devices: z.array(latestSchema),
            /** False while the store is down: a device that was not heard since the start is left out, and may have values. */
            complete: z.boolean(),
          }),
        },
      },
    },
    async (request) => {
      const database = dbOf(request, db)
      const site = await database.get('site', request.params.id)
      const devices = await database.all('device', { siteId: site.id })
      const { latest: known, complete } = await latestOf(context, devices, { storeOptional: true })
      const latest = [...known.values()]
      const live = liveSite(deps.live, site.tenantId, site.id)
      const ages = latest.map(({ ageMs }) => ageMs)
      return {
        siteId: site.id,
        timezone: site.timezone,
        ts: new Date(now()).toISOString(),
        ageMs: ages.length === 0 ? null : Math.min(...ages),
        stale: latest.every(({ stale }) => stale),
        live: live ?? null,
        verdict: live?.verdict ?? null,
        devices: latest,
        complete,
      }
    },
  )
  api.get(
    '/devices/:id/readings',
    {
      config: { policy: { permission: 'telemetry:read' } },
      schema: {
        tags,
        summary: 'Readings of a device, oldest first; `Accept: text/csv` gives all of the window as CSV',
        params: idParams,
        querystring: z.strictObject({
          from: timeQuerySchema.optional(),
          to: timeQuerySchema.optional(),
          limit: z.coerce.number().int().min(1).max(500).default(100),
          cursor: z.string().min(1).max(1000).optional(),
        }),
        response: { 200: listOf(readingSchema) },
      },
    },
    async (request, reply) => {
      const database = dbOf(request, db)
      const device = await database.get('device', request.params.id)
      const site = await database.get('site', device.siteId)
      const { limit, cursor } = request.query
      const span = spanOf(request.query, site.timezone, { now: now(), defaultMs: DAY_MS, maxMs: MAX_WINDOW_MS })
      const tenantId = tenantOf(database.caller)
      // A device that moved keeps its history where it was made, which not everybody who sees it now may see.
      const scope = await dataScope(database)
      const ask = { tenantId, deviceId: device.id as DeviceId, ...span }
      if (wantsCsv(request.headers.accept)) {
        requirePermission(callerOf(request), 'telemetry:export')
        return reply
          .header('content-type', 'text/csv; charset=utf-8')
          .header('content-disposition', `attachment; filename="readings-${device.id}.csv"`)
          .send(Readable.from(csvOf(streamReadings(warehouse, scope, ask))) as never)
      }
      const list = `readings ${device.id}`
      const page = await readingsPage(warehouse, scope, {
        ...ask,
        limit,
        ...(cursor === undefined ? {} : { cursor: z.string().parse(cursors.open(list, cursor)) }),
      })
      return {
        items: page.items.map(presentReading),
        nextCursor: page.nextCursor === null ? null : cursors.seal(list, page.nextCursor),
      }
    },
  )
}

/**
 * The last reading of each device: from the live state, else (after a start, or long silence) from the store.
 * @param storeOptional answers with what the live state knows while the store is down, rather than with an error
 */
async function latestOf(
  { deps, now }: RouteContext,
  devices: Row<'device'>[],
  { storeOptional = false } = {},
): Promise<{ latest: Map<string, Latest>; complete: boolean }> {
  const at = now()
  const latest = new Map<string, Latest>()
  const missing: Row<'device'>[] = []
  for (const device of devices) {
    const live = liveDevice(deps.live, device.tenantId, device.id)
    if (live === undefined) missing.push(device)
    else latest.set(device.id, presentLatest(device, live, at))
  }
  const tenantId = missing[0]?.tenantId as TenantId | undefined
  if (tenantId === undefined) return { latest, complete: true }
  const byId = new Map(missing.map((device) => [device.id, device]))
  const deviceIds = missing.map(({ id }) => id as DeviceId)
  let stored: Reading[]
  try {
    stored = await latestReadings(deps.warehouse, { tenantId }, { tenantId, deviceIds, now: at })
  } catch (error) {
    if (!storeOptional || !(error instanceof WarehouseError) || !error.retryable) throw error
    return { latest, complete: false }
  }
  for (const reading of stored) {
    const device = byId.get(reading.deviceId)
    if (device !== undefined)
      latest.set(
        device.id,
        presentLatest(device, { ...reading, metrics: reading.metrics as Record<string, number> }, at),
      )
  }
  return { latest, complete: true }
}

function presentLatest(device: Row<'device'>, value: LiveDevice & { ts: number }, at: number): Latest {
  const interval = (device.deliveryIntervalS ?? DEFAULT_INTERVAL_S) * 1000
  return {
    deviceId: device.id,
    siteId: value.siteId,
    ts: new Date(value.ts).toISOString(),
    receivedAt: new Date(value.receivedAt).toISOString(),
    ageMs: Math.max(0, at - value.ts),
    // Silence is judged by arrival: a device with a slow clock is not a silent one.
    stale: at - value.receivedAt > interval * STALE_INTERVALS,
    metrics: value.metrics,
    ...(value.status === undefined ? {} : { status: value.status }),
    ...(value.faults === undefined ? {} : { faults: value.faults }),
    quality: value.quality,
  }
}

function presentReading(reading: Reading) {
  const { deviceId, siteId, ts, receivedAt, source, metrics, extra, status, faults, dc, ac, quality, rawRef } = reading
  return {
    deviceId,
    siteId,
    ts: new Date(ts).toISOString(),
    receivedAt: new Date(receivedAt).toISOString(),
    source,
    metrics,
    ...(extra === undefined ? {} : { extra }),
    ...(status === undefined ? {} : { status }),
    ...(faults === undefined ? {} : { faults }),
    ...(dc === undefined ? {} : { dc }),
    ...(ac === undefined ? {} : { ac }),
    quality,
    rawRef,
  }
}

async function* csvOf(pieces: AsyncIterable<Reading[]>): AsyncGenerator<string> {
  yield csvLine(['ts', 'received_at', ...METRIC_NAMES, 'status', 'quality', 'faults', 'dc', 'ac', 'extra'])
  for await (const readings of pieces) {
    let text = ''
    for (const { ts, receivedAt, metrics, status, quality, faults, dc, ac, extra } of readings) {
      text += csvLine([
        new Date(ts).toISOString(),
        new Date(receivedAt).toISOString(),
        ...METRIC_NAMES.map((name) => metrics[name]),
        status,
        quality.join(' '),
        faults?.map(({ code }) => code).join(' '),
        dc,
        ac,
        extra,
      ])
    }
    if (text !== '') yield text
  }
}
