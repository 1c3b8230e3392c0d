import type {
  Caller,
  ContactCreate,
  ContactUpdate,
  CustomerCreate,
  CustomerId,
  CustomerUpdate,
  Row,
  WriteOptions,
} from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { narrowCaller } from '../rights/callers.ts'
import { homeUnit } from '../tenancy/org-units.ts'

export function createCustomers({ db }: CrmDeps) {
  const as = (caller: Caller) => db.as(narrowCaller(caller, 'customer:write'))
  const changed = (id: string) =>
    ({ type: 'record.changed', resource: 'customer', id, customerId: id as CustomerId }) as const

  async function create(caller: Caller, input: CustomerCreate): Promise<Row<'customer'>> {
    const narrow = narrowCaller(caller, 'customer:write')
    const orgUnitId = input.orgUnitId ?? (await homeUnit(db, narrow))
    return await db.as(narrow).transaction(async (tx) => {
      const row = await tx.create('customer', { ...input, kind: input.kind ?? 'residential', orgUnitId })
      tx.emit(changed(row.id))
      return row
    })
  }
  async function update(
    caller: Caller,
    id: string,
    changes: CustomerUpdate,
    options?: WriteOptions,
  ): Promise<Row<'customer'>> {
    return await as(caller).transaction(async (tx) => {
      const row = await tx.update('customer', id, changes, options)
      tx.emit(changed(id))
      return row
    })
  }
  /** @throws ProblemError `in_use` while the customer has sites, contracts or tickets */
  async function remove(caller: Caller, id: string, options?: WriteOptions): Promise<void> {
    await as(caller).transaction(async (tx) => {
      await tx.get('customer', id)
      for (const table of ['contact', 'userCustomer', 'subscription'] as const)
        await tx.removeWhere(table, { customerId: id })
      await tx.remove('customer', id, options)
      tx.emit(changed(id))
    })
  }
  return { create, update, remove }
}

export function createContacts({ db }: CrmDeps) {
  const as = (caller: Caller) => db.as(narrowCaller(caller, 'customer:write'))
  return {
    create: (caller: Caller, input: ContactCreate): Promise<Row<'contact'>> =>
      as(caller).transaction((tx) => tx.create('contact', input)),
    update: (caller: Caller, id: string, changes: ContactUpdate, options?: WriteOptions): Promise<Row<'contact'>> =>
      as(caller).transaction((tx) => tx.update('contact', id, changes, options)),
    remove: (caller: Caller, id: string, options?: WriteOptions): Promise<void> =>
      as(caller).transaction((tx) => tx.remove('contact', id, options)),
  }
}
