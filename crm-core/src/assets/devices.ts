import {
  ProblemError,
  type Caller,
  type DeviceCreate,
  type DeviceId,
  type DeviceKind,
  type DeviceRole,
  type DeviceUpdate,
  type Row,
  type SiteId,
  type WriteOptions,
  type WriteTx,
} from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { elevated, narrowCaller } from '../rights/callers.ts'
import { ALWAYS, emitDevice, endLinks, readPeriods, setRoleFrom, setSiteFrom } from './device-periods.ts'
import type { DevicePeriods } from './registry-facts.ts'

/** Gateways over gateways over inverters: three levels are seen in the field. */
const MAX_PARENTS = 8

/** What a kind counts as when nobody says otherwise. Optimizers stand below an inverter that counts already. */
const DEFAULT_ROLE: Readonly<Record<DeviceKind, DeviceRole>> = {
  inverter: 'production',
  gateway: 'production',
  meter: 'grid',
  battery: 'battery',
  weather: 'irradiance',
  optimizer: 'none',
  charger: 'load',
}

/** A device with its first periods; no event yet. Its firmware is told by the device itself, never entered. */
export async function createDeviceRows(
  tx: WriteTx,
  input: DeviceCreate & { firmware?: string },
): Promise<Row<'device'>> {
  await checkParent(tx, undefined, input.parentId ?? null, input.siteId)
  const role = input.role ?? DEFAULT_ROLE[input.kind]
  const name = input.name ?? `${input.vendor} ${input.serial}`.slice(0, 200)
  const device = await tx.create('device', { ...input, role, name })
  await tx.create('deviceRole', { deviceId: device.id, role, validFrom: ALWAYS })
  await tx.create('deviceSite', { deviceId: device.id, siteId: device.siteId, validFrom: ALWAYS })
  return device
}

/** A parent stands at the same site, and nobody is its own ancestor. */
async function checkParent(
  tx: WriteTx,
  id: string | undefined,
  parentId: string | null,
  siteId: string,
): Promise<void> {
  let current = parentId
  for (let depth = 0; current !== null; depth++) {
    const parent: Row<'device'> = await tx.get('device', current)
    if (parent.id === id || depth >= MAX_PARENTS)
      throw new ProblemError('conflict', 'A device cannot hang below itself, nor that deep')
    if (depth === 0 && parent.siteId !== siteId)
      throw new ProblemError('conflict', 'The device above it stands at another site')
    current = parent.parentId
  }
}

export function createDevices({ db, now }: CrmDeps) {
  const as = (caller: Caller) => db.as(narrowCaller(caller, 'device:write'))

  async function create(caller: Caller, input: DeviceCreate): Promise<Row<'device'>> {
    return await as(caller).transaction(async (tx) => {
      const device = await createDeviceRows(tx, input)
      await emitDevice(tx, device)
      return device
    })
  }

  /**
   * Changes a device. Site, role, parent and replacement hold from `effectiveFrom` (default: now); the numbers after it are
   * computed again. A device that moves takes along what hangs below it.
   */
  async function update(
    caller: Caller,
    id: string,
    input: DeviceUpdate,
    options?: WriteOptions,
  ): Promise<Row<'device'>> {
    const { effectiveFrom, ...changes } = input
    const from = effectiveFrom ?? new Date(now())
    if (from.getTime() > now())
      throw new ProblemError('invalid_fields', undefined, {
        errors: [{ path: 'effectiveFrom', message: 'is in the future' }],
      })
    return await as(caller).transaction(async (tx) => {
      const before = await tx.get('device', id)
      const siteId = changes.siteId ?? before.siteId
      const moves = siteId !== before.siteId
      // What stays behind cannot stand above what moves.
      const parentId = changes.parentId !== undefined ? changes.parentId : moves ? null : before.parentId
      const reparents = parentId !== before.parentId
      const replaced = changes.replacedById !== undefined && changes.replacedById !== before.replacedById
      const role = changes.role ?? (replaced ? await roleAfter(tx, before, changes.replacedById) : before.role)
      const recasts = role !== before.role
      if (reparents) await checkParent(tx, id, parentId, siteId)
      if (replaced && changes.replacedById !== null) await replace(tx, before, changes.replacedById!, from)
      if (moves) {
        await tx.get('site', siteId)
        await setSiteFrom(tx, id, siteId, from)
      }
      if (recasts) await setRoleFrom(tx, id, role, from)
      const row = await tx.update(
        'device',
        id,
        {
          ...changes,
          role,
          parentId,
          ...(reparents ? { parentSince: parentId === null ? null : from } : {}),
          ...(replaced ? { replacedAt: changes.replacedById === null ? null : from } : {}),
        },
        options,
      )
      const touches = moves || reparents || replaced || recasts
      await emitDevice(tx, row, touches ? from.getTime() : undefined)
      if (moves) await moveChildren(tx, row, before.siteId, from, 1)
      return row
    })
  }

  async function replace(tx: WriteTx, old: Row<'device'>, byId: string, at: Date): Promise<void> {
    const by = await tx.get('device', byId)
    if (by.id === old.id || by.replacedById === old.id)
      throw new ProblemError('conflict', 'A device cannot replace itself')
    if (by.siteId !== old.siteId)
      throw new ProblemError('conflict', 'The device that replaces it stands at another site')
    // Whatever still comes under the old one's name belongs to nobody until somebody claims it.
    await endLinks(tx, old.id, at)
  }

  /**
   * What is replaced counts no more: a device that will never speak again must not keep its site waiting for it. One that comes
   * back counts as what it was before.
   */
  async function roleAfter(
    tx: WriteTx,
    { id, role }: Row<'device'>,
    replacedById: string | null | undefined,
  ): Promise<DeviceRole> {
    if (replacedById !== null) return 'none'
    if (role !== 'none') return role
    const counted = await tx.find('deviceRole', { where: { deviceId: id, role: { not: 'none' } } })
    return counted.sort((a, b) => b.validFrom.getTime() - a.validFrom.getTime())[0]?.role ?? role
  }

  async function moveChildren(
    tx: WriteTx,
    parent: Row<'device'>,
    fromSite: string,
    from: Date,
    depth: number,
  ): Promise<void> {
    if (depth > MAX_PARENTS) return
    for (const child of await tx.find('device', { where: { parentId: parent.id, siteId: fromSite } })) {
      await setSiteFrom(tx, child.id, parent.siteId, from)
      const row = await tx.update('device', child.id, { siteId: parent.siteId })
      await emitDevice(tx, row, from.getTime())
      await moveChildren(tx, row, fromSite, from, depth + 1)
    }
  }

  /** Takes the device out; its links end with it, so what it still sends becomes unclaimed. Its alarms stay with the site. */
  async function remove(caller: Caller, id: string, options?: WriteOptions): Promise<void> {
    const device = await as(caller).get('device', id)
    await db.as(elevated(caller, 'devices')).transaction(async (tx) => {
      for (const alarm of await tx.all('alarm', { deviceId: id }))
        await tx.update('alarm', alarm.id, { deviceId: null })
      for (const array of await tx.all('siteArray', { deviceId: id }))
        await tx.update('siteArray', array.id, { deviceId: null })
      for (const child of await tx.all('device', { OR: [{ parentId: id }, { replacedById: id }] })) {
        const orphan = child.parentId === id
        const row = await tx.update(
          'device',
          child.id,
          orphan ? { parentId: null, parentSince: null } : { replacedById: null, replacedAt: null },
        )
        await emitDevice(tx, row, orphan ? (child.parentSince?.getTime() ?? 0) : undefined)
      }
      for (const table of ['deviceLink', 'deviceRole', 'deviceSite'] as const)
        await tx.removeWhere(table, { deviceId: id })
      await tx.remove('device', id, options)
      tx.emit({ type: 'device.deleted', deviceId: id as DeviceId, siteId: device.siteId as SiteId })
    })
  }

  /** The dated facts of a device the caller may see. */
  async function periods(caller: Caller, id: string): Promise<DevicePeriods> {
    const scoped = db.as(narrowCaller(caller, 'device:read'))
    await scoped.get('device', id)
    return await readPeriods(scoped, id)
  }

  return { create, update, remove, periods }
}
