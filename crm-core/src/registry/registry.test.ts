import { describe, expect, it } from 'vitest'
import type {
  ConnectionId,
  CustomerId,
  DeviceId,
  OrgUnitId,
  RegistryDevice,
  SiteId,
  TenantId,
} from '../../contracts/index.ts'
import { Registry } from './registry.ts'

const tenantId = 't' as TenantId
const site = (id: string) => ({
  id: id as SiteId,
  tenantId,
  name: id,
  customerId: 'c' as CustomerId,
  orgUnitId: 'o' as OrgUnitId,
  timezone: 'Europe/Berlin',
})
const device = (id: string, changes: Partial<RegistryDevice> = {}): RegistryDevice => ({
  id: id as DeviceId,
  tenantId,
  siteId: 's1' as SiteId,
  name: id,
  kind: 'inverter',
  vendor: 'native',
  serial: id,
  roles: [{ role: 'production', from: 0 }],
  links: [{ connectionId: 'k1' as ConnectionId, externalId: 'x', from: 0 }],
  sites: [{ siteId: 's1' as SiteId, from: 0 }],
  ...changes,
})
const make = (devices: RegistryDevice[]) => {
  const registry = new Registry()
  registry.load({
    version: 5,
    tenants: [{ id: tenantId, name: 'T' }],
    sites: [site('s1'), site('s2')],
    devices,
    connections: [],
  })
  return registry
}
const connection = 'k1' as ConnectionId

describe('registry', () => {
  it('knows a device by its link alone: the same id on another connection is nobody', () => {
    const registry = make([device('d1')])
    expect(registry.resolve(connection, 'x', 1)?.device.id).toBe('d1')
    expect(registry.resolve('k2' as ConnectionId, 'x', 1)).toBeUndefined()
  })

  it('follows the dates of links and sites', () => {
    const moved = device('d1', {
      siteId: 's2' as SiteId,
      sites: [
        { siteId: 's1' as SiteId, from: 0, to: 100 },
        { siteId: 's2' as SiteId, from: 100 },
      ],
      links: [{ connectionId: connection, externalId: 'x', from: 0, to: 200 }],
    })
    const successor = device('d2', { links: [{ connectionId: connection, externalId: 'x', from: 200 }] })
    const registry = make([moved, successor])
    expect(registry.resolve(connection, 'x', 99)?.site.id).toBe('s1')
    expect(registry.resolve(connection, 'x', 100)?.site.id).toBe('s2')
    expect(registry.resolve(connection, 'x', 199)?.device.id).toBe('d1')
    expect(registry.resolve(connection, 'x', 200)?.device.id).toBe('d2')
    expect(registry.devicesOfSite('s1' as SiteId).map(({ id }) => id)).toEqual(['d1', 'd2'])
  })

  it('takes each event once and forgets what an update took away', () => {
    const registry = make([device('d1')])
    const event = { version: 6, at: 0, tenantId, type: 'device.upserted', device: device('d1', { links: [] }) } as const
    expect(registry.apply(event)).toBe(true)
    expect(registry.apply(event)).toBe(false)
    expect(registry.resolve(connection, 'x', 1)).toBeUndefined()
    registry.apply({ version: 7, at: 0, tenantId, type: 'tenant.deleted' })
    expect([...registry.devices(), ...registry.sites()]).toEqual([])
  })
})
