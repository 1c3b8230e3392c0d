/** What telemetry is told of the CRM's rows, and the snapshot of all of it. */
import {
  thresholdsSchema,
  type ConnectionId,
  type CustomerId,
  type DeviceId,
  type OrgUnitId,
  type RegistryConnection,
  type RegistryDevice,
  type RegistrySite,
  type RegistrySnapshot,
  type RegistryTenant,
  type Row,
  type SiteId,
  type TenantId,
} from '../../contracts/index.ts'

const defined = <K extends string, V>(key: K, value: V | null | undefined): { [P in K]?: V } =>
  value === null || value === undefined ? {} : ({ [key]: value } as { [P in K]: V })

/** Name of the setting that holds a tenant's thresholds. */
export const THRESHOLDS_SETTING = 'thresholds'

/** @param setting the tenant's `thresholds`, where it has any */
export function registryTenant(
  tenant: Pick<Row<'tenant'>, 'id' | 'name'>,
  setting?: Pick<Row<'setting'>, 'value'>,
): RegistryTenant {
  const thresholds = thresholdsSchema.safeParse(setting?.value)
  return {
    id: tenant.id as TenantId,
    name: tenant.name,
    ...(thresholds.success && { thresholds: thresholds.data }),
  }
}

/** @param arrays those of the site */
export function registrySite(
  site: Row<'site'>,
  arrays: readonly Pick<Row<'siteArray'>, 'azimuthDeg' | 'tiltDeg' | 'peakPowerW'>[],
): RegistrySite {
  return {
    id: site.id as SiteId,
    tenantId: site.tenantId as TenantId,
    name: site.name,
    customerId: site.customerId as CustomerId,
    orgUnitId: site.orgUnitId as OrgUnitId,
    timezone: site.timezone,
    ...defined('latitude', site.latitude),
    ...defined('longitude', site.longitude),
    ...defined('peakPowerW', site.peakPowerW),
    ...defined('acCapacityW', site.acCapacityW),
    ...(arrays.length > 0 && {
      arrays: arrays.map(({ azimuthDeg, tiltDeg, peakPowerW }) => ({ azimuthDeg, tiltDeg, peakPowerW })),
    }),
  }
}

export interface DevicePeriods {
  links: Row<'deviceLink'>[]
  roles: Row<'deviceRole'>[]
  sites: Row<'deviceSite'>[]
}

const validity = (period: { validFrom: Date; validTo: Date | null }) => ({
  from: period.validFrom.getTime(),
  ...defined('to', period.validTo?.getTime()),
})
const byStart = (a: { validFrom: Date }, b: { validFrom: Date }): number =>
  a.validFrom.getTime() - b.validFrom.getTime()

export function registryDevice(device: Row<'device'>, periods: DevicePeriods): RegistryDevice {
  return {
    id: device.id as DeviceId,
    tenantId: device.tenantId as TenantId,
    siteId: device.siteId as SiteId,
    name: device.name,
    kind: device.kind,
    vendor: device.vendor,
    serial: device.serial,
    ...defined('parentId', device.parentId as DeviceId | null),
    roles: periods.roles.sort(byStart).map((period) => ({ role: period.role, ...validity(period) })),
    links: periods.links.sort(byStart).map((link) => ({
      connectionId: link.connectionId as ConnectionId,
      externalId: link.externalId,
      ...validity(link),
    })),
    sites: periods.sites.sort(byStart).map((period) => ({ siteId: period.siteId as SiteId, ...validity(period) })),
    ...defined('peakPowerW', device.peakPowerW),
    ...defined('firmware', device.firmware),
    ...defined('deliveryIntervalS', device.deliveryIntervalS),
    ...defined('replacedById', device.replacedById as DeviceId | null),
  }
}

/** @param timezone that of the connection's site */
export function registryConnection(connection: Row<'connection'>, timezone: string | undefined): RegistryConnection {
  return {
    id: connection.id as ConnectionId,
    tenantId: connection.tenantId as TenantId,
    name: connection.name,
    vendor: connection.vendor,
    transport: connection.transport,
    ...defined('siteId', connection.siteId as SiteId | null),
    ...defined('timezone', timezone),
    enabled: connection.enabled,
  }
}

export interface RegistryRows {
  /** Version of the last event committed when the rows were read, all in one transaction. */
  version: number
  tenants: Pick<Row<'tenant'>, 'id' | 'name'>[]
  settings: Pick<Row<'setting'>, 'tenantId' | 'name' | 'value'>[]
  sites: Row<'site'>[]
  arrays: Row<'siteArray'>[]
  devices: Row<'device'>[]
  links: Row<'deviceLink'>[]
  roles: Row<'deviceRole'>[]
  sitePeriods: Row<'deviceSite'>[]
  connections: Row<'connection'>[]
}

export function buildRegistrySnapshot(rows: RegistryRows): RegistrySnapshot {
  const arrays = Map.groupBy(rows.arrays, (each) => each.siteId)
  const zones = new Map(rows.sites.map((site) => [site.id, site.timezone]))
  const links = Map.groupBy(rows.links, (each) => each.deviceId)
  const roles = Map.groupBy(rows.roles, (each) => each.deviceId)
  const sites = Map.groupBy(rows.sitePeriods, (each) => each.deviceId)
  const thresholds = new Map(
    rows.settings.filter(({ name }) => name === THRESHOLDS_SETTING).map((each) => [each.tenantId, each]),
  )
  return {
    version: rows.version,
    tenants: rows.tenants.map((tenant) => registryTenant(tenant, thresholds.get(tenant.id))),
    sites: rows.sites.map((site) => registrySite(site, arrays.get(site.id) ?? [])),
    devices: rows.devices.map((device) =>
      registryDevice(device, {
        links: links.get(device.id) ?? [],
        roles: roles.get(device.id) ?? [],
        sites: sites.get(device.id) ?? [],
      }),
    ),
    connections: rows.connections.map((connection) =>
      registryConnection(connection, connection.siteId === null ? undefined : zones.get(connection.siteId)),
    ),
  }
}
