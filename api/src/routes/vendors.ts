import { z } from 'zod'
import { listOf } from '@heliograph/crm-core/contracts'
import type { RouteModule } from '../http/api.ts'

const vendorSchema = z.object({
  id: z.string(),
  name: z.string(),
  transports: z.array(z.string()),
  topics: z.array(z.string()).optional(),
  /** What to enter at the device or on the vendor's page, step by step. */
  guide: z.array(z.string()),
  /** What to copy there: `%host%`, `%port%`, `%user%`, `%secret%`, `%address%`, `%server%`, `%path%`, `%header%`, `%device%` stand for the connection's. */
  paste: z.array(
    z.object({ label: z.string(), transport: z.string(), scheme: z.string().optional(), text: z.string() }),
  ),
})

/** Whose devices are understood, and how each is set up. */
export const vendorRoutes: RouteModule = (api, { deps }) => {
  api.get(
    '/vendors',
    {
      config: { policy: { permission: 'connection:read' } },
      schema: {
        tags: ['connections'],
        summary: 'Vendors whose messages are understood',
        response: { 200: listOf(vendorSchema) },
      },
    },
    () => ({
      items: (deps.vendors ?? []).map(({ id, name, transports, topics, guide, paste = [] }) => ({
        id,
        name,
        transports: [...transports],
        ...(topics === undefined ? {} : { topics: [...topics] }),
        guide: [...guide],
        paste: [...paste],
      })),
      nextCursor: null,
    }),
  )
}
