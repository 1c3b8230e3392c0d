/** What the tests of the broker edge share: a broker that does as it is told, in either version, and the edge before a test log. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { parseBrokerHosts } from '@heliograph/crm-core'
import mqttPacket, { type IConnectPacket, type ISubscribePacket, type Packet } from 'mqtt-packet'
import { createTestLog, type TestLog } from '../mqtt/edge.fixture.ts'
import { type BrokerEdge, createBrokerEdge } from './edge.ts'
import type { BrokerEdgeSettings } from './config.ts'
import { createDial } from './dial.ts'
import type { BrokerPlan } from './plan.ts'
import type { BrokerEdgeDeps } from './ports.ts'

export interface Visit {
  socket: Socket
  connect: IConnectPacket
  packets: Packet[]
  send(packet: Packet): void
  acknowledged(): number[]
}
export interface ScriptedBroker {
  port: number
  visits: Visit[]
  /** Answer to CONNECT; undefined: none, the socket is closed. */
  onConnect: (packet: IConnectPacket) => Partial<mqttPacket.IConnackPacket> | undefined
  onSubscribe: (packet: ISubscribePacket) => number[]
  last(): Visit
  stop(): Promise<void>
}

export async function startScriptedBroker(tls?: { cert: string; key: string }): Promise<ScriptedBroker> {
  const sockets = new Set<Socket>()
  const serve = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    const packets = mqttPacket.parser({ protocolVersion: 4 })
    let visit: Visit | undefined
    packets.on('packet', (packet) => {
      if (packet.cmd === 'connect') {
        const version = packet.protocolVersion ?? 4
        const opened: Visit = {
          socket,
          connect: packet,
          packets: [],
          send: (each) => void socket.write(mqttPacket.generate(each, { protocolVersion: version })),
          acknowledged: () => opened.packets.flatMap((each) => (each.cmd === 'puback' ? [each.messageId!] : [])),
        }
        const answer = broker.onConnect(packet)
        if (!answer) return void socket.destroy()
        visit = opened
        broker.visits.push(opened)
        const code = version === 5 ? { reasonCode: 0 } : { returnCode: 0 }
        opened.send({ cmd: 'connack', sessionPresent: false, ...code, ...answer })
        return
      }
      visit!.packets.push(packet)
      if (packet.cmd === 'subscribe')
        visit!.send({ cmd: 'suback', messageId: packet.messageId!, granted: broker.onSubscribe(packet) as never })
      if (packet.cmd === 'unsubscribe')
        visit!.send({ cmd: 'unsuback', messageId: packet.messageId!, granted: packet.unsubscriptions.map(() => 0) })
      if (packet.cmd === 'pingreq') visit!.send({ cmd: 'pingresp' })
    })
    packets.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => packets.parse(chunk))
  }
  const server: Server = tls ? createTlsServer(tls, serve) : createServer(serve)
  // A client that does not trust us is no fault of the test.
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const broker: ScriptedBroker = {
    port: (server.address() as AddressInfo).port,
    visits: [],
    onConnect: () => ({}),
    onSubscribe: ({ subscriptions }) => subscriptions.map(() => 1),
    last: () => broker.visits.at(-1)!,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return broker
}

export const planFor = (port: number, changes: Partial<BrokerPlan> = {}): BrokerPlan => ({
  connectionId: 'connection-a' as never,
  tenantId: 'tenant-a' as never,
  vendor: 'native',
  clientId: 'helio-c-abcdefghijkmnop',
  slot: 0,
  workers: 1,
  address: { tls: false, host: '127.0.0.1', port },
  caCert: null,
  username: 'us',
  password: 'secret',
  topics: ['readings'],
  version: 'auto',
  retiredTopics: [],
  ...changes,
})

export interface Harness {
  edge: BrokerEdge
  log: TestLog
  counters: Map<string, number>
  setPressure(on: boolean): void
  /** What is said of the first subscription. */
  word(): ReturnType<BrokerEdge['reports']>[number] | undefined
}
export function startBrokerEdge(
  settings: BrokerEdgeSettings = {},
  more: Partial<BrokerEdgeDeps> = {},
  log: TestLog = createTestLog(),
): Harness {
  const counters = new Map<string, number>()
  let pressed = false
  const edge = createBrokerEdge(
    {
      producer: log,
      metrics: {
        inc(name, labels, n) {
          const key = `${name}{${Object.values(labels).join(',')}}`
          counters.set(key, (counters.get(key) ?? 0) + n)
        },
      },
      dial: createDial({ hosts: parseBrokerHosts('loopback'), timeoutMs: 5_000 }),
      shard: () => '',
      mayPublish: (_vendor, topic) => !topic.startsWith('foreign/'),
      downlinkTopics: (vendor) => (vendor === 'victron' ? ['R/+/keepalive'] : []),
      pressure: () => pressed,
      clock: Date,
      random: () => 0,
      ...more,
    },
    { ...settings, limits: { retryMs: 20, retryMaxMs: 100, refusedRetryMs: 40, ...settings.limits } },
  )
  return {
    edge,
    log,
    counters,
    setPressure: (on) => (pressed = on),
    word: () => edge.reports()[0],
  }
}
