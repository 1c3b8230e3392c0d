import {
  ProblemError,
  type Caller,
  type ContractCreate,
  type ContractUpdate,
  type CustomerId,
  type ReadDb,
  type Row,
  type WriteOptions,
} from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { elevated, narrowCaller, tenantOf } from '../rights/callers.ts'

export function createContracts({ db }: CrmDeps) {
  const changed = ({ id, customerId }: Row<'contract'>) =>
    ({ type: 'record.changed', resource: 'contract', id, customerId: customerId as CustomerId }) as const

  async function create(caller: Caller, input: ContractCreate): Promise<Row<'contract'>> {
    const narrow = narrowCaller(caller, 'customer:write')
    const scoped = db.as(narrow)
    const { number: wanted, ...given } = input
    const values = { ...columnsOf(given), name: given.name, customerId: given.customerId, validFrom: given.validFrom }
    await scoped.get('customer', given.customerId)
    await checkSites(scoped, given.customerId, given.siteIds ?? null)
    checkDates(values.validFrom, values.validTo ?? null)
    // The sequence of numbers is nobody's to write.
    return await db.as(elevated(caller, 'contracts')).transaction(async (tx) => {
      let number = wanted
      while (number === undefined) {
        const next = `C-${await tx.next(`contract:${tenantOf(narrow)}`)}`
        // Somebody may have given this one by hand.
        if ((await tx.first('contract', { number: next })) === undefined) number = next
      }
      const row = await tx.create('contract', {
        ...values,
        number,
        kind: given.kind ?? 'maintenance',
        status: given.status ?? 'active',
      })
      tx.emit(changed(row))
      return row
    })
  }

  async function update(
    caller: Caller,
    id: string,
    changes: ContractUpdate,
    options?: WriteOptions,
  ): Promise<Row<'contract'>> {
    return await db.as(narrowCaller(caller, 'customer:write')).transaction(async (tx) => {
      const before = await tx.get('contract', id)
      const values = columnsOf(changes)
      if (changes.siteIds !== undefined) await checkSites(tx, before.customerId, changes.siteIds)
      checkDates(values.validFrom ?? before.validFrom, values.validTo === undefined ? before.validTo : values.validTo)
      const row = await tx.update('contract', id, values, options)
      tx.emit(changed(row))
      return row
    })
  }

  /** @throws ProblemError `in_use` once a ticket was opened under it: it is ended instead */
  async function remove(caller: Caller, id: string, options?: WriteOptions): Promise<void> {
    await db.as(narrowCaller(caller, 'customer:write')).transaction(async (tx) => {
      const row = await tx.get('contract', id)
      await tx.remove('contract', id, options)
      tx.emit(changed(row))
    })
  }
  return { create, update, remove }
}

/** Fields of a resource as columns; what is absent stays out. */
function columnsOf({ sla, guarantee, tariff, ...plain }: ContractUpdate) {
  return {
    ...plain,
    ...(sla !== undefined && {
      slaFirstResponseH: sla?.firstResponseH ?? null,
      slaSolutionH: sla?.solutionH ?? null,
      slaHours: sla?.hours ?? null,
    }),
    ...(guarantee !== undefined && {
      guaranteeKind: guarantee?.kind ?? null,
      guaranteeValue: guarantee?.value ?? null,
    }),
    ...(tariff !== undefined && { tariffPerKwh: tariff?.perKwh ?? null, tariffCurrency: tariff?.currency ?? null }),
  }
}

async function checkSites(db: ReadDb, customerId: string, siteIds: readonly string[] | null): Promise<void> {
  if (siteIds === null) return
  const found = await db.find('site', { where: { id: { in: siteIds } } })
  if (found.length !== new Set(siteIds).size) throw new ProblemError('not_found', 'There is no such site')
  if (found.some((site) => site.customerId !== customerId))
    throw new ProblemError('conflict', 'A site belongs to another customer')
}
function checkDates(from: string, to: string | null): void {
  if (to !== null && to < from)
    throw new ProblemError('invalid_fields', undefined, {
      errors: [{ path: 'validTo', message: 'is before its start' }],
    })
}
