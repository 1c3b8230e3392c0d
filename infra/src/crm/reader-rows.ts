import type {
  BrokerAccess,
  BrokerSettings,
  ConnectionAccess,
  ConnectionId,
  DeviceId,
  ReplayId,
  ReplayRequested,
  Row,
  TenantId,
} from '@heliograph/crm-core/contracts'

/** The request as it was told when the replay was made. */
export function replayRequested(row: Row<'replay'>): ReplayRequested {
  return {
    type: 'replay.requested',
    version: 0,
    at: row.createdAt.getTime(),
    tenantId: row.tenantId as TenantId,
    replayId: row.id as ReplayId,
    revision: row.revision,
    ...(row.connectionId !== null && { connectionId: row.connectionId as ConnectionId }),
    ...(row.deviceId !== null &&
      row.externalId !== null && { link: { externalId: row.externalId, deviceId: row.deviceId as DeviceId } }),
    ...(row.messagePartition !== null &&
      row.messageOffset !== null && { message: { partition: row.messagePartition, offset: row.messageOffset } }),
    ...(row.rangeFrom !== null && { from: row.rangeFrom.getTime() }),
    ...(row.rangeTo !== null && { to: row.rangeTo.getTime() }),
  }
}

/** Tables that a registry's snapshot is made of. */
export const REGISTRY_TABLES = [
  'tenant',
  'setting',
  'site',
  'siteArray',
  'device',
  'deviceLink',
  'deviceRole',
  'deviceSite',
  'connection',
] as const

/**
 * A connection's credentials as an edge checks them: one row a credential, or one without any.
 * @returns undefined where there is no row: no such connection
 */
export function connectionAccess(rows: readonly Record<string, unknown>[]): ConnectionAccess | undefined {
  const [first] = rows
  if (first === undefined) return undefined
  return {
    connectionId: first.id as string,
    tenantId: first.tenantId as TenantId,
    name: first.name as string,
    vendor: first.vendor as string,
    transport: first.transport as ConnectionAccess['transport'],
    siteId: first.siteId as string | null,
    enabled: Number(first.enabled) === 1,
    username: first.username as string,
    scheme: first.scheme as ConnectionAccess['scheme'],
    headerName: first.headerName as string | null,
    credentials: rows.flatMap((row) =>
      row.credentialId === null
        ? []
        : [
            {
              id: row.credentialId as string,
              secretHash: row.secretHash as string | null,
              secretCipher: row.secretCipher as string | null,
              // One engine tells an instant as a date, the other as a number; both are UTC milliseconds.
              validTo: row.validTo === null ? null : Number(row.validTo),
            },
          ],
    ),
  }
}

/** Connections to brokers from rows with `broker` as JSON, one row each with the password that is good now. */
export const brokerAccess = (row: Record<string, unknown>): BrokerAccess => ({
  connectionId: row.connectionId as string,
  tenantId: row.tenantId as TenantId,
  vendor: row.vendor as string,
  username: row.username as string,
  enabled: Number(row.enabled) === 1 && row.tenantStatus === 'active',
  broker: (typeof row.broker === 'string' ? JSON.parse(row.broker) : row.broker) as BrokerSettings,
  secretCipher: row.secretCipher as string | null,
})
