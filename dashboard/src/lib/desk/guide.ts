/** Where a device or a vendor's page has to be pointed to reach a connection, and what to enter or to run there. */
import type { Connection } from '@heliograph/crm-core/contracts'
import type { VendorPaste } from './types.ts'

export interface AddressLine {
  label: string
  value: string
  /** Several lines: shown as a block. */
  block?: true
}
/** Ports of the MQTT edge; `tlsPort` null where it is not served by TLS. */
export interface MqttPorts {
  port: number
  tlsPort: number | null
}
export type AddressedConnection = Pick<Connection, 'id' | 'vendor' | 'transport' | 'username' | 'scheme' | 'headerName'>

/** In place of what is shown once, when it was made. */
export const SECRET_PLACE = 'SECRET'

/** @param origin of these pages: what is reachable for the person is so for their devices, unless the operator says otherwise */
export function addressLines(
  connection: AddressedConnection,
  origin: string,
  mqtt: MqttPorts | null | undefined,
): AddressLine[] {
  const url = new URL(origin)
  switch (connection.transport) {
    case 'mqtt':
      return [
        { label: 'MQTT server', value: url.hostname },
        ...(mqtt ? [{ label: 'Port', value: String(mqtt.port) }] : []),
        ...(mqtt?.tlsPort ? [{ label: 'Port with TLS', value: String(mqtt.tlsPort) }] : []),
        { label: 'User name', value: connection.username },
      ]
    case 'webhook': {
      const lines = [{ label: 'Webhook address', value: `${url.origin}/ingest/v1/webhooks/${connection.id}` }]
      if (connection.scheme === 'basic') lines.push({ label: 'User name', value: connection.username })
      if (connection.scheme === 'shared-header')
        lines.push({ label: 'Header', value: connection.headerName ?? 'x-webhook-secret' })
      return lines
    }
    // Nothing is pointed here: we go there.
    case 'broker':
      return []
    default:
      return [{ label: 'User name', value: connection.username }]
  }
}

/**
 * Commands and settings to copy as they are: the secret stands in them while it is known, a placeholder after that.
 * @param pastes of the connection's vendor
 * @param device serial number in a sample
 */
export function commandLines(
  pastes: readonly VendorPaste[],
  connection: AddressedConnection,
  origin: string,
  mqtt: MqttPorts | null | undefined,
  secret: string = SECRET_PLACE,
  device = 'my-first-device',
): AddressLine[] {
  if (connection.transport === 'mqtt' && !mqtt) return []
  const url = new URL(origin)
  const path = `/ingest/v1/webhooks/${connection.id}`
  const words: Readonly<Record<string, string>> = {
    host: url.hostname,
    port: String(mqtt?.port ?? ''),
    user: connection.username,
    secret,
    address: url.origin + path,
    server: url.host,
    path,
    header: connection.headerName ?? 'x-webhook-secret',
    device,
  }
  return pastes
    .filter(({ transport }) => transport === connection.transport)
    .filter(({ scheme }) => scheme === undefined || scheme === connection.scheme)
    .map(({ label, text }) => ({
      label,
      value: text.replaceAll(/%([a-z]+)%/g, (whole, word: string) => words[word] ?? whole),
      ...(text.includes('\n') && { block: true as const }),
    }))
}

export const SCHEME_NAMES = {
  'standard-webhooks': 'Signed (Standard Webhooks)',
  twilio: 'Signed (Twilio style)',
  'shared-header': 'Secret in a header',
  basic: 'User name and password',
} as const
export const TRANSPORT_NAMES: Readonly<Record<string, string>> = {
  mqtt: 'MQTT: devices publish here',
  webhook: 'Webhook: the vendor calls us',
  broker: 'Your own broker: we subscribe to it',
  poll: 'Poll: we ask the vendor',
  http: 'Ingest key',
}
