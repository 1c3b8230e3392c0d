import { z } from 'zod'
import { arrayResource, siteResource } from '@heliograph/crm-core'
import {
  arrayCreateSchema,
  arraySchema,
  arrayUpdateSchema,
  idSchema,
  SITE_STATUSES,
  siteCreateSchema,
  siteSchema,
  siteUpdateSchema,
  tagSchema,
  type ReadDb,
  type Row,
  type SiteStatus,
  type Where,
} from '@heliograph/crm-core/contracts'
import type { RouteContext, RouteModule } from '../http/api.ts'
import { all, crudRoutes, given } from '../http/crud.ts'
import { unitsUnder } from '../http/fleet-sites.ts'
import { expectedNowFields, verdictSchema } from '../http/expected-words.ts'
import { liveSite, siteStatusOf } from '../http/live-state.ts'

const powerSchema = z.number()
/** What runs there now. A value that is not known is absent, never zero. */
export const liveSiteSchema = z.object({
  status: z.enum(SITE_STATUSES),
  acPowerW: powerSchema.optional(),
  source: z.enum(['meter', 'inverters', 'gateway']).optional(),
  gridPowerW: powerSchema.optional(),
  loadPowerW: powerSchema.optional(),
  batteryPowerW: powerSchema.optional(),
  batterySocPct: z.number().optional(),
  energyTodayWh: z.number().optional(),
  ...expectedNowFields,
  lastSeenAt: z.number().optional(),
  openAlarms: z.number().optional(),
  night: z.boolean().optional(),
  /** One plain sentence about it, as data. */
  verdict: verdictSchema.optional(),
})
const siteWithLiveSchema = siteSchema.extend({ live: liveSiteSchema.nullable() })

/** Above this many, ids are too many for one condition; the list is then read in order and filtered. */
const MAX_IDS_ASKED = 500

export const siteRoutes: RouteModule = (api, context) => {
  const { crm, live } = context.deps
  crudRoutes(api, context, {
    path: 'sites',
    noun: 'site',
    table: 'site',
    read: 'site:read',
    write: 'site:write',
    resource: siteWithLiveSchema,
    present: (rows, db) => presentSites(context, rows, db),
    list: {
      filters: {
        customerId: idSchema.optional(),
        orgUnitId: idSchema.optional(),
        status: z.enum(SITE_STATUSES).optional(),
        tag: tagSchema.optional(),
      },
      sorts: ['name', '-name', 'createdAt', '-createdAt', 'peakPowerW', '-peakPowerW'],
      where: (query) => given(query, ['customerId']),
      search: ['name'],
      narrow: async (query, db) => {
        const orgUnitId = query['orgUnitId'] as string | undefined
        const status = query['status'] as SiteStatus | undefined
        const conditions: Where<'site'>[] = []
        if (orgUnitId !== undefined) conditions.push({ orgUnitId: { in: await unitsUnder(db, orgUnitId) } })
        const tag = query['tag'] as string | undefined
        if (status === undefined && tag === undefined) return { where: { AND: conditions } }
        const keep = (row: Row<'site'>) =>
          (tag === undefined || (row.tags?.includes(tag) ?? false)) &&
          (status === undefined || siteStatusOf(liveSite(live, row.tenantId, row.id)) === status)
        // `unknown` is also what was never heard, which the live state cannot list.
        const ids = status === undefined || status === 'unknown' ? undefined : idsWithStatus(context, db, status)
        if (ids !== undefined && ids.length <= MAX_IDS_ASKED) conditions.push({ id: { in: ids } })
        return { where: { AND: conditions }, keep }
      },
    },
    create: { body: siteCreateSchema, run: async (caller, body) => (await crm.sites.create(caller, body)).row },
    update: { body: siteUpdateSchema, run: crm.sites.update },
    remove: { run: crm.sites.remove },
  })
  crudRoutes(api, context, {
    path: 'arrays',
    noun: 'array',
    table: 'siteArray',
    read: 'site:read',
    write: 'site:write',
    resource: arraySchema,
    present: all(arrayResource),
    list: {
      filters: { siteId: idSchema.optional() },
      sorts: ['name', '-name'],
      where: (query) => given(query, ['siteId']),
      search: ['name'],
    },
    create: { body: arrayCreateSchema, run: crm.arrays.create },
    update: { body: arrayUpdateSchema, run: crm.arrays.update },
    remove: { run: crm.arrays.remove },
  })
}

/** Sites with their arrays (one query for the page) and what the live state says of them (none). */
async function presentSites({ deps: { live } }: RouteContext, rows: Row<'site'>[], db: ReadDb) {
  const arrays = rows.length === 0 ? [] : await db.all('siteArray', { siteId: { in: rows.map(({ id }) => id) } })
  const bySite = Map.groupBy(arrays, ({ siteId }) => siteId)
  return rows.map((row) => {
    const now = liveSite(live, row.tenantId, row.id)
    return { ...siteResource(row, bySite.get(row.id) ?? [], siteStatusOf(now)), live: now ?? null }
  })
}

function idsWithStatus({ deps: { live } }: RouteContext, db: ReadDb, status: SiteStatus): string[] {
  const ids: string[] = []
  for (const { key, value } of live.list(db.caller.tenantId ?? '', 'site:')) {
    if ((value as { status?: SiteStatus }).status === status) ids.push(key.slice('site:'.length))
  }
  return ids
}
