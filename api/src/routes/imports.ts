import { z } from 'zod'
import {
  type ConnectionId,
  type DeviceId,
  deviceStatusSchema,
  idSchema,
  metricsSchema,
  ProblemError,
  type RawHeader,
  type TenantId,
} from '@heliograph/crm-core/contracts'
import type { RouteModule } from '../http/api.ts'
import { callerOf, dbOf } from '../plugins/caller.ts'

/** Key of imports in the raw log; no credential can ever have it, since ids of connections are made by us. */
export const IMPORT_CONNECTION = 'import' as ConnectionId
const MAX_READINGS = 5_000
const MAX_DEVICES = 500

const importSchema = z.strictObject({
  readings: z
    .array(
      z.strictObject({
        deviceId: idSchema,
        /** UTC milliseconds. */
        ts: z.int(),
        metrics: metricsSchema,
        status: deviceStatusSchema.optional(),
      }),
    )
    .min(1)
    .max(MAX_READINGS),
})

/** History brought in on purpose: through the ordinary line as `backfill`, for devices the caller may change. */
export const importRoutes: RouteModule = (api, { deps, appender, now }) => {
  api.post(
    '/imports',
    {
      bodyLimit: 4 * 1024 * 1024,
      config: { policy: { permission: 'device:write' } },
      schema: {
        tags: ['imports'],
        summary: 'Bring in history of known devices; durable when answered',
        body: importSchema,
        response: { 202: z.object({ accepted: z.int() }) },
      },
    },
    async (request, reply) => {
      const { readings } = request.body
      const ids = [...new Set(readings.map(({ deviceId }) => deviceId))]
      if (ids.length > MAX_DEVICES)
        throw new ProblemError('invalid_request', `at most ${MAX_DEVICES} devices in one request`)
      const found = await dbOf(request, deps.db).find('device', {
        where: { id: { in: ids as DeviceId[] } },
        limit: ids.length,
      })
      const missing = ids.find((id) => !found.some((device) => device.id === id))
      if (missing !== undefined) throw new ProblemError('not_found', `there is no device ${missing} that you may see`)
      const header: RawHeader = {
        tenantId: callerOf(request).tenantId ?? (found[0]!.tenantId as TenantId),
        connectionId: IMPORT_CONNECTION,
        vendor: 'native',
        transport: 'import',
        receivedAt: now(),
        backfill: true,
      }
      const body = Buffer.from(
        JSON.stringify(readings.map(({ deviceId, ...reading }) => ({ device: deviceId, ...reading }))),
      )
      await appender.append(header, body)
      return reply.code(202).send({ accepted: readings.length })
    },
  )
}
