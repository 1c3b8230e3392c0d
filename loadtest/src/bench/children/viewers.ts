/**
 * So many live sockets in a process of their own, all watching the fleet. Measures from a value's own time, which is that of
 * its sending, to its arrival here. Options as JSON in the first argument; tells `ready` by IPC, its result on `stop`.
 */
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
  updates: number
  closed: number
  latency: ReturnType<Histogram['summary']>
}
interface Frame {
  type: string
  data?: { key: string; ts: number }[]
}

const options = JSON.parse(process.argv[2]!) as ViewersOptions
const latency = new Histogram()
const result = { frames: 0, updates: 0, closed: 0 }
let measuring = false

function watch(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(options.url, {
      headers: { cookie: options.cookie, origin: options.origin },
    } as unknown as string[])
    socket.onopen = () => socket.send(JSON.stringify({ type: 'subscribe', id: 'a', topic: options.topic }))
    socket.onerror = () => reject(new Error('a live socket failed'))
    socket.onclose = () => result.closed++
    socket.onmessage = ({ data }) => {
      const at = Date.now()
      const frame = JSON.parse(String(data)) as Frame
      if (frame.type === 'snapshot') resolve()
      if (frame.type !== 'update' || !measuring) return
      result.frames++
      for (const { ts } of frame.data ?? []) {
        result.updates++
        latency.add(Math.max(0, at - ts))
      }
    }
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
