/** Edges tell each other who has signed in with them, by the link: a client id has one session, whichever edge it is at. */
import { randomUUID } from 'node:crypto'
import type { Takeover, Takeovers } from '@heliograph/ingest'
import type { RoleContext } from './context.ts'

/** Ten thousand devices that come back at once are told of in some hundred messages. */
const GATHER_MS = 20

interface Told {
  /** Whoever says it hears it too. */
  by: string
  takeovers: Takeover[]
}

/** @returns undefined where this edge is the only one */
export function createTakeovers({ isShared, link }: Pick<RoleContext, 'isShared' | 'link'>): Takeovers | undefined {
  if (!isShared) return undefined
  const self = randomUUID()
  const listeners = new Set<(takeover: Takeover) => void>()
  let gathered: Takeover[] = []
  link.on('mqtt.taken', (body) => {
    const { by, takeovers } = body as Told
    if (by === self) return
    for (const takeover of takeovers) for (const listener of listeners) listener(takeover)
  })
  function tell(): void {
    link.send('edge', 'mqtt.taken', { by: self, takeovers: gathered } satisfies Told)
    gathered = []
  }
  return {
    announce(takeover) {
      if (gathered.push(takeover) === 1) setTimeout(tell, GATHER_MS)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
