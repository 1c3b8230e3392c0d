/** When a connection was last heard: seen by the decoder, written down by the CRM. */
import type { Crm } from '@heliograph/crm-core'
import type { ConnectionId } from '@heliograph/crm-core/contracts'
import type { Link } from '../process/link.ts'

const HEARD_EVERY_MS = 1_000
/** A connection's time is told again after this; between, a page sees whether it is heard by its devices. */
const HEARD_STEP_MS = 30_000
const MAX_TOLD = 500

/** Beside the decoder, which sees every message. */
export function createHeardConnections(link: Link): {
  heard(connectionId: ConnectionId, at: number): void
  stop(): void
} {
  const told = new Map<ConnectionId, number>()
  const fresh = new Map<ConnectionId, number>()
  const timer = setInterval(() => {
    if (fresh.size === 0) return
    const some = [...fresh].slice(0, MAX_TOLD)
    for (const [connectionId, at] of some) {
      fresh.delete(connectionId)
      told.set(connectionId, at)
    }
    // Left out when the channel is busy: the next message of the connection says it again.
    link.sendToOne('api', 'connections.heard', some)
  }, HEARD_EVERY_MS)
  return {
    heard(connectionId, at) {
      if (at - (told.get(connectionId) ?? -Infinity) >= HEARD_STEP_MS) fresh.set(connectionId, at)
    },
    stop: () => clearInterval(timer),
  }
}

/** Beside the CRM. */
export function keepHeardConnections(deps: { crm: Crm; link: Link; onError(error: unknown): void }): void {
  deps.link.on('connections.heard', (body) => {
    const times = new Map((body as [string, number][]).filter(([id]) => id !== 'import'))
    deps.crm.connections.seen(times).catch(deps.onError)
  })
}
