/**
 * A fleet that sends at its own pace whatever the server does (open loop): a server that falls behind is seen as growing
 * latency and a growing number of unanswered messages, never as a lower rate.
 */
import { FleetClient } from './mqtt-client.ts'
import { createFaults, type Fault } from './faults.ts'
import { Histogram } from './histogram.ts'
import { createHttpSender, type HttpSender } from './http-sender.ts'
import { Plant } from './plant.ts'
import type { OutgoingMessage, SimulatedVendor } from './vendors/index.ts'

export interface FleetOptions {
  mqtt?: { host: string; port: number }
  http?: { url: string; apiKey: string; sockets: number }
  /** Sign-in of each vendor's connection. */
  credentials: ReadonlyMap<string, { username: string; password: string }>
  devices: number
  /** Messages a second, all devices together. */
  rate: number
  seconds: number
  /** Shares; made to sum up to one. */
  mix: readonly { vendor: SimulatedVendor; share: number }[]
  faults: ReadonlySet<Fault>
  seed: number
  longitude: number
  /** Sockets; devices of one vendor share them evenly. */
  connections: number
  onProgress?(report: FleetReport): void
}
export interface FleetReport {
  seconds: number
  /** Messages handed to a socket or a request, repetitions included. */
  sent: number
  acknowledged: number
  /** Repetitions among them, made by the fault "duplicates". */
  duplicates: number
  poison: number
  /** Messages due and not sent because too much was unanswered: the server did not keep up. */
  notSent: number
  /** HTTP requests refused for good. */
  refused: number
  reconnects: number
  /** Distinct (device, ts) sent by vendors whose every message is one row. */
  rows: number
  /** From the instant a message was due to its acknowledgement, in ms. */
  latency: ReturnType<Histogram['summary']>
  byVendor: Record<string, { devices: number; sent: number; acknowledged: number }>
}

interface Device {
  plant: Plant
  vendor: SimulatedVendor
  client: FleetClient | undefined
  lastTs: number
  /** The rest of a burst: one message a turn. */
  queue: OutgoingMessage[]
}

const TICK_MS = 5
const MAX_UNANSWERED_HTTP = 10_000
const CONNECT_AT_ONCE = 50
const END_WAIT_MS = 30_000

export async function runFleet(options: FleetOptions): Promise<FleetReport> {
  const faults = createFaults(options.faults, options.seed)
  const latency = new Histogram()
  const http: HttpSender | undefined = options.http && createHttpSender(options.http)
  const topics = new Map<string, Buffer>()
  const counts = { sent: 0, acknowledged: 0, duplicates: 0, poison: 0, notSent: 0, refused: 0, reconnects: 0, rows: 0 }
  const byVendor: FleetReport['byVendor'] = {}
  const held: { due: number; send: () => void }[] = []
  let unansweredHttp = 0
  let ending = false

  const clients: FleetClient[] = []
  const devices = await buildDevices()
  const started = performance.now()
  const startedAt = Date.now()

  async function buildDevices(): Promise<Device[]> {
    const total = options.mix.reduce((sum, { share }) => sum + share, 0)
    const made: Device[] = []
    let edge = 0
    for (const { vendor, share } of options.mix) {
      edge += share
      const end = Math.round((options.devices * edge) / total)
      const own = end - made.length
      byVendor[vendor.id] = { devices: own, sent: 0, acknowledged: 0 }
      const pool =
        vendor.transport === 'mqtt'
          ? await connectPool(vendor, Math.max(1, Math.round((options.connections * share) / total)), own)
          : []
      for (let index = made.length; index < end; index++)
        made.push({
          plant: new Plant({ seed: options.seed, index, longitude: options.longitude }),
          vendor,
          client: pool[index % (pool.length || 1)],
          lastTs: 0,
          queue: [],
        })
    }
    return made
  }
  async function connectPool(vendor: SimulatedVendor, wanted: number, own: number): Promise<FleetClient[]> {
    const mqtt = options.mqtt
    const credential = options.credentials.get(vendor.vendor)
    if (!mqtt) throw new Error(`${vendor.id} needs --mqtt`)
    if (!credential) throw new Error(`no user name and password for vendor ${vendor.vendor}`)
    const pool = Array.from({ length: Math.min(wanted, Math.max(1, own)) }, (_, index) => {
      const client: FleetClient = new FleetClient({
        ...mqtt,
        ...credential,
        clientId: `sim-${options.seed}-${vendor.id}-${index}`,
        onClose: () => void reconnect(client),
      })
      return client
    })
    clients.push(...pool)
    for (let first = 0; first < pool.length; first += CONNECT_AT_ONCE)
      await Promise.all(pool.slice(first, first + CONNECT_AT_ONCE).map((client) => client.connect()))
    return pool
  }
  async function reconnect(client: FleetClient): Promise<void> {
    for (let pauseMs = 100; !ending; pauseMs = Math.min(pauseMs * 2, 5_000)) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      try {
        await client.connect()
        counts.reconnects++
        return
      } catch {
        // The server is away, or too busy to let us in: again, later.
      }
    }
  }

  function answered(device: Device, due: number): void {
    counts.acknowledged++
    byVendor[device.vendor.id]!.acknowledged++
    latency.add(performance.now() - due)
  }
  function deliver(device: Device, { topic, body }: OutgoingMessage, due: number): void {
    if (device.client) {
      let bytes = topics.get(topic)
      if (!bytes) topics.set(topic, (bytes = Buffer.from(topic)))
      if (!device.client.publish(bytes, Buffer.from(body), () => answered(device, due))) {
        counts.notSent++
        return
      }
    } else if (http && unansweredHttp < MAX_UNANSWERED_HTTP) {
      unansweredHttp++
      http
        .send(body)
        .then(
          () => answered(device, due),
          () => counts.refused++,
        )
        .finally(() => unansweredHttp--)
    } else {
      counts.notSent++
      return
    }
    counts.sent++
    byVendor[device.vendor.id]!.sent++
  }
  function emit(device: Device, key: number, due: number): void {
    let message = device.queue.shift()
    if (!message) {
      const now = startedAt + Math.floor(due - started)
      // One instant a message: the store keeps one row per (device, ts).
      const ts = Math.max(now, device.lastTs + 1)
      if (faults.silent(device.plant, ts)) return
      device.lastTs = ts
      const sample = faults.distort(device.plant, device.plant.sample(ts), key)
      device.queue = device.vendor.messages(device.plant, sample, key)
      message = device.queue.shift()!
      if (device.vendor.oneRowPerMessage) counts.rows++
    }
    const poison = faults.poison(key)
    if (poison !== undefined) {
      counts.poison++
      deliver(device, { topic: message.topic, body: poison }, due)
    }
    const chosen = message
    if (faults.late(key)) held.push({ due: due + 2_000, send: () => deliver(device, chosen, due + 2_000) })
    else deliver(device, chosen, due)
    if (faults.duplicates(key)) {
      counts.duplicates++
      held.push({ due: due + 500, send: () => deliver(device, chosen, due + 500) })
    }
    if (faults.reconnects(key)) device.client?.destroy()
  }
  function sendHeld(now: number): void {
    // Two delays only, so the list is nearly in order; what is not yet due waits for the next turn.
    let kept = 0
    for (const entry of held) {
      if (entry.due <= now) entry.send()
      else held[kept++] = entry
    }
    held.length = kept
  }
  const report = (): FleetReport => ({
    ...counts,
    seconds: (performance.now() - started) / 1000,
    latency: latency.summary(),
    byVendor,
  })

  await new Promise<void>((resolve) => {
    let key = 0
    let reportedAt = started
    const total = Math.floor(options.rate * options.seconds)
    const timer = setInterval(() => {
      const now = performance.now()
      const target = Math.min(total, Math.floor(((now - started) / 1000) * options.rate))
      for (const client of clients) client.cork()
      for (; key < target; key++) emit(devices[key % devices.length]!, key, started + (key / options.rate) * 1000)
      if (held.length > 0) sendHeld(now)
      for (const client of clients) client.uncork()
      if (options.onProgress && now - reportedAt >= 1_000) {
        reportedAt = now
        options.onProgress(report())
      }
      if (key < total) return
      clearInterval(timer)
      resolve()
    }, TICK_MS)
  })
  await new Promise((resolve) => setTimeout(resolve, held.length > 0 ? 2_100 : 0))
  sendHeld(Infinity)
  const until = performance.now() + END_WAIT_MS
  while ((unansweredHttp > 0 || clients.some((client) => client.inFlight > 0)) && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 20))
  const final = report()
  ending = true
  http?.stop()
  await Promise.all(clients.map((client) => client.end()))
  return final
}
