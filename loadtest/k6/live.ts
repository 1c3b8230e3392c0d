/**
 * People who watch the fleet: `k6 run -e HELIO_EMAIL=… -e HELIO_PASSWORD=… loadtest/k6/live.ts`. Everybody keeps a socket open as long as
 * the profile says; each must get a snapshot, and none may be closed by the server.
 */
import { Counter, Rate, Trend } from 'k6/metrics'
import type { Options } from 'k6/options'
import { WebSocket } from 'k6/websockets'
import { profile, url } from './profile.ts'
import { signIn } from './sign-in.ts'

const { users, seconds } = profile()
const snapshots = new Counter('live_snapshots')
const updates = new Counter('live_updates')
const cut = new Rate('live_cut')
const firstMs = new Trend('live_first_snapshot', true)

export const options: Options = {
  scenarios: { watch: { executor: 'per-vu-iterations', vus: users, iterations: 1, maxDuration: `${seconds + 60}s` } },
  thresholds: { live_snapshots: [`count>=${users}`], live_cut: ['rate==0'], live_first_snapshot: ['p(95)<5000'] },
}

export function setup(): { cookie: string } {
  return { cookie: signIn() }
}

export default function watch({ cookie }: { cookie: string }): void {
  const began = Date.now()
  let byUs = false
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/api/v1/live`, null, { headers: { cookie, origin: url } })
  socket.onopen = () => {
    socket.send(JSON.stringify({ type: 'subscribe', id: 'fleet', topic: 'fleet' }))
    setTimeout(() => {
      byUs = true
      socket.close()
    }, seconds * 1_000)
  }
  socket.onmessage = (message) => {
    const { type } = JSON.parse(String(message?.data)) as { type: string }
    if (type === 'update') updates.add(1)
    if (type !== 'snapshot') return
    snapshots.add(1)
    firstMs.add(Date.now() - began)
  }
  socket.onclose = () => cut.add(!byUs)
}
