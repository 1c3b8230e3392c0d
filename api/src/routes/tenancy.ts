import { z } from 'zod'
import { orgUnitResource, roleResource, tenantResource } from '@heliograph/crm-core'
import {
  idSchema,
  orgUnitCreateSchema,
  orgUnitSchema,
  orgUnitUpdateSchema,
  roleSchema,
  tenantCreateSchema,
  tenantSchema,
  tenantUpdateSchema,
  userCreateSchema,
  userSchema,
  userUpdateSchema,
} from '@heliograph/crm-core/contracts'
import type { RouteModule } from '../http/api.ts'
import { all, crudRoutes, given } from '../http/crud.ts'

/** Tenants (the operator's), their tree of units, their people and roles. */
export const tenancyRoutes: RouteModule = (api, context) => {
  const { crm, db } = context.deps
  crudRoutes(api, context, {
    path: 'tenants',
    noun: 'tenant',
    table: 'tenant',
    read: 'tenant:read',
    write: 'platform:operate',
    resource: tenantSchema,
    present: all(tenantResource),
    list: { sorts: ['name', '-name', 'createdAt', '-createdAt'], search: ['name'] },
    create: {
      body: tenantCreateSchema,
      run: async (caller, body) => {
        const { tenantId } = await crm.tenants.create(caller, body)
        return await db.system.get('tenant', tenantId)
      },
    },
    // A company renames itself; its state is the operator's, and so is every other company.
    update: { body: tenantUpdateSchema, permission: 'tenant:write', run: crm.tenants.update },
  })
  crudRoutes(api, context, {
    path: 'org-units',
    noun: 'unit',
    table: 'orgUnit',
    read: 'site:read',
    write: 'tenant:write',
    resource: orgUnitSchema,
    present: all(orgUnitResource),
    list: {
      filters: { parentId: idSchema.optional() },
      sorts: ['name', '-name'],
      where: (query) => given(query, ['parentId']),
      search: ['name'],
    },
    create: { body: orgUnitCreateSchema, run: crm.orgUnits.create },
    update: { body: orgUnitUpdateSchema, run: crm.orgUnits.update },
    remove: { run: crm.orgUnits.remove },
  })
  crudRoutes(api, context, {
    path: 'users',
    noun: 'user',
    table: 'user',
    read: 'user:read',
    write: 'user:write',
    resource: userSchema,
    present: (rows, database) => crm.users.view(database.caller, rows),
    list: {
      filters: { status: z.enum(['active', 'disabled']).optional() },
      sorts: ['name', '-name', 'email', '-email', 'createdAt', '-createdAt'],
      where: (query) => given(query, ['status']),
      search: ['name', 'email'],
    },
    create: { body: userCreateSchema, run: crm.users.create },
    update: { body: userUpdateSchema, run: crm.users.update },
    remove: { run: crm.users.remove },
  })
  crudRoutes(api, context, {
    path: 'roles',
    noun: 'role',
    table: 'role',
    read: 'user:read',
    write: 'user:write',
    resource: roleSchema,
    present: all(roleResource),
    list: { sorts: ['name', '-name'], search: ['name'] },
  })
}
