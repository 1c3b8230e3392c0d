/** A TCP balancer as it stands before several edges: each connection to the next one in turn that answers. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Balancer {
  readonly port: number
  stop(): Promise<void>
}

/** @param ports of the edges, on the loopback */
export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const sockets = new Set<Socket>()
  let turn = 0
  const server = createServer((client) => {
    sockets.add(client)
    client.once('close', () => sockets.delete(client)).on('error', () => undefined)
    void join(client)
  })
  async function join(client: Socket): Promise<void> {
    for (let tried = 0; tried < ports.length && !client.destroyed; tried++) {
      const edge = connect({ host: '127.0.0.1', port: ports[turn++ % ports.length]! })
      if (!(await answers(edge))) continue
      // Either end's end is the other's.
      edge.on('error', () => undefined).once('close', () => client.destroy())
      client.once('close', () => edge.destroy())
      client.pipe(edge).pipe(client)
      return
    }
    client.destroy()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function answers(edge: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    edge.once('connect', () => resolve(true))
    edge.once('error', () => resolve(false))
  })
}
