import { incidentResource } from '@heliograph/crm-core'
import { incidentSchema, type ReadDb, type Row } from '@heliograph/crm-core/contracts'
import { flagSchema, type RouteModule } from '../http/api.ts'
import { crudRoutes } from '../http/crud.ts'

export const incidentRoutes: RouteModule = (api, context) => {
  crudRoutes(api, context, {
    path: 'incidents',
    noun: 'incident',
    table: 'incident',
    read: 'alarm:read',
    write: 'alarm:write',
    resource: incidentSchema,
    present,
    list: {
      filters: {
        /** Not over. */
        open: flagSchema.optional(),
      },
      sorts: ['-startedAt', 'startedAt'],
      where: (query) =>
        query['open'] === undefined ? {} : { clearedAt: query['open'] === true ? null : { not: null } },
    },
  })
}

/** With those of its sites that the caller sees. */
async function present(rows: Row<'incident'>[], db: ReadDb) {
  const links = await db.all('incidentSite', { incidentId: { in: rows.map(({ id }) => id) } })
  const sites = Map.groupBy(links, ({ incidentId }) => incidentId)
  return rows.map((row) =>
    incidentResource(
      row,
      (sites.get(row.id) ?? []).map(({ siteId }) => siteId),
    ),
  )
}
