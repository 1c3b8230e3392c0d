/**
 * One connection to a broker, from CONNECT to its end: a subscriber that decides itself when a message is acknowledged. A small
 * client on the codec of mqtt.js, since mqtt.js takes one message at a time where the acknowledgement has to wait for the disk.
 */
import type { Socket } from 'node:net'
import {
  generate,
  type IConnackPacket,
  type IPublishPacket,
  type ISubscription,
  type Packet,
  parser,
} from 'mqtt-packet'
import { createFrames, type Oversized } from './frames.ts'
import { BrokerTrouble, connackTrouble, dialTrouble, disconnectTrouble } from './trouble.ts'

export type WireVersion = 4 | 5
export interface WireOptions {
  /** Connected. The wire owns it from here on. */
  socket: Socket
  version: WireVersion
  clientId: string
  username: string | null
  password: string | null
  /** True: whatever the broker keeps for this client id is thrown away. */
  clean: boolean
  /** How long the broker keeps messages for us while we are away (MQTT 5; before, it decides itself). */
  sessionExpiryS: number
  keepaliveS: number
  /** Messages the broker may send before the first is acknowledged (MQTT 5). */
  receiveMaximum: number
  packetBytes: number
  /** Longest wait for an answer: to CONNECT, SUBSCRIBE, UNSUBSCRIBE. */
  answerMs: number
  /** Acknowledgements that the broker leaves unread before nothing more is read from it. */
  unreadAckBytes: number
  onPublish(packet: IPublishPacket): void
  onOversized(message: Oversized): void
}

/** Time for what was written last to leave before the socket is cut. */
const LAST_WORDS_MS = 500
const PROTOCOL_QOS2 = 'The broker sends QoS 2 where QoS 1 was asked for'

type Answer = { resolve(codes: readonly number[]): void; reject(error: unknown): void; timer: NodeJS.Timeout }

export class Wire {
  readonly version: WireVersion
  sessionPresent = false
  sharedAvailable = true
  /** Resolves when it is over, with the reason. */
  readonly closed: Promise<BrokerTrouble>
  readonly #socket: Socket
  readonly #options: WireOptions
  readonly #answers = new Map<number, Answer>()
  #connack: { resolve(packet: IConnackPacket): void; reject(error: unknown): void } | undefined
  #ended: BrokerTrouble | undefined
  #resolveClosed!: (trouble: BrokerTrouble) => void
  #nextId = 1
  #paused = false
  #isFull = false
  #heardAt = performance.now()
  #pinging: NodeJS.Timeout | undefined

  constructor(options: WireOptions) {
    this.#options = options
    this.#socket = options.socket
    this.version = options.version
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve))
  }

  /** Says hello. @throws BrokerTrouble where the broker does not let us in */
  async open(): Promise<void> {
    const { clientId, username, password, clean, keepaliveS, sessionExpiryS, receiveMaximum, answerMs } = this.#options
    const packets = parser({ protocolVersion: this.version })
    packets.on('packet', (packet) => this.#take(packet))
    packets.on('error', (error: unknown) =>
      this.#end(new BrokerTrouble('protocol', 'The broker sends something that is no MQTT', { cause: error })),
    )
    const frames = createFrames({
      packetBytes: this.#options.packetBytes,
      onPacket: (bytes) => {
        if (!this.isOpen) return
        try {
          packets.parse(bytes)
        } catch (error) {
          // A packet that the codec stumbles over ends this connection, not the process.
          this.#end(new BrokerTrouble('protocol', 'The broker sends something that is no MQTT', { cause: error }))
        }
      },
      onOversized: (message) => this.isOpen && this.#options.onOversized(message),
    })
    this.#socket.on('data', (chunk: Buffer) => {
      this.#heardAt = performance.now()
      if (this.isOpen && !frames.push(chunk))
        this.#end(new BrokerTrouble('protocol', 'The broker sends something that is no MQTT'))
    })
    this.#socket.on('error', (error) => this.#end(dialTrouble(error, this.#place())))
    this.#socket.on('close', () => this.#end(new BrokerTrouble('closed', 'The broker closed the connection')))
    this.#socket.on('drain', () => {
      this.#isFull = false
      this.#letRead()
    })
    const timer = setTimeout(
      () => this.#end(new BrokerTrouble('silent', 'The broker does not answer our sign-in')),
      answerMs,
    )
    try {
      const answer = await new Promise<IConnackPacket>((resolve, reject) => {
        this.#connack = { resolve, reject }
        this.#send({
          cmd: 'connect',
          protocolId: 'MQTT',
          protocolVersion: this.version,
          clientId,
          clean,
          keepalive: keepaliveS,
          ...(username !== null && { username }),
          ...(password !== null && { password: Buffer.from(password) }),
          ...(this.version === 5 && { properties: { sessionExpiryInterval: sessionExpiryS, receiveMaximum } }),
        })
      })
      const code = answer.reasonCode ?? answer.returnCode ?? 0
      if (code !== 0) throw connackTrouble(code)
      this.sessionPresent = answer.sessionPresent
      this.sharedAvailable = answer.properties?.sharedSubscriptionAvailable !== false
      this.#keepAlive(answer.properties?.serverKeepAlive ?? keepaliveS)
    } catch (error) {
      const before = this.#ended ?? error
      this.#end(error as BrokerTrouble)
      // Brokers that do not know a version may just hang up.
      if (before instanceof BrokerTrouble && before.code === 'closed')
        throw new BrokerTrouble('no-answer', 'The broker closes the connection instead of answering our sign-in')
      throw before
    } finally {
      clearTimeout(timer)
      this.#connack = undefined
    }
  }

  get isOpen(): boolean {
    return this.#ended === undefined
  }

  /** One code per filter: the QoS that was granted, or from 128 on why not. */
  async subscribe(filters: readonly string[]): Promise<readonly number[]> {
    return await this.#ask((messageId) => ({
      cmd: 'subscribe',
      messageId,
      subscriptions: filters.map((topic): ISubscription => ({
        topic,
        // What was published with QoS 2 comes with QoS 1 then: rows of the same reading are one, so once more is harmless.
        qos: 1,
        // What the broker retains comes when we subscribe for the first time, not with every connection.
        ...(this.version === 5 && { nl: false, rap: false, rh: 1 }),
      })),
    }))
  }
  async unsubscribe(filters: readonly string[]): Promise<void> {
    await this.#ask((messageId) => ({ cmd: 'unsubscribe', messageId, unsubscriptions: [...filters] }))
  }

  ack(messageId: number): void {
    this.#send({ cmd: 'puback', messageId })
  }
  /** Without an acknowledgement: worth nothing a moment later. */
  publish(topic: string, payload: Buffer): void {
    this.#send({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false })
  }

  /** Nothing is read, so that the broker holds its messages back. */
  pause(): void {
    this.#paused = true
    this.#socket.pause()
  }
  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    // While nothing was read, nothing could be heard.
    this.#heardAt = performance.now()
    this.#letRead()
  }

  /** Leaves in order. @param forget the broker drops what it keeps for us (MQTT 5; before, a clean connection does) */
  async close(forget = false): Promise<void> {
    if (this.isOpen) {
      this.#send({
        cmd: 'disconnect',
        ...(this.version === 5 && { reasonCode: 0, ...(forget && { properties: { sessionExpiryInterval: 0 } }) }),
      } as Packet)
      this.#socket.end()
      this.#end(new BrokerTrouble('closed', 'We left'), true)
    }
    await this.closed
  }
  /** At once, as a lost connection. */
  cut(trouble: BrokerTrouble): void {
    this.#end(trouble)
  }

  #place(): { host: string; port: number } {
    return { host: this.#socket.remoteAddress ?? 'The broker', port: this.#socket.remotePort ?? 0 }
  }
  #letRead(): void {
    if (!this.#paused && !this.#isFull && this.isOpen) this.#socket.resume()
  }
  #send(packet: Packet): void {
    if (!this.isOpen || this.#socket.destroyed) return
    this.#socket.write(generate(packet, { protocolVersion: this.version }))
    if (this.#socket.writableLength > this.#options.unreadAckBytes && !this.#isFull) {
      this.#isFull = true
      this.#socket.pause()
    }
  }
  async #ask(packet: (messageId: number) => Packet): Promise<readonly number[]> {
    if (this.#ended) throw this.#ended
    const messageId = this.#nextId
    this.#nextId = (this.#nextId % 65_535) + 1
    return await new Promise<readonly number[]>((resolve, reject) => {
      const timer = setTimeout(
        () => this.#end(new BrokerTrouble('silent', 'The broker does not answer')),
        this.#options.answerMs,
      )
      this.#answers.set(messageId, { resolve, reject, timer })
      this.#send(packet(messageId))
    })
  }
  #answer(messageId: number | undefined, codes: readonly number[]): void {
    const answer = messageId === undefined ? undefined : this.#answers.get(messageId)
    if (!answer) return
    this.#answers.delete(messageId!)
    clearTimeout(answer.timer)
    answer.resolve(codes)
  }

  #take(packet: Packet): void {
    if (!this.isOpen) return
    if (this.#connack) {
      if (packet.cmd === 'connack') this.#connack.resolve(packet)
      else this.#end(new BrokerTrouble('protocol', 'The broker answers our sign-in with something else'))
      this.#connack = undefined
      return
    }
    switch (packet.cmd) {
      case 'publish':
        if (packet.qos === 2) this.#end(new BrokerTrouble('protocol', PROTOCOL_QOS2))
        else this.#options.onPublish(packet)
        return
      case 'suback':
        this.#answer(packet.messageId, packet.granted as number[])
        return
      case 'unsuback':
        this.#answer(packet.messageId, [])
        return
      case 'disconnect':
        this.#end(disconnectTrouble(packet.reasonCode ?? 0))
        return
      case 'pingresp':
        return
      default:
        this.#end(new BrokerTrouble('protocol', `The broker sends ${packet.cmd}, which only clients do`))
    }
  }

  #keepAlive(seconds: number): void {
    if (seconds === 0) return
    const everyMs = (seconds * 1000) / 2
    this.#pinging = setInterval(() => {
      this.#send({ cmd: 'pingreq' })
      const deaf = this.#paused || this.#isFull
      if (!deaf && performance.now() - this.#heardAt > everyMs * 3)
        this.#end(new BrokerTrouble('silent', 'Nothing was heard of the broker any more'))
    }, everyMs)
  }
  #end(trouble: BrokerTrouble, gently = false): void {
    if (this.#ended) return
    this.#ended = trouble
    clearInterval(this.#pinging)
    this.#connack?.reject(trouble)
    for (const { reject, timer } of this.#answers.values()) {
      clearTimeout(timer)
      reject(trouble)
    }
    this.#answers.clear()
    if (gently) {
      // Reads on to see the other side's end; what comes is taken by nobody and stays unacknowledged.
      this.#socket.resume()
      const timer = setTimeout(() => this.#socket.destroy(), LAST_WORDS_MS)
      this.#socket.once('close', () => {
        clearTimeout(timer)
        this.#resolveClosed(trouble)
      })
      return
    }
    this.#socket.destroy()
    this.#resolveClosed(trouble)
  }
}
