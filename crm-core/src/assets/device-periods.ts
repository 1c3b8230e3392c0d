/** The dated facts of a device: which site it stood at, what it counted as, by which links it spoke. */
import { ProblemError, type DeviceRole, type Row, type TenantId, type WriteTx } from '../../contracts/index.ts'
import { registryDevice, type DevicePeriods } from './registry-facts.ts'

/** Facts without a known beginning hold from here on: imports reach back before the day a device was entered. */
export const ALWAYS = new Date(0)

export async function readPeriods(tx: Pick<WriteTx, 'all'>, deviceId: string): Promise<DevicePeriods> {
  const [links, roles, sites] = [
    await tx.all('deviceLink', { deviceId }),
    await tx.all('deviceRole', { deviceId }),
    await tx.all('deviceSite', { deviceId }),
  ]
  return { links, roles, sites }
}

/** Tells telemetry how a device stands now. */
export async function emitDevice(tx: WriteTx, device: Row<'device'>, recomputeFrom?: number): Promise<void> {
  tx.emit({
    type: 'device.upserted',
    tenantId: device.tenantId as TenantId,
    device: registryDevice(device, await readPeriods(tx, device.id)),
    ...(recomputeFrom === undefined ? {} : { recomputeFrom }),
  })
}

/** From an instant on the device counts as something else; what was entered for later is overruled. */
export async function setRoleFrom(tx: WriteTx, deviceId: string, role: DeviceRole, from: Date): Promise<void> {
  await cutFrom(tx, 'deviceRole', deviceId, from)
  await tx.create('deviceRole', { deviceId, role, validFrom: from })
}

/** From an instant on the device stands at another site. */
export async function setSiteFrom(tx: WriteTx, deviceId: string, siteId: string, from: Date): Promise<void> {
  await cutFrom(tx, 'deviceSite', deviceId, from)
  await tx.create('deviceSite', { deviceId, siteId, validFrom: from })
}

async function cutFrom(tx: WriteTx, table: 'deviceRole' | 'deviceSite', deviceId: string, from: Date): Promise<void> {
  await tx.removeWhere(table, { deviceId, validFrom: { gte: from } })
  for (const period of await tx.find(table, { where: { deviceId } }))
    if (period.validTo === null || period.validTo > from) await tx.update(table, period.id, { validTo: from })
}

/** Ends the open links of a device. */
export async function endLinks(tx: WriteTx, deviceId: string, at: Date): Promise<void> {
  for (const link of await tx.find('deviceLink', { where: { deviceId } })) {
    if (link.validTo !== null && link.validTo <= at) continue
    if (link.validFrom >= at) await tx.remove('deviceLink', link.id)
    else await tx.update('deviceLink', link.id, { validTo: at })
  }
}

/**
 * Links (connection, external id) to a device. It holds from the beginning, so that the raw history counts, or from where the
 * pair's link to another device ended.
 * @throws ProblemError `conflict` while the pair is linked
 */
export async function linkDevice(
  tx: WriteTx,
  link: { deviceId: string; connectionId: string; externalId: string },
): Promise<Date> {
  const { connectionId, externalId } = link
  const earlier = await tx.find('deviceLink', { where: { connectionId, externalId } })
  if (earlier.some(({ validTo }) => validTo === null))
    throw new ProblemError('conflict', 'This device of the connection is linked already')
  const ends = earlier.map(({ validTo }) => validTo!.getTime())
  const validFrom = new Date(Math.max(ALWAYS.getTime(), ...ends))
  await tx.create('deviceLink', { ...link, validFrom })
  return validFrom
}
