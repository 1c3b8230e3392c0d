/**
 * A small MQTT 3.1.1 client for thousands of devices in one process: QoS 0 and 1, many messages in flight, frames written
 * by hand. What is not acknowledged when the connection is lost is sent again, marked as a repetition, after it is back.
 */
import { connect as connectSocket, type Socket } from 'node:net'
import { generate } from 'mqtt-packet'

export interface FleetClientOptions {
  host: string
  port: number
  clientId: string
  username?: string
  password?: string
  keepaliveS?: number
  will?: { topic: string; payload: Buffer; qos: 0 | 1 }
  /** The connection was lost or refused. */
  onClose?(error: Error | undefined): void
}

interface Pending {
  topic: Buffer
  payload: Buffer
  onAck: () => void
}

const CONNACK = 2
const PUBACK = 4
const PING = Buffer.from([0xc0, 0])
const DISCONNECT = Buffer.from([0xe0, 0])
const MAX_IN_FLIGHT = 60_000

export class ConnectRefused extends Error {
  readonly returnCode: number
  constructor(returnCode: number) {
    super(`connection refused with code ${returnCode}`)
    this.returnCode = returnCode
  }
}

export class FleetClient {
  readonly #options: FleetClientOptions
  readonly #pending = new Map<number, Pending>()
  #socket: Socket | undefined
  #nextId = 1
  #rest: Buffer | undefined
  #ping: NodeJS.Timeout | undefined
  #connected = false
  #onConnack: ((code: number) => void) | undefined

  constructor(options: FleetClientOptions) {
    this.#options = options
  }

  get connected(): boolean {
    return this.#connected
  }
  /** Messages sent and not acknowledged. */
  get inFlight(): number {
    return this.#pending.size
  }

  /** Rejects with `ConnectRefused`, or with the socket's error. */
  connect(): Promise<void> {
    const { host, port, keepaliveS = 60 } = this.#options
    return new Promise((resolve, reject) => {
      const socket = connectSocket({ host, port, noDelay: true })
      this.#socket = socket
      this.#rest = undefined
      let failure: Error | undefined
      const timer = setTimeout(() => socket.destroy(new Error('no answer to CONNECT in 30 s')), 30_000)
      this.#onConnack = (code) => {
        clearTimeout(timer)
        if (code !== 0) {
          failure = new ConnectRefused(code)
          socket.destroy()
          return
        }
        this.#connected = true
        if (keepaliveS > 0) this.#ping = setInterval(() => socket.write(PING), keepaliveS * 500)
        for (const [id, { topic, payload }] of this.#pending) this.#write(id, topic, payload, 0x08)
        resolve()
      }
      socket.on('connect', () => socket.write(this.#connectPacket(keepaliveS)))
      socket.on('data', (chunk) => this.#read(chunk))
      socket.on('error', (error) => (failure = error))
      socket.on('close', () => {
        clearTimeout(timer)
        clearInterval(this.#ping)
        const wasConnected = this.#connected
        this.#connected = false
        if (wasConnected) this.#options.onClose?.(failure)
        else reject(failure ?? new Error('closed before CONNACK'))
      })
    })
  }

  /** @returns false when too much is in flight: nothing was sent */
  publish(topic: Buffer, payload: Buffer, onAck: () => void): boolean {
    if (this.#pending.size >= MAX_IN_FLIGHT) return false
    let id = this.#nextId
    while (this.#pending.has(id)) id = (id % 65_535) + 1
    this.#nextId = (id % 65_535) + 1
    this.#pending.set(id, { topic, payload, onAck })
    if (this.#connected) this.#write(id, topic, payload, 0)
    return true
  }

  /** Says goodbye and closes. */
  async end(): Promise<void> {
    const socket = this.#socket
    if (!socket || socket.destroyed) return
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
      socket.end(DISCONNECT)
      setTimeout(() => socket.destroy(), 1_000).unref()
    })
  }
  /** Drops the socket as a power cut would. */
  destroy(): void {
    this.#socket?.destroy()
  }
  /** Frames of one turn leave in one write. */
  cork(): void {
    this.#socket?.cork()
  }
  uncork(): void {
    this.#socket?.uncork()
  }

  #connectPacket(keepalive: number): Buffer {
    const { clientId, username, password, will } = this.#options
    return generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId,
      keepalive,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password: Buffer.from(password) }),
      ...(will && { will: { ...will, retain: false } }),
    })
  }
  #write(id: number, topic: Buffer, payload: Buffer, flags: number): void {
    const length = 4 + topic.length + payload.length
    const lengthBytes = length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 4
    const frame = Buffer.allocUnsafe(1 + lengthBytes + length)
    let at = 0
    frame[at++] = 0x32 | flags
    for (let left = length, index = 0; index < lengthBytes; index++, left >>>= 7)
      frame[at++] = (left & 0x7f) | (index + 1 < lengthBytes ? 0x80 : 0)
    frame[at++] = topic.length >> 8
    frame[at++] = topic.length & 0xff
    at += topic.copy(frame, at)
    frame[at++] = id >> 8
    frame[at++] = id & 0xff
    payload.copy(frame, at)
    this.#socket!.write(frame)
  }
  #read(chunk: Buffer): void {
    let data = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
    this.#rest = undefined
    this.cork()
    while (data.length >= 2) {
      let length = 0
      let at = 1
      for (let shift = 0; at < data.length; shift += 7) {
        const byte = data[at++]!
        length |= (byte & 0x7f) << shift
        if (!(byte & 0x80)) break
      }
      if (data.length < at + length || (data[at - 1]! & 0x80) !== 0) break
      this.#handle(data[0]! >> 4, data, at)
      data = data.subarray(at + length)
    }
    this.uncork()
    if (data.length > 0) this.#rest = data
  }
  #handle(type: number, data: Buffer, at: number): void {
    if (type === PUBACK) {
      const id = (data[at]! << 8) | data[at + 1]!
      const pending = this.#pending.get(id)
      if (!pending) return
      this.#pending.delete(id)
      pending.onAck()
    } else if (type === CONNACK) this.#onConnack?.(data[at + 1]!)
  }
}
