/**
 * Generator of the edge benchmark, a process of its own: so many connections, each keeping so many QoS 1 messages in
 * flight (closed loop). Options as JSON in the first argument, result as JSON on stdout.
 */
import { FleetClient } from '../../fleet/mqtt-client.ts'
import { Histogram } from '../../fleet/histogram.ts'

export interface PublisherOptions {
  host: string
  port: number
  username?: string
  password?: string
  connections: number
  window: number
  warmupMs: number
  measureMs: number
  /** Distinguishes the messages of runs against the same data directory. */
  run: number
}
export interface PublisherResult {
  /** Over the whole run, warm-up and end included. */
  sent: number
  acknowledged: number
  /** Within the measured time. */
  perSecond: number
  latency: ReturnType<Histogram['summary']>
}

const options = JSON.parse(process.argv[2]!) as PublisherOptions
const topic = Buffer.from('readings')
const latency = new Histogram()
let sent = 0
let acknowledged = 0
let measured = 0
let measuring = false
let stopping = false

const clients = Array.from(
  { length: options.connections },
  (_, index) =>
    new FleetClient({
      ...options,
      clientId: `bench-${options.run}-${index}`,
      onClose: (error) => {
        if (stopping) return
        console.error(`connection ${index} was lost: ${error?.message ?? 'closed'}`)
        process.exit(1)
      },
    }),
)
// Sign-ins are part of neither figure: a few at a time.
for (let first = 0; first < clients.length; first += 50)
  await Promise.all(clients.slice(first, first + 50).map((client) => client.connect()))

const base = 1_760_000_000_000 + options.run * 10_000_000
function next(client: FleetClient, device: number): void {
  const sequence = sent++
  const at = performance.now()
  const body = `{"device":"bench-${device}","ts":${base + sequence},"metrics":{"ac_power_w":${4000 + (sequence % 1000)},"dc_power_w":${4100 + (sequence % 1000)},"energy_total_wh":${123_456_789 + sequence},"inverter_temp_c":41.5,"frequency_hz":49.98},"status":"producing"}`
  client.publish(topic, Buffer.from(body), () => {
    acknowledged++
    if (measuring) {
      measured++
      latency.add(performance.now() - at)
    }
    if (!stopping) next(client, device)
  })
}
clients.forEach((client, index) => {
  for (let count = 0; count < options.window; count++) next(client, index)
})
await new Promise((resolve) => setTimeout(resolve, options.warmupMs))
measuring = true
const started = performance.now()
await new Promise((resolve) => setTimeout(resolve, options.measureMs))
measuring = false
const seconds = (performance.now() - started) / 1000
stopping = true
const until = performance.now() + 10_000
while (clients.some((client) => client.inFlight > 0) && performance.now() < until)
  await new Promise((resolve) => setTimeout(resolve, 10))
await Promise.all(clients.map((client) => client.end()))
const result: PublisherResult = { sent, acknowledged, perSecond: measured / seconds, latency: latency.summary() }
console.log(JSON.stringify(result))
process.exit(0)
