/** For tests: a proxy that delays, stalls or cuts what goes through it. */
import { randomBytes } from 'node:crypto'

export interface Proxy {
  /** Does something to what comes back from the engine, until `clear`. */
  add(type: 'latency' | 'timeout' | 'bandwidth' | 'reset_peer', attributes: Record<string, number>): Promise<void>
  clear(): Promise<void>
}

/** @param control address of a running toxiproxy */
export async function createProxy(control: string, listen: number, upstream: number): Promise<Proxy> {
  const name = randomBytes(6).toString('hex')
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${control}${path}`, { method, ...(body && { body: JSON.stringify(body) }) })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  await call('POST', '/proxies', {
    name,
    listen: `127.0.0.1:${listen}`,
    upstream: `127.0.0.1:${upstream}`,
    enabled: true,
  })
  return {
    async add(type, attributes) {
      await call('POST', `/proxies/${name}/toxics`, { name: type, type, stream: 'downstream', attributes })
    },
    async clear() {
      const toxics = (await call('GET', `/proxies/${name}/toxics`)) as { name: string }[]
      for (const toxic of toxics) await call('DELETE', `/proxies/${name}/toxics/${toxic.name}`)
    },
  }
}
