import {
  MAX_TAGS,
  ProblemError,
  type ArrayCreate,
  type ArrayUpdate,
  type Caller,
  type RegistrySite,
  type Row,
  type SiteCreate,
  type SiteId,
  type SiteTags,
  type SiteUnit,
  type SiteUpdate,
  type WriteOptions,
  type WriteTx,
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
      tx.emit({ type: 'site.upserted', site: registrySite(row, arrays) })
      return { row, arrays }
    })
  }

  async function update(caller: Caller, id: string, changes: SiteUpdate, options?: WriteOptions): Promise<Row<'site'>> {
    return await as(caller).transaction(async (tx) => {
      const before = await tx.get('site', id)
      const row = await tx.update('site', id, changes, options)
      tx.emit({ type: 'site.upserted', site: await siteFacts(tx, row) })
      if (before.timezone !== row.timezone)
        for (const connection of await tx.find('connection', { where: { siteId: id } }))
          tx.emit({ type: 'connection.upserted', connection: registryConnection(connection, row.timezone) })
      return row
    })
  }

  /** @throws ProblemError `in_use` while it has, or had, devices, or has alarms, tickets or a contract of its own */
  async function remove(caller: Caller, id: string, options?: WriteOptions): Promise<void> {
    await as(caller).transaction(async (tx) => {
      const { customerId } = await tx.get('site', id)
      const contracts = await tx.all('contract', { customerId })
      if (contracts.some(({ siteIds }) => siteIds?.includes(id)))
        throw new ProblemError('in_use', 'A contract names this site; take it out of the contract first')
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
  /** Adds and takes away tags of many sites: all of them or, where one may not be seen, none. */
  async function tag(caller: Caller, { siteIds, add = [], remove: gone = [] }: SiteTags): Promise<Row<'site'>[]> {
    return await as(caller).transaction(async (tx) => {
      const rows: Row<'site'>[] = []
      for (const id of new Set(siteIds)) {
        const { tags } = await tx.get('site', id)
        const next = [...new Set([...(tags ?? []), ...add])].filter((name) => !gone.includes(name))
        if (next.length > MAX_TAGS)
          throw new ProblemError('invalid_fields', undefined, {
            errors: [{ path: 'add', message: `a site has at most ${MAX_TAGS} tags` }],
          })
        const row = await tx.update('site', id, { tags: next })
        tx.emit({ type: 'site.upserted', site: await siteFacts(tx, row) })
        rows.push(row)
      }
      return rows
    })
  }
  /** Puts many sites under another unit: all of them or, where one or the unit may not be seen, none. */
  async function moveToUnit(caller: Caller, { siteIds, orgUnitId }: SiteUnit): Promise<Row<'site'>[]> {
    return await as(caller).transaction(async (tx) => {
      const rows: Row<'site'>[] = []
      for (const id of new Set(siteIds)) {
        const row = await tx.update('site', id, { orgUnitId })
        tx.emit({ type: 'site.upserted', site: await siteFacts(tx, row) })
        rows.push(row)
      }
      return rows
    })
  }
  return { create, update, tag, moveToUnit, remove }
}

/** A site as telemetry is told of it: with its arrays. */
const siteFacts = async (tx: WriteTx, row: Row<'site'>): Promise<RegistrySite> =>
  registrySite(row, await tx.find('siteArray', { where: { siteId: row.id } }))

export function createArrays({ db }: CrmDeps) {
  const as = (caller: Caller) => db.as(narrowCaller(caller, 'site:write'))
  /** What a site is expected to give follows from its arrays: telemetry is told of the site again. */
  async function tell(tx: WriteTx, siteId: string): Promise<void> {
    tx.emit({ type: 'site.upserted', site: await siteFacts(tx, await tx.get('site', siteId)) })
  }
  return {
    create: (caller: Caller, input: ArrayCreate): Promise<Row<'siteArray'>> =>
      as(caller).transaction(async (tx) => {
        const row = await tx.create('siteArray', input)
        await tell(tx, row.siteId)
        return row
      }),
    update: (caller: Caller, id: string, changes: ArrayUpdate, options?: WriteOptions): Promise<Row<'siteArray'>> =>
      as(caller).transaction(async (tx) => {
        const row = await tx.update('siteArray', id, changes, options)
        await tell(tx, row.siteId)
        return row
      }),
    remove: (caller: Caller, id: string, options?: WriteOptions): Promise<void> =>
      as(caller).transaction(async (tx) => {
        const { siteId } = await tx.get('siteArray', id)
        await tx.remove('siteArray', id, options)
        await tell(tx, siteId)
      }),
  }
}
