/** Waiting for a service to answer. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const CONNECT_MS = 2_000

/** Resolves with a connection to a port of the loopback. */
export async function connectTo(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error(`nothing answers on port ${port}`)))
  try {
    await once(socket, 'connect')
  } catch (error) {
    socket.destroy()
    throw error
  }
  return socket
}

/** Sends some bytes and answers the first that come back. */
export async function ask(port: number, bytes: Uint8Array | string): Promise<Buffer> {
  const socket = await connectTo(port)
  try {
    if (bytes.length > 0) socket.write(bytes)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    return answer
  } finally {
    socket.destroy()
  }
}

/** Rejects unless an address answers 2xx. */
export async function fetchOk(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(CONNECT_MS) })
  await response.arrayBuffer()
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
}
