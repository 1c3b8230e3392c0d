import { z } from 'zod'
import { messagesOfDevice, tenantOf } from '@heliograph/crm-core'
import { listOf, timeSchema, type DeviceId } from '@heliograph/crm-core/contracts'
import { idParams, type RouteModule } from '../http/api.ts'
import { dataScope } from '../http/scope.ts'
import { dbOf } from '../plugins/caller.ts'

const MAX_MESSAGES = 50
/** Bytes of a body that are answered; what a message is longer is told by its size. */
const MAX_SHOWN = 16 * 1024

const messageSchema = z.object({
  partition: z.int(),
  offset: z.int(),
  receivedAt: timeSchema,
  /** Newest device time in it, and how many readings of this device it gave. */
  ts: timeSchema,
  readings: z.int(),
  transport: z.string(),
  topic: z.string().nullable(),
  contentType: z.string().nullable(),
  size: z.int(),
  /** Base64 of the first bytes as they came; null where the log keeps them no longer. */
  body: z.string().nullable(),
  /** Whether `body` is all of it. */
  whole: z.boolean(),
})

/** The bytes behind a device's readings, as it sent them: for staff who ask why a value is what it is. */
export const deviceMessageRoutes: RouteModule = (api, { deps, now }) => {
  api.get(
    '/devices/:id/messages',
    {
      config: { policy: { permission: 'pipeline:read' } },
      schema: {
        tags: ['telemetry'],
        summary: 'The last messages its readings came from, newest first, with their bytes while the log keeps them',
        params: idParams,
        querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(MAX_MESSAGES).default(20) }),
        response: { 200: listOf(messageSchema) },
      },
    },
    async (request) => {
      const database = dbOf(request, deps.db)
      const device = await database.get('device', request.params.id)
      const tenantId = tenantOf(database.caller)
      const found = await messagesOfDevice(deps.warehouse, await dataScope(database), {
        tenantId,
        deviceId: device.id as DeviceId,
        limit: request.query.limit,
        now: now(),
      })
      const items = []
      for (const { partition, offset, receivedAt, readings, ts } of found) {
        const raw = await deps.readRaw?.(partition, offset)
        // What a row says of its origin is checked against the record: nobody reads another tenant's bytes by a wrong number.
        const mine = raw?.tenantId === tenantId ? raw : undefined
        items.push({
          partition,
          offset,
          receivedAt: new Date(receivedAt).toISOString(),
          ts: new Date(ts).toISOString(),
          readings,
          transport: mine?.transport ?? '',
          topic: mine?.topic ?? null,
          contentType: mine?.contentType ?? null,
          size: mine?.body.byteLength ?? 0,
          body: mine ? Buffer.from(mine.body.subarray(0, MAX_SHOWN)).toString('base64') : null,
          whole: mine !== undefined && mine.body.byteLength <= MAX_SHOWN,
        })
      }
      return { items, nextCursor: null }
    },
  )
}
