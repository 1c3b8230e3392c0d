/** For tests: a proxy of toxiproxy's that delays, stalls or cuts what goes through it. */
import { randomBytes } from 'node:crypto'

/** `timeout` of 0 ms: bytes go in and nothing comes out, while the connection stays. */
export type ToxicType = 'latency' | 'timeout' | 'bandwidth' | 'reset_peer'
export interface Proxy {
  /** Does something to what comes back from the engine (`downstream`) or goes to it, until `clear`. Default what comes back. */
  add(type: ToxicType, attributes: Record<string, number>, stream?: 'downstream' | 'upstream'): Promise<void>
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
    async add(type, attributes, stream = 'downstream') {
      await call('POST', `/proxies/${name}/toxics`, { name: `${type}-${stream}`, type, stream, attributes })
    },
    async clear() {
      const toxics = (await call('GET', `/proxies/${name}/toxics`)) as { name: string }[]
      for (const toxic of toxics) await call('DELETE', `/proxies/${name}/toxics/${toxic.name}`)
    },
  }
}
