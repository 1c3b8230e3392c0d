/**
 * So many live sockets in a process of their own, all watching the fleet. Measures from the newest reading behind a value, whose
 * time is that of its sending, to its arrival here. Options as JSON in the first argument; tells `ready` by IPC, its result on
 * `stop`.
 */
import { WebSocket } from 'ws'
import { Histogram } from '../../fleet/histogram.ts'

export interface ViewersOptions {
  url: string
  cookie: string
  origin: string
  sockets: number
  topic: string
}
export interface ViewersResult {
  frames: number
  bytes: number
  updates: number
  closed: number
  latency: ReturnType<Histogram['summary']>
}
interface Frame {
  type: string
  data?: { ts: number; value: { lastSeenAt?: number } | null }[]
}

const options = JSON.parse(process.argv[2]!) as ViewersOptions
const latency = new Histogram()
const result = { frames: 0, bytes: 0, updates: 0, closed: 0 }
let measuring = false

/** Each of these people has a machine of their own to read with: here a text that several are sent is read once. */
const KEPT = 16
const kept: { text: Buffer; type: string; sentAt: number[] }[] = []
function read(text: Buffer): { type: string; sentAt: number[] } {
  const known = kept.find((frame) => frame.text.equals(text))
  if (known) return known
  const { type, data } = JSON.parse(text.toString()) as Frame
  const sentAt = type === 'update' ? (data ?? []).map(({ ts, value }) => value?.lastSeenAt ?? ts) : []
  kept.unshift({ text, type, sentAt })
  kept.length = Math.min(kept.length, KEPT)
  return kept[0]!
}

function watch(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(options.url, {
      headers: { cookie: options.cookie, origin: options.origin },
      perMessageDeflate: false,
      skipUTF8Validation: true,
    })
    socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', id: 'a', topic: options.topic })))
    socket.on('error', () => reject(new Error('a live socket failed')))
    socket.on('close', () => result.closed++)
    socket.on('message', (data: Buffer) => {
      const at = Date.now()
      const { type, sentAt } = read(data)
      if (type === 'snapshot') resolve()
      if (type !== 'update' || !measuring) return
      result.frames++
      result.bytes += data.length
      result.updates += sentAt.length
      for (const sent of sentAt) latency.add(Math.max(0, at - sent))
    })
  })
}
for (let open = 0; open < options.sockets; open += 50)
  await Promise.all(Array.from({ length: Math.min(50, options.sockets - open) }, watch))
process.on('message', (message) => {
  if (message === 'measure') measuring = true
  if (message === 'stop') {
    const final: ViewersResult = { ...result, latency: latency.summary() }
    process.send?.({ type: 'result', ...final }, () => process.exit(0))
  }
})
process.on('disconnect', () => process.exit(0))
process.send?.({ type: 'ready' })
