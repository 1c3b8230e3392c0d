/** Customers, sites and claimed devices for a benchmark: the devices are those of the simulator with the same seed. */
import { FleetClient } from '../../fleet/mqtt-client.ts'
import { Plant } from '../../fleet/plant.ts'
import { createMqttConnection, type LocalClient, type MqttLogin, type Server } from './server.ts'
import { waitFor } from './subject.ts'

export interface KnownDevice {
  id: string
  serial: string
  siteId: string
}
export interface KnownFleet {
  login: MqttLogin
  siteIds: string[]
  devices: KnownDevice[]
}
export const SEED = 42
const TOPIC = Buffer.from('readings')

interface UnclaimedPage {
  items: { id: string; externalId: string }[]
  nextCursor: string | null
}

export async function makeSites(local: LocalClient, count: number): Promise<string[]> {
  const { id: customerId } = await local.post<{ id: string }>('/customers', { name: 'Bench customer' })
  const ids: string[] = []
  for (let index = 0; index < count; index++) {
    const site = await local.post<{ id: string }>('/sites', {
      name: `Bench site ${String(index).padStart(5, '0')}`,
      customerId,
      timezone: 'Europe/Berlin',
      latitude: 47.5 + (index % 70) / 10,
      longitude: 6 + (index % 89) / 10,
      peakPowerW: 10_000,
    })
    ids.push(site.id)
  }
  return ids
}

/** Makes the sites and the connection, lets every device speak once, and claims it. */
export async function prepareFleet(server: Server, sites: number, devices: number): Promise<KnownFleet> {
  const { local } = server
  const siteIds = await makeSites(local, sites)
  const login = await createMqttConnection(local)
  const client = await connectedClient(server, login, 'prepare')
  const plants = Array.from({ length: devices }, (_, index) => new Plant({ seed: SEED, index, longitude: 10 }))
  const ts = Date.now() - 60_000
  await publishAll(
    client,
    plants.map(({ serial }) => Buffer.from(JSON.stringify({ device: serial, ts, metrics: { ac_power_w: 0 } }))),
  )
  await client.end()
  const unclaimed = await waitFor('the devices to be listed as unclaimed', 60_000, async () => {
    const found = await allUnclaimed(local, login.id)
    return found.size >= devices ? found : undefined
  })
  const known: KnownDevice[] = []
  let last: string | undefined
  for (const [index, { serial }] of plants.entries()) {
    const siteId = siteIds[index % sites]!
    const claimed = await local.post<{ deviceId: string; replayId: string }>(
      `/unclaimed/${unclaimed.get(serial)!}/claim`,
      {
        siteId,
        kind: 'inverter',
      },
    )
    known.push({ id: claimed.deviceId, serial, siteId })
    last = claimed.replayId
  }
  await waitFor('the claims to be replayed', 120_000, async () => {
    const replay = await local.get<{ state: string; error: string | null }>(`/replays/${last!}`)
    if (replay.state === 'failed') throw new Error(`a claim's replay failed: ${replay.error}`)
    return replay.state === 'done' || undefined
  })
  // What setting up left to do (replayed rows, their roll-ups) is no part of what is measured next.
  await local.post('/status/settle', {})
  return { login, siteIds, devices: known }
}

async function allUnclaimed(local: LocalClient, connectionId: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  let cursor: string | null = null
  do {
    const page: UnclaimedPage = await local.get(
      `/unclaimed?limit=500&connectionId=${connectionId}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
    )
    for (const { id, externalId } of page.items) found.set(externalId, id)
    cursor = page.nextCursor
  } while (cursor)
  return found
}

export async function connectedClient(
  server: { mqttPort: number },
  login: MqttLogin,
  clientId: string,
): Promise<FleetClient> {
  const client = new FleetClient({
    host: '127.0.0.1',
    port: server.mqttPort,
    clientId,
    username: login.username,
    password: login.secret,
  })
  await client.connect()
  return client
}
/** Publishes bodies with a window of a few hundred in flight; resolves when all are acknowledged. */
export async function publishAll(client: FleetClient, bodies: Iterable<Buffer>, window = 200): Promise<number> {
  let sent = 0
  let acknowledged = 0
  let wake: (() => void) | undefined
  const onAck = (): void => {
    acknowledged++
    wake?.()
  }
  const turn = (): Promise<void> => new Promise((resolve) => (wake = resolve))
  for (const body of bodies) {
    while (sent - acknowledged >= window) await turn()
    client.publish(TOPIC, body, onAck)
    sent++
  }
  while (acknowledged < sent) await turn()
  return acknowledged
}

interface Readiness {
  status: string
  parts: { name: string; lag: number }[]
}
const readiness = async (url: string): Promise<Readiness> => (await (await fetch(`${url}/readyz`)).json()) as Readiness

/** Records of all consumers behind the end of the log, as far as they are told. */
export async function totalLag(url: string): Promise<number> {
  return lagOf(await readiness(url))
}
const lagOf = ({ parts }: Readiness): number => parts.reduce((sum, { lag }) => sum + (lag ?? 0), 0)

/** Every part answers and has nothing left to do, three looks in a row. A part that is down tells no lag. */
export async function drained(url: string, withinMs: number): Promise<void> {
  let calm = 0
  await waitFor(
    'the line to be drained',
    withinMs,
    async () => {
      const now = await readiness(url)
      calm = now.status === 'ready' && lagOf(now) === 0 ? calm + 1 : 0
      return calm >= 3 || undefined
    },
    200,
  )
}
