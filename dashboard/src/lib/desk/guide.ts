/** Where a device or a vendor's page has to be pointed to reach a connection. */
import type { Connection } from '@heliograph/crm-core/contracts'

export interface AddressLine {
  label: string
  value: string
}

/** @param origin of these pages: what is reachable for the person is so for their devices, unless the operator says otherwise */
export function addressLines(
  connection: Pick<Connection, 'id' | 'transport' | 'username' | 'scheme' | 'headerName'>,
  origin: string,
): AddressLine[] {
  const url = new URL(origin)
  switch (connection.transport) {
    case 'mqtt':
      return [
        { label: 'MQTT server', value: url.hostname },
        { label: 'User name', value: connection.username },
      ]
    case 'webhook': {
      const lines = [{ label: 'Webhook address', value: `${url.origin}/ingest/v1/webhooks/${connection.id}` }]
      if (connection.scheme === 'basic') lines.push({ label: 'User name', value: connection.username })
      if (connection.scheme === 'shared-header')
        lines.push({ label: 'Header', value: connection.headerName ?? 'x-webhook-secret' })
      return lines
    }
    default:
      return [{ label: 'User name', value: connection.username }]
  }
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
  broker: 'Broker: we subscribe to yours',
  poll: 'Poll: we ask the vendor',
  http: 'Ingest key',
}
