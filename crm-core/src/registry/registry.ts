/**
 * The local copy of what telemetry must know of the CRM: whose device speaks, at which site, in which zone.
 * Filled from a snapshot, then kept by domain events in their order; every lookup is in memory.
 */
import type {
  ConnectionId,
  DeviceId,
  DeviceLink,
  DomainEvent,
  RegistryConnection,
  RegistryDevice,
  RegistrySite,
  RegistrySnapshot,
  RegistryTenant,
  SiteId,
  TenantId,
  Validity,
} from '../../contracts/index.ts'

export interface ResolvedDevice {
  device: RegistryDevice
  site: RegistrySite
}

export class Registry {
  #version = 0
  readonly #tenants = new Map<TenantId, RegistryTenant>()
  readonly #sites = new Map<SiteId, RegistrySite>()
  readonly #devices = new Map<DeviceId, RegistryDevice>()
  readonly #connections = new Map<ConnectionId, RegistryConnection>()
  /** Link periods by connection and external id; several when a device was replaced behind the same id. */
  /** By connection and external id. Two steps, since this is asked for every reading and a joined key would be made each time. */
  readonly #links = new Map<ConnectionId, Map<string, { device: RegistryDevice; link: DeviceLink }[]>>()
  readonly #devicesBySite = new Map<SiteId, Set<DeviceId>>()

  /** Version of the last event that is in here. */
  get version(): number {
    return this.#version
  }

  load(snapshot: RegistrySnapshot): void {
    for (const map of [this.#tenants, this.#sites, this.#devices, this.#connections, this.#links, this.#devicesBySite])
      map.clear()
    for (const tenant of snapshot.tenants) this.#tenants.set(tenant.id, tenant)
    for (const site of snapshot.sites) this.#sites.set(site.id, site)
    for (const connection of snapshot.connections) this.#connections.set(connection.id, connection)
    for (const device of snapshot.devices) this.#putDevice(device)
    this.#version = snapshot.version
  }
  /** What `load` takes, as things stand. */
  snapshot(): RegistrySnapshot {
    return {
      version: this.#version,
      tenants: [...this.#tenants.values()],
      sites: [...this.#sites.values()],
      devices: [...this.#devices.values()],
      connections: [...this.#connections.values()],
    }
  }

  /**
   * Takes one event in. Events that are already contained change nothing, so that a log may be read again.
   * @returns whether it was new
   */
  apply(event: DomainEvent): boolean {
    if (event.version <= this.#version) return false
    this.#version = event.version
    switch (event.type) {
      case 'tenant.upserted':
        this.#tenants.set(event.tenant.id, event.tenant)
        break
      case 'tenant.deleted':
        this.#dropTenant(event.tenantId)
        break
      case 'site.upserted':
        this.#sites.set(event.site.id, event.site)
        break
      case 'site.deleted':
        this.#sites.delete(event.siteId)
        break
      case 'device.upserted':
        this.#putDevice(event.device)
        break
      case 'device.deleted':
        this.#dropDevice(event.deviceId)
        break
      case 'connection.upserted':
        this.#connections.set(event.connection.id, event.connection)
        break
      case 'connection.revoked':
      case 'replay.requested':
      case 'rights.changed':
      case 'record.changed':
        // Acts of the moment: they change nothing that is looked up here.
        break
    }
    return true
  }

  tenant(id: TenantId): RegistryTenant | undefined {
    return this.#tenants.get(id)
  }
  site(id: SiteId): RegistrySite | undefined {
    return this.#sites.get(id)
  }
  device(id: DeviceId): RegistryDevice | undefined {
    return this.#devices.get(id)
  }
  connection(id: ConnectionId): RegistryConnection | undefined {
    return this.#connections.get(id)
  }
  sites(): Iterable<RegistrySite> {
    return this.#sites.values()
  }
  devices(): Iterable<RegistryDevice> {
    return this.#devices.values()
  }
  connections(): Iterable<RegistryConnection> {
    return this.#connections.values()
  }
  /** Devices that are, or once were, at a site. */
  devicesOfSite(id: SiteId): RegistryDevice[] {
    return [...(this.#devicesBySite.get(id) ?? [])].map((deviceId) => this.#devices.get(deviceId)!)
  }

  /**
   * The device that a connection's external id means at an instant. Only the link decides: the same serial elsewhere
   * speaks for nobody.
   * @param at UTC milliseconds
   */
  resolve(connectionId: ConnectionId, externalId: string, at: number): ResolvedDevice | undefined {
    const periods = this.#links.get(connectionId)?.get(externalId)
    if (!periods) return undefined
    const found = periods.find(({ link }) => holds(link, at))
    if (!found) return undefined
    const { device } = found
    const site = this.#sites.get(siteAt(device, at))
    return site && { device, site }
  }

  #putDevice(device: RegistryDevice): void {
    this.#dropDevice(device.id)
    this.#devices.set(device.id, device)
    for (const link of device.links) {
      let ofConnection = this.#links.get(link.connectionId)
      if (!ofConnection) this.#links.set(link.connectionId, (ofConnection = new Map()))
      const periods = ofConnection.get(link.externalId)
      if (periods) periods.push({ device, link })
      else ofConnection.set(link.externalId, [{ device, link }])
    }
    for (const siteId of new Set([device.siteId, ...device.sites.map((period) => period.siteId)])) {
      const devices = this.#devicesBySite.get(siteId)
      if (devices) devices.add(device.id)
      else this.#devicesBySite.set(siteId, new Set([device.id]))
    }
  }

  #dropDevice(id: DeviceId): void {
    const device = this.#devices.get(id)
    if (!device) return
    this.#devices.delete(id)
    for (const link of device.links) {
      const ofConnection = this.#links.get(link.connectionId)
      const left = ofConnection?.get(link.externalId)?.filter((period) => period.device.id !== id) ?? []
      if (left.length > 0) ofConnection?.set(link.externalId, left)
      else ofConnection?.delete(link.externalId)
      if (ofConnection?.size === 0) this.#links.delete(link.connectionId)
    }
    for (const siteId of new Set([device.siteId, ...device.sites.map((period) => period.siteId)]))
      this.#devicesBySite.get(siteId)?.delete(id)
  }

  #dropTenant(id: TenantId): void {
    this.#tenants.delete(id)
    for (const device of [...this.#devices.values()]) if (device.tenantId === id) this.#dropDevice(device.id)
    for (const site of [...this.#sites.values()]) if (site.tenantId === id) this.#sites.delete(site.id)
    for (const connection of [...this.#connections.values()])
      if (connection.tenantId === id) this.#connections.delete(connection.id)
  }
}

/** Where a device was at an instant. */
export const siteAt = (device: RegistryDevice, at: number): SiteId =>
  device.sites.find((period) => holds(period, at))?.siteId ?? device.siteId

/** Whether a period of validity contains an instant. */
export const holds = (period: Validity, at: number): boolean =>
  at >= period.from && (period.to === undefined || at < period.to)
