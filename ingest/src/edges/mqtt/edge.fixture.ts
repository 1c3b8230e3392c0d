/** What the edge's tests share: a log whose disk can be slowed and filled, one credential a connection, and raw sockets. */
import { connect as connectSocket, type Socket } from 'node:net'
import {
  type AppendRecord,
  decodeRaw,
  type LogError,
  type LogPosition,
  type LogProducer,
  type RawMessage,
} from '@heliograph/crm-core/contracts'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { createMqttEdge, type MqttEdge } from './edge.ts'
import type { MqttEdgeSettings } from './config.ts'
import type { MqttEdgeDeps, MqttRefusal, Revocation } from './ports.ts'

export interface TestLog extends LogProducer {
  readonly stored: (RawMessage & { key: string })[]
  /** Appends wait until it is called off. */
  hold(): () => void
  /** Appends are refused with this error until called off. */
  refuse(error: LogError): () => void
  appends: number
}

/** Keeps everything, "on disk" after a turn of a millisecond; all or nothing per append, in order. */
export function createTestLog(): TestLog {
  const stored: TestLog['stored'] = []
  let pendingBytes = 0
  let gate: Promise<void> | undefined
  let refusal: LogError | undefined
  return {
    stored,
    appends: 0,
    get pendingBytes() {
      return pendingBytes
    },
    hold() {
      let release!: () => void
      gate = new Promise((resolve) => (release = resolve))
      return () => {
        gate = undefined
        release()
      }
    },
    refuse(error) {
      refusal = error
      return () => (refusal = undefined)
    },
    async append(records: AppendRecord[]): Promise<LogPosition> {
      this.appends++
      const bytes = records.reduce((sum, record) => sum + record.value.length, 0)
      pendingBytes += bytes
      try {
        await new Promise((resolve) => setTimeout(resolve, 1))
        if (gate) await gate
        if (refusal) throw refusal
        const offset = stored.length
        for (const { key, value } of records) stored.push({ ...decodeRaw(new Uint8Array(value)), key })
        return { partition: 0, offset }
      } finally {
        pendingBytes -= bytes
      }
    },
  }
}

export interface Harness {
  edge: MqttEdge
  log: TestLog
  port: number
  refusals: MqttRefusal[]
  counters: Map<string, number>
  /** User name to secrets that are right. */
  secrets: Map<string, string[]>
  revoke(revocation: Revocation): void
  setPressure(on: boolean): void
  client(user: string, options?: IClientOptions): Promise<MqttClient>
  /** A socket that speaks packets by hand. */
  raw(): RawClient
  stop(): Promise<void>
}
export interface RawClient {
  socket: Socket
  packets: Packet[]
  send(packet: Packet): void
  connect(user: string, more?: Partial<mqttPacket.IConnectPacket>): Promise<Packet>
  next(cmd: string, withinMs?: number): Promise<Packet>
  closed: Promise<void>
}

export async function startEdge(
  settings: Partial<MqttEdgeSettings> = {},
  more: Partial<MqttEdgeDeps> = {},
): Promise<Harness> {
  const log = createTestLog()
  const refusals: MqttRefusal[] = []
  const counters = new Map<string, number>()
  const listeners = new Set<(revocation: Revocation) => void>()
  const secrets = new Map(['alpha', 'beta', 'victron', 'sparkplug'].map((user) => [user, [`${user}-secret`]]))
  const clients = new Set<MqttClient>()
  const sockets = new Set<Socket>()
  let pressed = false
  const edge = createMqttEdge(
    {
      producer: log,
      credentials: {
        verify: (user, secret) => {
          const index = secrets.get(user)?.indexOf(secret) ?? -1
          const vendor = user === 'victron' || user === 'sparkplug' ? user : 'native'
          return Promise.resolve(
            index < 0
              ? undefined
              : {
                  tenantId: `tenant-${user}` as never,
                  connectionId: `connection-${user}` as never,
                  vendor,
                  credentialId: `${user}-${index}`,
                },
          )
        },
      },
      revocations: {
        subscribe(listener) {
          listeners.add(listener)
          return () => listeners.delete(listener)
        },
      },
      metrics: {
        inc(name, labels, n) {
          const key = [name, ...Object.values(labels)].join(' ')
          counters.set(key, (counters.get(key) ?? 0) + n)
        },
      },
      audit: (refusal) => refusals.push(refusal),
      shard: (vendor, topic) => (vendor === 'sparkplug' ? topic.split('/').slice(0, 4).join('/') : 'all'),
      downlinkTopics: (vendor) =>
        vendor === 'victron' ? ['R/+/keepalive'] : vendor === 'sparkplug' ? ['spBv1.0/+/NCMD/+'] : [],
      pressure: () => pressed,
      clock: { now: Date.now },
      ...more,
    },
    { port: 0, ...settings },
  )
  await edge.start()
  const port = edge.ports().plain!
  return {
    edge,
    log,
    port,
    refusals,
    counters,
    secrets,
    revoke: (revocation) => listeners.forEach((listener) => listener(revocation)),
    setPressure: (on) => (pressed = on),
    async client(user, options = {}) {
      const client = await mqtt.connectAsync(
        `mqtt://127.0.0.1:${port}`,
        {
          username: user,
          password: secrets.get(user)?.[0] ?? 'wrong',
          reconnectPeriod: 0,
          connectTimeout: 5_000,
          ...options,
        },
        false,
      )
      // A cut socket is an event of the tests, not a failure of theirs.
      client.on('error', () => {})
      clients.add(client)
      return client
    },
    raw() {
      const made = rawClient(port, (user) => secrets.get(user)?.[0] ?? 'wrong')
      sockets.add(made.socket)
      return made
    },
    async stop() {
      for (const client of clients) client.end(true)
      for (const socket of sockets) socket.destroy()
      await edge.stop()
    },
  }
}

function rawClient(port: number, secretOf: (user: string) => string): RawClient {
  const socket = connectSocket({ host: '127.0.0.1', port })
  const packets: Packet[] = []
  const parser = mqttPacket.parser()
  const arrived: (() => void)[] = []
  parser.on('packet', (packet) => {
    packets.push(packet)
    for (const wake of arrived.splice(0)) wake()
  })
  socket.on('data', (chunk) => parser.parse(chunk))
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  void closed.then(() => arrived.splice(0).forEach((wake) => wake()))
  const made: RawClient = {
    socket,
    packets,
    closed,
    send: (packet) => socket.write(mqttPacket.generate(packet)),
    async connect(user, more = {}) {
      made.send({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clean: true,
        clientId: `raw-${Math.random()}`,
        keepalive: 60,
        username: user,
        password: Buffer.from(secretOf(user)),
        ...more,
      })
      return made.next('connack')
    },
    async next(cmd, withinMs = 3_000) {
      const until = Date.now() + withinMs
      for (;;) {
        const index = packets.findIndex((packet) => packet.cmd === cmd)
        if (index >= 0) return packets.splice(index, 1)[0]!
        if (socket.destroyed) throw new Error(`socket closed before ${cmd}`)
        const left = until - Date.now()
        if (left <= 0) throw new Error(`no ${cmd} within ${withinMs} ms`)
        await new Promise<void>((resolve) => {
          arrived.push(resolve)
          setTimeout(resolve, left)
        })
      }
    },
  }
  return made
}

export async function until(condition: () => boolean, withinMs = 3_000): Promise<void> {
  const end = Date.now() + withinMs
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
export const text = (body: Uint8Array): string => Buffer.from(body).toString()
export const publish = (
  topic: string,
  payload: string | Buffer,
  more: { qos?: 0 | 1 | 2; messageId?: number; retain?: boolean; dup?: boolean } = {},
): Packet => ({ cmd: 'publish', topic, payload, qos: 1, messageId: 1, retain: false, dup: false, ...more })
