import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { ProblemError } from '@heliograph/crm-core/contracts'
import type { Operations } from '../deps.ts'
import type { RouteModule } from '../http/api.ts'
import { callerOf } from '../plugins/caller.ts'

const count = z.int().nonnegative()
const verifyReportSchema = z.object({
  ok: z.boolean(),
  rollups: z.object({
    windows: count,
    buckets: count,
    differences: count,
    examples: z.array(z.record(z.string(), z.unknown())),
  }),
  log: z.object({
    records: count,
    checked: count,
    refused: count,
    missing: count,
    examples: z.array(z.record(z.string(), z.unknown())),
  }),
  deadLetters: z.object({ records: count, checked: count, missing: count }),
})
const exportSchema = z.object({
  tables: z.array(
    z.object({
      name: z.string(),
      columns: z.array(z.string()),
      partitions: z.array(z.object({ file: z.string(), rows: count })),
    }),
  ),
  migrations: z.array(z.string()),
})

/** Work on the instance as a whole. Only for whoever sits at its machine: paths and every tenant's data are meant. */
export const operationRoutes: RouteModule = (api, { deps }) => {
  const policy = { permission: 'platform:operate' } as const
  const tags = ['operations']
  function operations(request: FastifyRequest): Operations {
    if (callerOf(request).kind !== 'local') throw new ProblemError('forbidden', 'Only at the machine itself')
    if (deps.operations === undefined) throw new ProblemError('not_found', 'This process runs one part alone')
    return deps.operations
  }
  api.post(
    '/operations/verify',
    {
      config: { policy },
      schema: {
        tags,
        summary: 'Compare roll-ups with raw readings, and the log with the store',
        body: z.strictObject({
          windows: z.int().min(1).max(1_000).default(20),
          records: z.int().min(1).max(5_000_000).default(200_000),
        }),
        response: { 200: verifyReportSchema },
      },
    },
    async (request) => await operations(request).verify(request.body),
  )
  api.post(
    '/operations/warehouse-export',
    {
      config: { policy },
      schema: {
        tags,
        summary: 'Write the warehouse as files into a folder of this machine',
        body: z.strictObject({ folder: z.string().startsWith('/').max(4_000) }),
        response: { 200: exportSchema },
      },
    },
    async (request) => await operations(request).exportWarehouse(request.body.folder),
  )
  api.post(
    '/operations/hold-events',
    {
      config: { policy },
      schema: { tags, summary: 'Let domain events wait in the database', response: { 204: z.null() } },
    },
    async (request, reply) => {
      await operations(request).holdEvents()
      return reply.code(204).send(null)
    },
  )
  api.post(
    '/operations/release-events',
    { config: { policy }, schema: { tags, summary: 'Let them go on', response: { 204: z.null() } } },
    async (request, reply) => {
      operations(request).releaseEvents()
      return await reply.code(204).send(null)
    },
  )
}
