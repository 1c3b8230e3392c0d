import { z } from 'zod'
import { tenantOf } from '@heliograph/crm-core'
import type { RouteModule } from '../http/api.ts'
import { callerOf } from '../plugins/caller.ts'

const headSchema = z.object({ seq: z.int(), hash: z.string() })

/** Whether the audit trail is what was written. */
export const auditVerifyRoutes: RouteModule = (api, { deps }) => {
  api.post(
    '/audit/verify',
    {
      config: { policy: { permission: 'audit:read' } },
      schema: {
        tags: ['audit'],
        summary: "Recompute the tenant's chain and compare it with the head that was anchored on the log",
        response: {
          200: z.object({
            ok: z.boolean(),
            entries: z.int(),
            erased: z.int(),
            head: headSchema.nullable(),
            /** Null where none was anchored yet: entries taken off the end would go unseen. */
            anchor: headSchema.nullable(),
            /** First place that does not hold. */
            broken: z
              .object({ seq: z.int(), reason: z.enum(['missing', 'changed', 'details_changed', 'cut_off']) })
              .nullable(),
          }),
        },
      },
    },
    async (request) => {
      const tenantId = tenantOf(callerOf(request))
      const anchor = await deps.operations?.auditAnchor(tenantId)
      const { ok, entries, erased, head, broken } = await deps.crm.audit.verify(tenantId, anchor)
      return { ok, entries, erased, head: head ?? null, anchor: anchor ?? null, broken: broken ?? null }
    },
  )
}
