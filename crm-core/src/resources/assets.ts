import type {
  BrokerSettings,
  BrokerStatus,
  Connection,
  ConnectionBroker,
  Contract,
  Device,
  DeviceStatus,
  Replay,
  Row,
  Site,
  SiteArray,
  SiteStatus,
  Unclaimed,
} from '../../contracts/index.ts'
import type { DevicePeriods } from '../assets/registry-facts.ts'
import { stored, time, timeOrNull } from './shared.ts'

export const arrayResource = (row: Row<'siteArray'>): SiteArray => ({
  ...stored(row),
  siteId: row.siteId,
  name: row.name,
  azimuthDeg: row.azimuthDeg,
  tiltDeg: row.tiltDeg,
  peakPowerW: row.peakPowerW,
  deviceId: row.deviceId,
})

/** @param live status of the live state; `unknown` where nothing was heard */
export const siteResource = (row: Row<'site'>, arrays: Row<'siteArray'>[], live: SiteStatus = 'unknown'): Site => ({
  ...stored(row),
  name: row.name,
  customerId: row.customerId,
  orgUnitId: row.orgUnitId,
  timezone: row.timezone,
  latitude: row.latitude,
  longitude: row.longitude,
  address: row.address,
  peakPowerW: row.peakPowerW,
  acCapacityW: row.acCapacityW,
  tags: row.tags ?? [],
  status: live,
  arrays: arrays.filter(({ siteId }) => siteId === row.id).map(arrayResource),
})

export const contractResource = (row: Row<'contract'>): Contract => ({
  ...stored(row),
  number: row.number,
  name: row.name,
  customerId: row.customerId,
  kind: row.kind,
  status: row.status,
  validFrom: row.validFrom,
  validTo: row.validTo,
  siteIds: row.siteIds,
  sla:
    row.slaHours === null
      ? null
      : { firstResponseH: row.slaFirstResponseH, solutionH: row.slaSolutionH, hours: row.slaHours },
  guarantee:
    row.guaranteeKind === null || row.guaranteeValue === null
      ? null
      : { kind: row.guaranteeKind, value: row.guaranteeValue },
  tariff:
    row.tariffPerKwh === null || row.tariffCurrency === null
      ? null
      : { perKwh: row.tariffPerKwh, currency: row.tariffCurrency },
  notes: row.notes,
})

export interface DeviceExtras {
  /** Of the live state. */
  status?: DeviceStatus
  /** UTC milliseconds. */
  lastSeenAt?: number
  /** On the single resource only. */
  periods?: DevicePeriods
}
export const deviceResource = (row: Row<'device'>, { status, lastSeenAt, periods }: DeviceExtras = {}): Device => ({
  ...stored(row),
  siteId: row.siteId,
  parentId: row.parentId,
  kind: row.kind,
  role: row.role,
  vendor: row.vendor,
  serial: row.serial,
  model: row.model,
  firmware: row.firmware,
  name: row.name,
  peakPowerW: row.peakPowerW,
  deliveryIntervalS: row.deliveryIntervalS,
  warrantyUntil: row.warrantyUntil,
  replacedById: row.replacedById,
  status: status ?? null,
  lastSeenAt: lastSeenAt === undefined ? null : new Date(lastSeenAt).toISOString(),
  ...(periods === undefined
    ? {}
    : {
        links: periods.links.map((link) => ({
          connectionId: link.connectionId,
          externalId: link.externalId,
          from: time(link.validFrom),
          to: timeOrNull(link.validTo),
        })),
        roles: periods.roles.map((period) => ({
          role: period.role,
          from: time(period.validFrom),
          to: timeOrNull(period.validTo),
        })),
      }),
})

/** Written out: a field that is added to the stored settings is not answered by accident. */
const brokerOf = (
  { url, username, hasPassword, topics, version, workers, caCert }: BrokerSettings,
  status: BrokerStatus = UNHEARD,
): ConnectionBroker => ({ url, username, hasPassword, topics, version, workers, caCert, status })
const UNHEARD: BrokerStatus = { state: 'unknown', message: null, code: null, since: null, version: null }

/**
 * @param lastSeenAt of the live state, UTC milliseconds, where it is newer than what the row says
 * @param status of a broker, as the process that serves it says
 */
export const connectionResource = (
  row: Row<'connection'>,
  { lastSeenAt, status }: { lastSeenAt?: number | undefined; status?: BrokerStatus | undefined } = {},
): Connection => ({
  ...stored(row),
  name: row.name,
  transport: row.transport,
  vendor: row.vendor,
  siteId: row.siteId,
  enabled: row.enabled,
  username: row.username,
  scheme: row.scheme,
  headerName: row.headerName,
  broker: row.broker === null ? null : brokerOf(row.broker, row.enabled ? status : { ...UNHEARD, state: 'off' }),
  lastSeenAt:
    lastSeenAt !== undefined && lastSeenAt > (row.lastSeenAt?.getTime() ?? 0)
      ? new Date(lastSeenAt).toISOString()
      : timeOrNull(row.lastSeenAt),
})

export const unclaimedResource = (row: Row<'unclaimed'>): Unclaimed => ({
  id: row.id,
  connectionId: row.connectionId,
  vendor: row.vendor,
  externalId: row.externalId,
  serial: row.serial,
  firstSeenAt: time(row.firstSeenAt),
  lastSeenAt: time(row.lastSeenAt),
  messages: row.messages,
  sample: row.sample,
  attributes: { ...row.attributes },
})

export const replayResource = (row: Row<'replay'>): Replay => ({
  ...stored(row),
  kind: row.kind,
  state: row.state,
  connectionId: row.connectionId,
  deviceId: row.deviceId,
  from: timeOrNull(row.rangeFrom),
  to: timeOrNull(row.rangeTo),
  done: row.done,
  total: row.total,
  error: row.error,
})
