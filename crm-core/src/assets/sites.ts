import {
  type ArrayCreate,
  type ArrayUpdate,
  type Caller,
  type Row,
  type SiteCreate,
  type SiteId,
  type SiteUpdate,
  type WriteOptions,
} from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { narrowCaller } from '../rights/callers.ts'
import { homeUnit } from '../tenancy/org-units.ts'
import { registryConnection, registrySite } from './registry-facts.ts'

export function createSites({ db }: CrmDeps) {
  const as = (caller: Caller) => db.as(narrowCaller(caller, 'site:write'))

  async function create(caller: Caller, input: SiteCreate): Promise<{ row: Row<'site'>; arrays: Row<'siteArray'>[] }> {
    const narrow = narrowCaller(caller, 'site:write')
    const { arrays: wanted = [], ...fields } = input
    const orgUnitId = fields.orgUnitId ?? (await homeUnit(db, narrow))
    // Without a nameplate of its own a site is as large as its arrays.
    const summed = wanted.length === 0 ? null : wanted.reduce((sum, array) => sum + array.peakPowerW, 0)
    return await db.as(narrow).transaction(async (tx) => {
      const row = await tx.create('site', { ...fields, orgUnitId, peakPowerW: fields.peakPowerW ?? summed })
      const arrays = await tx.createMany(
        'siteArray',
        wanted.map((array) => ({ ...array, siteId: row.id })),
      )
      tx.emit({ type: 'site.upserted', site: registrySite(row) })
      return { row, arrays }
    })
  }

  async function update(caller: Caller, id: string, changes: SiteUpdate, options?: WriteOptions): Promise<Row<'site'>> {
    return await as(caller).transaction(async (tx) => {
      const before = await tx.get('site', id)
      const row = await tx.update('site', id, changes, options)
      tx.emit({ type: 'site.upserted', site: registrySite(row) })
      if (before.timezone !== row.timezone)
        for (const connection of await tx.find('connection', { where: { siteId: id } }))
          tx.emit({ type: 'connection.upserted', connection: registryConnection(connection, row.timezone) })
      return row
    })
  }

  /** @throws ProblemError `in_use` while it has, or had, devices, or has alarms or tickets */
  async function remove(caller: Caller, id: string, options?: WriteOptions): Promise<void> {
    await as(caller).transaction(async (tx) => {
      await tx.get('site', id)
      for (const connection of await tx.find('connection', { where: { siteId: id } })) {
        const row = await tx.update('connection', connection.id, { siteId: null })
        tx.emit({ type: 'connection.upserted', connection: registryConnection(row, undefined) })
      }
      await tx.removeWhere('siteArray', { siteId: id })
      await tx.removeWhere('subscription', { siteId: id })
      await tx.remove('site', id, options)
      tx.emit({ type: 'site.deleted', siteId: id as SiteId })
    })
  }
  return { create, update, remove }
}

export function createArrays({ db }: CrmDeps) {
  const as = (caller: Caller) => db.as(narrowCaller(caller, 'site:write'))
  return {
    create: (caller: Caller, input: ArrayCreate): Promise<Row<'siteArray'>> =>
      as(caller).transaction((tx) => tx.create('siteArray', input)),
    update: (caller: Caller, id: string, changes: ArrayUpdate, options?: WriteOptions): Promise<Row<'siteArray'>> =>
      as(caller).transaction((tx) => tx.update('siteArray', id, changes, options)),
    remove: (caller: Caller, id: string, options?: WriteOptions): Promise<void> =>
      as(caller).transaction((tx) => tx.remove('siteArray', id, options)),
  }
}
