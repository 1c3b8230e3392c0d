import { z } from 'zod'
import { allOf, id, instant, list, replayResource, sql, tenantOf } from '@heliograph/crm-core'
import {
  DEAD_LETTER_REASONS,
  deadLetterSchema,
  idSchema,
  listOf,
  listQuerySchema,
  ProblemError,
  replaySchema,
  type DeadLetter,
  type Sql,
} from '@heliograph/crm-core/contracts'
import type { FastifyRequest } from 'fastify'
import { flagSchema, idParams, type RouteModule } from '../http/api.ts'
import { coversTenant } from '../http/scope.ts'
import { dbOf, narrowedCaller } from '../plugins/caller.ts'

/** Kept as long as the raw log; a little more, so that the last day is not cut while it is being read. */
const WINDOW_MS = 32 * 86_400_000
const LIST = 'dead-letters'
const COLUMNS = sql`id, connection_id, vendor, topic, toUnixTimestamp64Milli(received_at) AS received_ms, reason, detail,
  raw_partition, raw_offset, size`

interface DeadLetterRow {
  id: string
  connection_id: string
  vendor: string
  topic: string
  received_ms: number
  reason: string
  detail: string
  raw_partition: number
  raw_offset: number
  size: number
}
const positionSchema = z.tuple([z.number(), z.string()])

/** What could not be decoded: listed, read as bytes, decoded again. */
export const deadLetterRoutes: RouteModule = (api, { deps, cursors, now }) => {
  const { crm, db, warehouse } = deps

  /** The caller's tenant, and only connections it may see. */
  async function visible(
    request: FastifyRequest,
  ): Promise<{ tenantId: ReturnType<typeof tenantOf>; conditions: Sql[] }> {
    const database = dbOf(request, db)
    const tenantId = tenantOf(database.caller)
    const conditions = [sql`tenant_id = ${id(tenantId)}`, sql`received_at >= ${instant(now() - WINDOW_MS)}`]
    if (!coversTenant(database.caller)) {
      const connections = await database.all('connection')
      conditions.push(sql`connection_id IN ${list(connections.map((connection) => connection.id))}`)
    }
    return { tenantId, conditions }
  }
  async function one<Row extends object>(request: FastifyRequest, letterId: string, columns: Sql): Promise<Row> {
    const { tenantId, conditions } = await visible(request)
    const [row] = await warehouse.query<Row>(
      sql`SELECT ${columns} FROM dead_letters FINAL WHERE ${allOf([...conditions, sql`id = ${id(letterId)}`])} LIMIT 1`,
      { scope: { tenantId }, lane: 'light', maxRows: 1 },
    )
    if (row === undefined) throw new ProblemError('not_found')
    return row
  }

  api.get(
    '/dead-letters',
    {
      config: { policy: { permission: 'pipeline:read' } },
      schema: {
        tags: [LIST],
        summary: 'List messages that could not be decoded, newest first',
        querystring: listQuerySchema.extend({
          connectionId: idSchema.optional(),
          vendor: z.string().max(64).optional(),
          reason: z.enum(DEAD_LETTER_REASONS).optional(),
          /** Replayed since without complaint. */
          resolved: flagSchema.default(false),
        }),
        response: { 200: listOf(deadLetterSchema) },
      },
    },
    async (request) => {
      const { limit, cursor, q, connectionId, vendor, reason, resolved } = request.query
      const { tenantId, conditions } = await visible(request)
      conditions.push(sql`resolved = ${resolved}`)
      if (connectionId !== undefined) conditions.push(sql`connection_id = ${id(connectionId)}`)
      if (vendor !== undefined) conditions.push(sql`vendor = ${vendor}`)
      if (reason !== undefined) conditions.push(sql`reason = ${reason}`)
      if (q)
        conditions.push(
          sql`(positionCaseInsensitiveUTF8(detail, ${q}) > 0 OR positionCaseInsensitiveUTF8(topic, ${q}) > 0)`,
        )
      if (cursor !== undefined) {
        const [at, last] = positionSchema.parse(cursors.open(LIST, cursor))
        conditions.push(sql`(received_at < ${instant(at)} OR (received_at = ${instant(at)} AND id < ${last}))`)
      }
      const rows = await warehouse.query<DeadLetterRow>(
        sql`SELECT ${COLUMNS} FROM dead_letters FINAL WHERE ${allOf(conditions)}
          ORDER BY received_at DESC, id DESC LIMIT ${limit + 1}`,
        { scope: { tenantId }, lane: 'light', maxRows: limit + 1 },
      )
      const items = rows.slice(0, limit)
      const last = items.at(-1)
      return {
        items: items.map(present),
        nextCursor: rows.length > limit && last !== undefined ? cursors.seal(LIST, [last.received_ms, last.id]) : null,
      }
    },
  )
  api.get(
    '/dead-letters/:id',
    {
      config: { policy: { permission: 'pipeline:read' } },
      schema: { tags: [LIST], summary: 'Read one', params: idParams, response: { 200: deadLetterSchema } },
    },
    async (request) => present(await one<DeadLetterRow>(request, request.params.id, COLUMNS)),
  )
  api.get(
    '/dead-letters/:id/body',
    {
      config: { policy: { permission: 'pipeline:read' } },
      schema: { tags: [LIST], summary: "The message's bytes, untouched", params: idParams },
    },
    async (request, reply) => {
      const { body } = await one<{ body: string }>(request, request.params.id, sql`body`)
      // Bytes of a stranger: never shown by a browser, whatever they look like.
      return reply
        .header('content-type', 'application/octet-stream')
        .header('content-disposition', `attachment; filename="dead-letter-${request.params.id}.bin"`)
        .header('x-content-type-options', 'nosniff')
        .send(Buffer.from(body, 'base64'))
    },
  )
  api.post(
    '/dead-letters/:id/replay',
    {
      config: { policy: { permission: 'pipeline:replay' } },
      schema: {
        tags: [LIST],
        summary: 'Decode this message again, after its cause was mended',
        params: idParams,
        response: { 202: replaySchema },
      },
    },
    async (request, reply) => {
      const row = await one<DeadLetterRow>(request, request.params.id, COLUMNS)
      const replay = await crm.replays.createForMessage(narrowedCaller(request), {
        connectionId: row.connection_id,
        partition: Number(row.raw_partition),
        offset: Number(row.raw_offset),
      })
      return reply.code(202).header('location', `/api/v1/replays/${replay.id}`).send(replayResource(replay))
    },
  )
}

const present = (row: DeadLetterRow): DeadLetter => ({
  id: row.id,
  connectionId: row.connection_id,
  vendor: row.vendor,
  topic: row.topic === '' ? null : row.topic,
  receivedAt: new Date(Number(row.received_ms)).toISOString(),
  reason: row.reason,
  detail: row.detail,
  size: Number(row.size),
})
