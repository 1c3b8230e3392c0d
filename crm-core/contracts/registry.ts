/**
 * What ingest and stream must know of the CRM to do their work, and how they learn it: a snapshot on start, then domain
 * events in order. Each fact carries what telemetry needs and nothing of the customer's person.
 */
import type { ConnectionId, CustomerId, DeviceId, OrgUnitId, ReplayId, SiteId, TenantId } from './ids.ts'
import type { Thresholds } from './resources/settings.ts'

export const DEVICE_KINDS = ['inverter', 'meter', 'battery', 'weather', 'gateway', 'optimizer', 'charger'] as const
export type DeviceKind = (typeof DEVICE_KINDS)[number]
export const DEVICE_ROLES = ['production', 'grid', 'load', 'battery', 'irradiance', 'none'] as const
export type DeviceRole = (typeof DEVICE_ROLES)[number]

/** UTC milliseconds; `to` exclusive, absent while it holds. */
export interface Validity {
  from: number
  to?: number
}
export interface DeviceLink extends Validity {
  connectionId: ConnectionId
  externalId: string
}
export interface DeviceRolePeriod extends Validity {
  role: DeviceRole
}
/** A device belongs to one site at a time; moving it keeps its history where it was made. */
export interface DeviceSitePeriod extends Validity {
  siteId: SiteId
}

export interface RegistryTenant {
  id: TenantId
  name: string
  /** Absent: the rules' own. */
  thresholds?: Thresholds
}
export interface RegistrySite {
  id: SiteId
  tenantId: TenantId
  name: string
  customerId: CustomerId
  orgUnitId: OrgUnitId
  /** IANA zone. */
  timezone: string
  latitude?: number
  longitude?: number
  peakPowerW?: number
  acCapacityW?: number
  /** Modules by orientation: compass degrees clockwise from north (180 is south), degrees from the horizontal, W. Absent: none known. */
  arrays?: RegistryArray[]
}
export interface RegistryArray {
  azimuthDeg: number
  tiltDeg: number
  peakPowerW: number
}
export interface RegistryDevice {
  id: DeviceId
  tenantId: TenantId
  siteId: SiteId
  name: string
  kind: DeviceKind
  vendor: string
  serial: string
  parentId?: DeviceId
  roles: DeviceRolePeriod[]
  links: DeviceLink[]
  sites: DeviceSitePeriod[]
  peakPowerW?: number
  /** As the device told it last; what it tells differently is told on. */
  firmware?: string
  /** Seconds between deliveries; absent: learned. */
  deliveryIntervalS?: number
  replacedById?: DeviceId
}
export interface RegistryConnection {
  id: ConnectionId
  tenantId: TenantId
  name: string
  vendor: string
  transport: 'mqtt' | 'webhook' | 'broker' | 'poll' | 'http'
  siteId?: SiteId
  /** Zone for local times without an offset: that of the connection's site. */
  timezone?: string
  enabled: boolean
}
export interface RegistrySnapshot {
  /** Version of the last event that is contained in it. */
  version: number
  tenants: RegistryTenant[]
  sites: RegistrySite[]
  devices: RegistryDevice[]
  connections: RegistryConnection[]
}

/** Domain events on the log's `events` topic. `version` grows by one per event, in commit order. */
export type DomainEvent = { version: number; at: number; tenantId: TenantId } & (
  | { type: 'tenant.upserted'; tenant: RegistryTenant }
  | { type: 'tenant.deleted' }
  | { type: 'site.upserted'; site: RegistrySite }
  | { type: 'site.deleted'; siteId: SiteId }
  | {
      type: 'device.upserted'
      device: RegistryDevice
      /** Earliest instant whose numbers this change touches (role, site, parent, replacement with an effective date). */
      recomputeFrom?: number
    }
  | { type: 'device.deleted'; deviceId: DeviceId; siteId: SiteId }
  | { type: 'connection.upserted'; connection: RegistryConnection }
  /** Credential revoked, rotated out or disabled: its sockets are cut. */
  | { type: 'connection.revoked'; connectionId: ConnectionId; credentialIds?: string[] }
  | {
      type: 'replay.requested'
      replayId: ReplayId
      /** Number of the replay; later ones win. */
      revision: number
      connectionId?: ConnectionId
      /** Claims: only readings of this link are stored again. */
      link?: { externalId: string; deviceId: DeviceId }
      /** One message: replay of a dead letter. */
      message?: { partition: number; offset: number }
      from?: number
      to?: number
    }
  /** Sessions and rights: open sockets of these people are judged again. */
  | { type: 'rights.changed'; userIds: string[]; sessionIds?: string[] }
  | {
      type: 'record.changed'
      resource: 'alarm' | 'ticket' | 'site' | 'customer' | 'contract' | 'notification'
      id: string
      siteId?: SiteId
      customerId?: CustomerId
    }
)
export type DomainEventType = DomainEvent['type']
