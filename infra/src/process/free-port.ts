import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below what systems hand out by themselves (from 32 768 on): there an outgoing connection could take it before we listen. */
const [LOWEST, BEYOND] = [15_000, 32_000]
const TRIES = 100

/** A TCP port of the loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  for (let tries = 1; ; tries++) {
    const port = randomInt(LOWEST, BEYOND)
    const server = createServer().listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch (error) {
      if (tries >= TRIES) throw error
      continue
    }
    server.close()
    await once(server, 'close')
    return port
  }
}
