/**
 * Fleet simulator.
 *
 *     node loadtest/src/simulate.ts --mqtt mqtt://127.0.0.1:1883 --username U --password P --devices 100 --rate 50 --seconds 60
 *
 * Ends with 0 when everything sent was acknowledged, with 1 when not, with 2 on wrong usage.
 */
import { parseArgs } from 'node:util'
import { FAULTS, type Fault } from './fleet/faults.ts'
import { runFleet } from './fleet/fleet.ts'
import { simulatedVendors } from './fleet/vendors/index.ts'

const HELP = `Simulates a fleet of inverters over MQTT and HTTP.

  --mqtt URL                mqtt://host:port of the edge
  --http URL                http://host:port, for the vendor native-http
  --api-key KEY             API key with scope "ingest", for native-http
  --username U --password P connection that every MQTT vendor uses
  --credential V=U:P        connection of one vendor; may be given several times
  --devices N               default 100
  --rate R                  messages a second, all devices together; default: one a device each 10 s
  --seconds S               default 60
  --vendor-mix LIST         default native:1; of ${[...simulatedVendors.keys()].join(', ')}
  --faults LIST             of ${FAULTS.join(', ')}
  --connections C           sockets; default: one a device
  --seed N                  default 1; the same seed gives the same plants, curves and faults
  --longitude D             default: where it is about noon now, so that there is something to see
  --json                    report as one line of JSON
  --quiet                   no progress on stderr
`

class UsageError extends Error {}

function readOptions(): Parameters<typeof runFleet>[0] & { json: boolean; quiet: boolean } {
  const { values } = parseArgs({
    options: {
      mqtt: { type: 'string' },
      http: { type: 'string' },
      'api-key': { type: 'string' },
      username: { type: 'string' },
      password: { type: 'string' },
      credential: { type: 'string', multiple: true, default: [] },
      devices: { type: 'string', default: '100' },
      rate: { type: 'string' },
      seconds: { type: 'string', default: '60' },
      'vendor-mix': { type: 'string', default: 'native:1' },
      faults: { type: 'string', default: '' },
      connections: { type: 'string' },
      seed: { type: 'string', default: '1' },
      longitude: { type: 'string' },
      json: { type: 'boolean', default: false },
      quiet: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(HELP)
    process.exit(0)
  }
  const number = (name: string, text: string, least: number): number => {
    const value = Number(text)
    if (!Number.isFinite(value) || value < least)
      throw new UsageError(`--${name} must be a number of at least ${least}`)
    return value
  }
  const mix = values['vendor-mix'].split(',').map((part) => {
    const [id = '', share = '1'] = part.split(':')
    const vendor = simulatedVendors.get(id.trim())
    if (!vendor) throw new UsageError(`--vendor-mix: unknown vendor "${id}"`)
    return { vendor, share: number('vendor-mix', share, 0) }
  })
  const faults = values.faults.split(',').filter(Boolean)
  for (const fault of faults)
    if (!(FAULTS as readonly string[]).includes(fault)) throw new UsageError(`--faults: unknown fault "${fault}"`)
  const credentials = new Map<string, { username: string; password: string }>()
  if (values.username !== undefined && values.password !== undefined)
    for (const { vendor } of mix)
      credentials.set(vendor.vendor, { username: values.username, password: values.password })
  for (const entry of values.credential) {
    const [, vendor, username, password] = /^([^=]+)=([^:]+):(.+)$/.exec(entry) ?? []
    if (!vendor || !username || !password) throw new UsageError('--credential must look like vendor=user:secret')
    credentials.set(vendor, { username, password })
  }
  const devices = number('devices', values.devices, 1)
  const mqtt = values.mqtt === undefined ? undefined : new URL(values.mqtt)
  if (!mqtt && values.http === undefined) throw new UsageError('give --mqtt or --http')
  if (values.http !== undefined && values['api-key'] === undefined) throw new UsageError('--http needs --api-key')
  const connections = values.connections === undefined ? devices : number('connections', values.connections, 1)
  return {
    ...(mqtt && { mqtt: { host: mqtt.hostname, port: Number(mqtt.port || 1883) } }),
    ...(values.http !== undefined && {
      http: { url: values.http, apiKey: values['api-key']!, sockets: Math.min(connections, 64) },
    }),
    credentials,
    devices,
    rate: values.rate === undefined ? devices / 10 : number('rate', values.rate, 0.001),
    seconds: number('seconds', values.seconds, 0.1),
    mix,
    faults: new Set(faults as Fault[]),
    seed: number('seed', values.seed, 0),
    longitude: values.longitude === undefined ? noonLongitude(Date.now()) : number('longitude', values.longitude, -180),
    connections,
    json: values.json,
    quiet: values.quiet,
  }
}

/** Where the sun stands in the south at this instant. */
const noonLongitude = (now: number): number => 180 - ((now % 86_400_000) / 86_400_000) * 360

async function main(): Promise<number> {
  const { json, quiet, ...options } = readOptions()
  const line = (text: string): void => {
    if (!quiet) process.stderr.write(`${text}\n`)
  }
  const report = await runFleet({
    ...options,
    onProgress: ({ seconds, sent, acknowledged, latency }) =>
      line(`${seconds.toFixed(0).padStart(5)} s  sent ${sent}  acknowledged ${acknowledged}  p99 ${latency.p99} ms`),
  })
  if (json) console.log(JSON.stringify(report))
  else console.log(JSON.stringify(report, null, 2))
  return report.sent === report.acknowledged && report.notSent === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  const usage = error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage ? `\n${HELP}` : ''}`)
  process.exitCode = usage ? 2 : 1
}
