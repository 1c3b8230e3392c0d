/** For tests: between a client and a server, statement by statement. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** A way to a server that a test can cut or slow down. */
interface CuttingProxy {
  port: number
  cutNext(statement: string, when: 'before' | 'after'): void
  /** From now on what is sent to the server arrives so much later, milliseconds. */
  slow(ms: number): void
  stop(): Promise<void>
}
/** Passes bytes on, and cuts a connection at a statement: before the server hears of it, or after, before the answer. */
export async function createCuttingProxy(target: number): Promise<CuttingProxy> {
  let cut: { statement: string; when: 'before' | 'after' } | undefined
  let delayMs = 0
  const sockets = new Set<Socket>()
  const server: Server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    let silent = false
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('data', (bytes) => {
      if (cut !== undefined && bytes.includes(cut.statement)) {
        const { when } = cut
        cut = undefined
        silent = true
        if (when === 'before') return void client.destroy()
        upstream.once('data', () => client.destroy())
      }
      if (delayMs === 0) upstream.write(bytes)
      else setTimeout(() => upstream.write(bytes), delayMs)
    })
    upstream.on('data', (bytes) => {
      if (!silent) client.write(bytes)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    cutNext: (statement, when) => (cut = { statement, when }),
    slow: (ms) => (delayMs = ms),
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
