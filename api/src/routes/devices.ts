import { z } from 'zod'
import { deviceResource, type DevicePeriods } from '@heliograph/crm-core'
import {
  DEVICE_KINDS,
  DEVICE_ROLES,
  deviceCreateSchema,
  deviceLinkSchema,
  deviceRolePeriodSchema,
  deviceSchema,
  deviceUpdateSchema,
  idSchema,
  listOf,
  timeSchema,
  type DeviceStatus,
  type Row,
} from '@heliograph/crm-core/contracts'
import { idParams, type RouteContext, type RouteModule } from '../http/api.ts'
import { crudRoutes, given } from '../http/crud.ts'
import { liveDevice } from '../http/live-state.ts'
import { dbOf } from '../plugins/caller.ts'

const sitePeriodSchema = z.object({ siteId: idSchema, from: timeSchema, to: timeSchema.nullable() })

export const deviceRoutes: RouteModule = (api, context) => {
  const { crm, db } = context.deps
  crudRoutes(api, context, {
    path: 'devices',
    noun: 'device',
    table: 'device',
    read: 'device:read',
    write: 'device:write',
    resource: deviceSchema,
    one: async (row, database) => presentDevice(context, row, await crm.devices.periods(database.caller, row.id)),
    present: (rows) => Promise.resolve(rows.map((row) => presentDevice(context, row))),
    list: {
      filters: {
        siteId: idSchema.optional(),
        parentId: idSchema.optional(),
        kind: z.enum(DEVICE_KINDS).optional(),
        role: z.enum(DEVICE_ROLES).optional(),
        vendor: z.string().max(64).optional(),
        serial: z.string().max(200).optional(),
      },
      sorts: ['name', '-name', 'createdAt', '-createdAt', 'serial', '-serial'],
      where: (query) => given(query, ['siteId', 'parentId', 'kind', 'role', 'vendor', 'serial']),
      search: ['name', 'serial', 'model'],
    },
    create: { body: deviceCreateSchema, run: crm.devices.create },
    update: { body: deviceUpdateSchema, run: crm.devices.update },
    remove: { run: crm.devices.remove },
  })

  const periods = <K extends 'links' | 'roles' | 'sites', I extends z.ZodType>(
    kind: K,
    permission: 'device:read' | 'connection:read',
    item: I,
    summary: string,
    present: (row: Awaited<ReturnType<typeof crm.devices.periods>>[K][number]) => z.output<I>,
  ) =>
    api.get(
      `/devices/:id/${kind}`,
      {
        config: { policy: { permission } },
        schema: { tags: ['devices'], summary, params: idParams, response: { 200: listOf(item) } },
      },
      async (request, reply) => {
        const caller = dbOf(request, db).caller
        const found = await crm.devices.periods(caller, request.params.id)
        const rows = found[kind] as Awaited<ReturnType<typeof crm.devices.periods>>[K][number][]
        return reply.send({ items: rows.map(present), nextCursor: null } as never)
      },
    )
  periods('links', 'connection:read', deviceLinkSchema, 'By which connections its data came, and when', (row) => ({
    connectionId: row.connectionId,
    externalId: row.externalId,
    ...validity(row),
  }))
  periods('roles', 'device:read', deviceRolePeriodSchema, 'What it counts as, and since when', (row) => ({
    role: row.role,
    ...validity(row),
  }))
  periods('sites', 'device:read', sitePeriodSchema, 'Where it was, and when', (row) => ({
    siteId: row.siteId,
    ...validity(row),
  }))
}

const validity = (row: { validFrom: Date; validTo: Date | null }) => ({
  from: row.validFrom.toISOString(),
  to: row.validTo?.toISOString() ?? null,
})

function presentDevice({ deps: { live } }: RouteContext, row: Row<'device'>, periods?: DevicePeriods) {
  const now = liveDevice(live, row.tenantId, row.id)
  return deviceResource(row, {
    ...(now?.status === undefined ? {} : { status: now.status as DeviceStatus }),
    ...(now === undefined ? {} : { lastSeenAt: now.receivedAt }),
    ...(periods === undefined ? {} : { periods }),
  })
}
