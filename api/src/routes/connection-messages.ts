import { z } from 'zod'
import { outcomesOfMessages, tenantOf } from '@heliograph/crm-core'
import { listOf, timeSchema, type ConnectionId } from '@heliograph/crm-core/contracts'
import { idParams, type RouteModule } from '../http/api.ts'
import { dbOf } from '../plugins/caller.ts'

const MAX_MESSAGES = 50
/** Bytes of a body that are answered; what a message is longer is told by its size. */
const MAX_SHOWN = 2 * 1024

const messageSchema = z.object({
  partition: z.int(),
  offset: z.int(),
  receivedAt: timeSchema,
  transport: z.string(),
  topic: z.string().nullable(),
  size: z.int(),
  /** Base64 of the first bytes as they came. */
  body: z.string(),
  whole: z.boolean(),
  /**
   * What became of it: readings of a claimed device were stored; its device waits to be claimed or it had nothing measured
   * (`no-readings`); it could not be decoded (`dead-letter`, with the reason).
   */
  outcome: z.enum(['stored', 'no-readings', 'dead-letter']),
  readings: z.int(),
  reason: z.string().nullable(),
})

/** The last messages of one connection as they come: for who stands beside a device and wonders whether it sends. */
export const connectionMessageRoutes: RouteModule = (api, { deps, now }) => {
  api.get(
    '/connections/:id/messages',
    {
      config: { policy: { permission: 'pipeline:read' } },
      schema: {
        tags: ['connections'],
        summary: 'The newest messages of a connection, newest first, and what became of each',
        params: idParams,
        querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(MAX_MESSAGES).default(20) }),
        response: {
          200: listOf(messageSchema).extend({
            /** Messages of all connections that were looked through: older ones of this connection may lie before. */
            scanned: z.int(),
          }),
        },
      },
    },
    async (request) => {
      const database = dbOf(request, deps.db)
      const connection = await database.get('connection', request.params.id)
      const tenantId = tenantOf(database.caller)
      const { messages, scanned } = (await deps.recentRaw?.(connection.id as ConnectionId, request.query.limit)) ?? {
        messages: [],
        scanned: 0,
      }
      const mine = messages.filter((message) => message.tenantId === tenantId)
      // While the store is down the messages themselves are still worth showing.
      const outcomes = await outcomesOfMessages(deps.warehouse, {
        tenantId,
        connectionId: connection.id as ConnectionId,
        messages: mine,
        now: now(),
      }).catch(() => undefined)
      return {
        items: mine.map(({ partition, offset, receivedAt, transport, topic, body }) => {
          const outcome = outcomes?.get(`${partition}/${offset}`)
          return {
            partition,
            offset,
            receivedAt: new Date(receivedAt).toISOString(),
            transport,
            topic: topic ?? null,
            size: body.byteLength,
            body: Buffer.from(body.subarray(0, MAX_SHOWN)).toString('base64'),
            whole: body.byteLength <= MAX_SHOWN,
            outcome: outcome?.reason !== undefined ? 'dead-letter' : outcome?.readings ? 'stored' : 'no-readings',
            readings: outcome?.readings ?? 0,
            reason: outcome?.reason ?? null,
          } as const
        }),
        nextCursor: null,
        scanned,
      }
    },
  )
}
