/** Where a device or a vendor's page has to be pointed to reach a connection, and what to enter or to run there. */
import type { Connection } from '@heliograph/crm-core/contracts'

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

/** A reading of the native format for trying a connection out: the first message anybody sends. */
export const sampleReading = (device: string): string =>
  JSON.stringify({ device, metrics: { ac_power_w: 5321, energy_total_wh: 123_456_789 }, status: 'producing' })

/**
 * Commands and settings to copy as they are: the secret stands in them while it is known, a placeholder after that.
 * @param device serial number in the sample
 */
export function commandLines(
  connection: AddressedConnection,
  origin: string,
  mqtt: MqttPorts | null | undefined,
  secret: string = SECRET_PLACE,
  device = 'my-first-device',
): AddressLine[] {
  const url = new URL(origin)
  const body = sampleReading(device)
  if (connection.transport === 'mqtt' && mqtt) {
    const login = `-h ${url.hostname} -p ${String(mqtt.port)} -u ${connection.username} -P ${secret}`
    if (connection.vendor === 'native')
      return [{ label: 'Send a first reading', value: `mosquitto_pub ${login} -q 1 -t readings -m '${body}'` }]
    if (connection.vendor === 'victron')
      return [
        {
          label: 'Bridge for mosquitto.conf',
          block: true,
          value: [
            'connection heliograph',
            `address ${url.hostname}:${String(mqtt.port)}`,
            `remote_username ${connection.username}`,
            `remote_password ${secret}`,
            'topic N/# out 0',
            'topic R/+/keepalive in 0',
          ].join('\n'),
        },
      ]
    if (connection.vendor === 'tasmota')
      return [
        {
          label: 'On the console of the device',
          value: `Backlog MqttHost ${url.hostname}; MqttPort ${String(mqtt.port)}; MqttUser ${connection.username}; MqttPassword ${secret}; TelePeriod 60`,
        },
      ]
    return []
  }
  if (connection.transport === 'webhook' && connection.vendor === 'native') {
    const address = `${url.origin}/ingest/v1/webhooks/${connection.id}`
    const proof =
      connection.scheme === 'basic'
        ? `-u ${connection.username}:${secret}`
        : connection.scheme === 'shared-header'
          ? `-H '${connection.headerName ?? 'x-webhook-secret'}: ${secret}'`
          : undefined
    if (proof !== undefined)
      return [
        {
          label: 'Send a first reading',
          value: `curl ${proof} -H 'content-type: application/json' -d '${body}' ${address}`,
        },
      ]
  }
  return []
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
