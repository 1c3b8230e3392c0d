import { z } from 'zod'
import { contactResource, customerResource } from '@heliograph/crm-core'
import {
  CUSTOMER_KINDS,
  contactCreateSchema,
  contactSchema,
  contactUpdateSchema,
  customerCreateSchema,
  customerSchema,
  customerUpdateSchema,
  idSchema,
} from '@heliograph/crm-core/contracts'
import type { RouteModule } from '../http/api.ts'
import { all, crudRoutes, given } from '../http/crud.ts'

export const customerRoutes: RouteModule = (api, context) => {
  const { customers, contacts } = context.deps.crm
  crudRoutes(api, context, {
    path: 'customers',
    noun: 'customer',
    table: 'customer',
    read: 'customer:read',
    write: 'customer:write',
    resource: customerSchema,
    present: all(customerResource),
    list: {
      filters: { kind: z.enum(CUSTOMER_KINDS).optional(), orgUnitId: idSchema.optional() },
      sorts: ['name', '-name', 'createdAt', '-createdAt'],
      where: (query) => given(query, ['kind', 'orgUnitId']),
      search: ['name', 'email', 'phone'],
    },
    create: { body: customerCreateSchema, run: customers.create },
    update: { body: customerUpdateSchema, run: customers.update },
    remove: { run: customers.remove },
  })
  crudRoutes(api, context, {
    path: 'contacts',
    noun: 'contact',
    table: 'contact',
    read: 'customer:read',
    write: 'customer:write',
    resource: contactSchema,
    present: all(contactResource),
    list: {
      filters: { customerId: idSchema.optional() },
      sorts: ['name', '-name'],
      where: (query) => given(query, ['customerId']),
      search: ['name', 'email', 'phone'],
    },
    create: { body: contactCreateSchema, run: contacts.create },
    update: { body: contactUpdateSchema, run: contacts.update },
    remove: { run: contacts.remove },
  })
}
