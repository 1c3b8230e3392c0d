/**
 * Generator of the webhook benchmark, a process of its own: so many kept-alive sockets, each with one signed request under
 * way. Every request has an id of its own, so nothing is a repetition. Options as JSON, result as JSON.
 */
import { createHmac } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { Histogram } from '../../fleet/histogram.ts'

export interface HttpLoadOptions {
  port: number
  path: string
  secret: string
  sockets: number
  readings: number
  warmupMs: number
  measureMs: number
  run: number
}
export interface HttpLoadResult {
  sent: number
  accepted: number
  refused: Record<string, number>
  perSecond: number
  latency: ReturnType<Histogram['summary']>
}

const options = JSON.parse(process.argv[2]!) as HttpLoadOptions
const key = options.secret.startsWith('whsec_')
  ? Buffer.from(options.secret.slice(6), 'base64')
  : Buffer.from(options.secret)
const latency = new Histogram()
const refused: Record<string, number> = {}
let sent = 0
let accepted = 0
let measured = 0
let measuring = false
let stopping = false
const base = Date.now() - 3_600_000 + options.run

function body(sequence: number): string {
  const items: string[] = []
  for (let index = 0; index < options.readings; index++) {
    const ts = base + sequence * 10
    items.push(
      `{"device":"hook-${index}","ts":${ts},"metrics":{"ac_power_w":${4000 + (sequence % 1000)},"dc_power_w":4100.5,"energy_total_wh":${123456789 + sequence},"inverter_temp_c":41.5,"frequency_hz":49.98},"status":"producing"}`,
    )
  }
  return `[${items.join(',')}]`
}
// Bodies are made beforehand and used again under new ids: the generator must not be what is measured.
const bodies = Array.from({ length: 200 }, (_, sequence) => Buffer.from(body(sequence)))

function send(socket: Socket): void {
  const sequence = sent++
  const payload = bodies[sequence % bodies.length]!
  const id = `msg-${options.run}-${process.pid}-${sequence}`
  const timestamp = Math.floor(Date.now() / 1000)
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(payload).digest('base64')
  socket.cork()
  socket.write(
    `POST ${options.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${payload.length}\r\n` +
      `webhook-id: ${id}\r\nwebhook-timestamp: ${timestamp}\r\nwebhook-signature: v1,${signature}\r\n\r\n`,
  )
  socket.write(payload)
  socket.uncork()
}
const open = Array.from({ length: options.sockets }, () => {
  const socket = connect({ host: '127.0.0.1', port: options.port, noDelay: true })
  let text = ''
  let at = performance.now()
  socket.on('connect', () => {
    at = performance.now()
    send(socket)
  })
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
    const head = text.indexOf('\r\n\r\n')
    if (head < 0) return
    const length = Number(/content-length: *(\d+)/i.exec(text)?.[1] ?? 0)
    if (text.length < head + 4 + length) return
    const status = text.slice(9, 12)
    text = ''
    if (status === '202') accepted++
    else refused[status] = (refused[status] ?? 0) + 1
    if (measuring && status === '202') {
      measured++
      latency.add(performance.now() - at)
    }
    if (stopping) socket.end()
    else {
      at = performance.now()
      send(socket)
    }
  })
  socket.on('error', (error) => {
    console.error(error.message)
    process.exit(1)
  })
  return socket
})
await new Promise((resolve) => setTimeout(resolve, options.warmupMs))
measuring = true
const started = performance.now()
await new Promise((resolve) => setTimeout(resolve, options.measureMs))
measuring = false
const seconds = (performance.now() - started) / 1000
stopping = true
await Promise.all(
  open.map(
    (socket) => new Promise((resolve) => (socket.destroyed ? resolve(undefined) : socket.once('close', resolve))),
  ),
)
const result: HttpLoadResult = { sent, accepted, refused, perSecond: measured / seconds, latency: latency.summary() }
console.log(JSON.stringify(result))
process.exit(0)
