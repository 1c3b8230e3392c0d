import { z } from 'zod'
import { contractResource } from '@heliograph/crm-core'
import {
  CONTRACT_KINDS,
  CONTRACT_STATUSES,
  contractCreateSchema,
  contractSchema,
  contractUpdateSchema,
  idSchema,
} from '@heliograph/crm-core/contracts'
import type { RouteModule } from '../http/api.ts'
import { all, crudRoutes, given } from '../http/crud.ts'

export const contractRoutes: RouteModule = (api, context) => {
  const { contracts } = context.deps.crm
  crudRoutes(api, context, {
    path: 'contracts',
    noun: 'contract',
    table: 'contract',
    read: 'customer:read',
    write: 'customer:write',
    resource: contractSchema,
    present: all(contractResource),
    list: {
      filters: {
        customerId: idSchema.optional(),
        /** Contracts that cover this site: that name it, or all sites of its customer. */
        siteId: idSchema.optional(),
        kind: z.enum(CONTRACT_KINDS).optional(),
        status: z.enum(CONTRACT_STATUSES).optional(),
      },
      sorts: ['-validFrom', 'validFrom', 'name', '-name', 'number', '-number'],
      where: (query) => given(query, ['customerId', 'kind', 'status']),
      search: ['name', 'number'],
      async narrow(query, db) {
        const siteId = query['siteId'] as string | undefined
        if (siteId === undefined) return { where: {} }
        const { customerId } = await db.get('site', siteId)
        return { where: { customerId }, keep: ({ siteIds }) => siteIds === null || siteIds.includes(siteId) }
      },
    },
    create: { body: contractCreateSchema, run: contracts.create },
    update: { body: contractUpdateSchema, run: contracts.update },
    remove: { run: contracts.remove, summary: 'Remove a contract under which no ticket was opened' },
  })
}
