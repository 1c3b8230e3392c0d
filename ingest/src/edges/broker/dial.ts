/** Opens the socket to a broker, to addresses that may be reached alone. */
import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { BrokerHosts } from '@heliograph/crm-core'
import { BrokerTrouble, dialTrouble } from './trouble.ts'

export interface DialAddress {
  tls: boolean
  host: string
  port: number
  /** PEM; absent: the authorities that everybody trusts. */
  caCert?: string
}
/** @throws BrokerTrouble */
export type Dial = (address: DialAddress, signal: AbortSignal) => Promise<Socket>

const KEEPALIVE_MS = 30_000

export function createDial(options: { hosts: BrokerHosts; timeoutMs: number }): Dial {
  return async (address, signal) => {
    const { host } = address
    try {
      const found = isIP(host) > 0 ? [{ address: host }] : await lookup(host, { all: true })
      const refusals = found.map((each) => options.hosts.refusal(host, each.address))
      const allowed = found.filter((_, index) => refusals[index] === undefined)
      if (allowed.length === 0)
        throw new BrokerTrouble('address-refused', refusals[0] ?? `There is no host called ${host}`)
      let last: unknown
      for (const each of allowed) {
        signal.throwIfAborted()
        try {
          // The address that was judged, not the name: a name may stand for another one a moment later.
          return await open(each.address, address, options.timeoutMs, signal)
        } catch (error) {
          last = error
        }
      }
      throw last
    } catch (error) {
      throw dialTrouble(error, address)
    }
  }
}

async function open(ip: string, address: DialAddress, timeoutMs: number, signal: AbortSignal): Promise<Socket> {
  const { tls, host, port, caCert } = address
  const socket = tls
    ? connectTls({
        host: ip,
        port,
        // By name where there is one; a certificate for an address is judged by that.
        ...(isIP(host) === 0 && { servername: host }),
        ...(caCert !== undefined && { ca: caCert }),
      })
    : connect({ host: ip, port })
  // Whoever takes the socket hears of its end by itself; here it must only not be an error that nobody hears.
  socket.on('error', () => undefined)
  const giveUp = (): void => void socket.destroy(new Error('given up'))
  const timer = setTimeout(() => socket.destroy(Object.assign(new Error('too slow'), { code: 'ETIMEDOUT' })), timeoutMs)
  signal.addEventListener('abort', giveUp)
  let failed: ((error: Error) => void) | undefined
  let closed: (() => void) | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      failed = reject
      closed = () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' }))
      socket.once(tls ? 'secureConnect' : 'connect', () => resolve())
      socket.once('error', failed)
      socket.once('close', closed)
    })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
    if (failed) socket.off('error', failed)
    if (closed) socket.off('close', closed)
  }
  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEPALIVE_MS)
  return socket
}
