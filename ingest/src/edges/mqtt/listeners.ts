import { createServer as createPlainServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { MqttEdgeConfig } from './config.ts'

export interface Listeners {
  start(): Promise<void>
  /** No new sockets from here on. */
  close(): void
  ports(): { plain?: number; tls?: number }
}

/** Bytes one socket may buffer each way; a device's messages are far smaller, and there may be many sockets. */
const SOCKET_BUFFER = 16 * 1024

export function createListeners(
  config: MqttEdgeConfig,
  onSocket: (socket: Socket) => void,
  onTlsError: (error: Error, address: string) => void,
): Listeners {
  const options = { noDelay: true, keepAlive: true, highWaterMark: SOCKET_BUFFER }
  const open: { server: Server; port: number; kind: 'plain' | 'tls' }[] = []
  if (config.port !== undefined)
    open.push({ server: createPlainServer(options, onSocket), port: config.port, kind: 'plain' })
  if (config.tls) {
    const server = createTlsServer(
      {
        ...options,
        cert: config.tls.cert,
        key: config.tls.key,
        minVersion: 'TLSv1.2',
        handshakeTimeout: config.limits.connectTimeoutMs,
      },
      onSocket,
    )
    server.on('tlsClientError', (error, socket) => {
      onTlsError(error, socket.remoteAddress ?? '')
      socket.destroy()
    })
    open.push({ server, port: config.tls.port, kind: 'tls' })
  }
  // Sockets that are still shaking hands count here; sessions are counted by the edge.
  for (const { server } of open) server.maxConnections = config.limits.sockets

  function listen(server: Server, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: config.host, port, backlog: 1024 }, () => {
        server.off('error', reject)
        // Running out of file descriptors ends one accept, not the edge.
        server.on('error', () => {})
        resolve()
      })
    })
  }

  return {
    async start() {
      try {
        for (const { server, port } of open) await listen(server, port)
      } catch (error) {
        this.close()
        throw error
      }
    },
    close() {
      for (const { server } of open) if (server.listening) server.close()
    },
    ports() {
      const found: { plain?: number; tls?: number } = {}
      for (const { server, kind } of open) if (server.listening) found[kind] = (server.address() as AddressInfo).port
      return found
    },
  }
}
