import type { FastifyRequest } from 'fastify'
import type { WebSocket } from '@fastify/websocket'
import {
  LIVE_CLOSE,
  liveClientFrameSchema,
  type LiveClientFrame,
  type LiveServerFrame,
  type ProblemCode,
} from '@heliograph/crm-core/contracts'
import type { ChannelSpec } from './channel.ts'
import type { ClientHandle, LiveClient, LiveHub } from './hub.ts'
import { isNarrower, maySubscribe, type Viewer } from './viewer.ts'

type Subscribe = Extract<LiveClientFrame, { type: 'subscribe' }>

export interface SocketLimits {
  subscriptions: number
  /** Frames a client may send in ten seconds. */
  framesPer10s: number
}
/** Bytes of a client's frame: 500 keys of 64 characters fit. */
export const MAX_CLIENT_FRAME = 64 * 1024
const PING_EVERY_MS = 25_000

/** One open socket: its frames in, its subscriptions, its end. */
export class LiveSocket implements LiveClient {
  readonly #socket: WebSocket
  readonly #hub: LiveHub
  readonly #limits: SocketLimits
  readonly #handle: ClientHandle
  readonly #exists: (topic: string) => Promise<boolean>
  readonly #specs = new Map<string, ChannelSpec>()
  readonly #pings: NodeJS.Timeout
  #viewer: Viewer
  #frames = 0
  #framesSince: number
  #alive = true
  #closed = false

  /** Attaches every listener before it returns: a frame that comes with the upgrade is not lost. */
  constructor(
    socket: WebSocket,
    request: FastifyRequest,
    hub: LiveHub,
    viewer: Viewer,
    limits: SocketLimits,
    exists: (topic: string) => Promise<boolean>,
    onClose: (socket: LiveSocket) => void,
  ) {
    this.#socket = socket
    this.#hub = hub
    this.#viewer = viewer
    this.#limits = limits
    this.#exists = exists
    this.#framesSince = Date.now()
    this.#handle = hub.join(this)
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary))
    socket.on('pong', () => (this.#alive = true))
    socket.on('error', (error) => request.log.debug({ err: error }, 'live socket error'))
    socket.on('close', () => {
      this.#closed = true
      clearInterval(this.#pings)
      hub.leave(this.#handle)
      onClose(this)
    })
    this.#pings = setInterval(() => this.#ping(), PING_EVERY_MS)
    this.#pings.unref()
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount
  }
  send(frame: Buffer | string): void {
    if (!this.#closed) this.#socket.send(frame, { binary: false })
  }
  tooSlow(): void {
    this.#close(LIVE_CLOSE.tooSlow, 'too slow')
  }
  sessionEnded(): void {
    this.#close(LIVE_CLOSE.sessionEnded, 'session ended')
  }

  /** Rights as they are now: fewer than before end the socket, more are taken up by fresh snapshots. */
  judge(viewer: Viewer): void {
    if (this.#closed || viewer.key === this.#viewer.key) return
    if (isNarrower(viewer, this.#viewer)) return this.#close(LIVE_CLOSE.rightRevoked, 'right revoked')
    this.#viewer = viewer
    for (const [id, spec] of this.#specs)
      if (this.#handle.subscriptions.has(id)) this.#hub.subscribe(this.#handle, id, viewer, spec)
  }

  #receive(data: unknown, isBinary: boolean): void {
    if (this.#isFlooding()) return this.#close(1008, 'too many frames')
    if (isBinary) return this.#refuse('', 'malformed_body', 'frames are text')
    let json: unknown
    try {
      json = JSON.parse((data as Buffer).toString('utf8'))
    } catch {
      return this.#refuse('', 'malformed_body', 'frames are JSON')
    }
    const parsed = liveClientFrameSchema.safeParse(json)
    if (!parsed.success) {
      const id = (json as { id?: unknown } | null)?.id
      return this.#refuse(
        typeof id === 'string' ? id.slice(0, 64) : '',
        'invalid_fields',
        parsed.error.issues[0]?.message,
      )
    }
    const frame = parsed.data
    if (frame.type === 'unsubscribe') {
      this.#specs.delete(frame.id)
      this.#hub.unsubscribe(this.#handle, frame.id)
    } else this.#subscribe(frame)
  }

  #subscribe({ id, topic, filter, keys, cursor }: Subscribe): void {
    if (!this.#specs.has(id) && this.#specs.size >= this.#limits.subscriptions) {
      return this.#refuse(id, 'rate_limited', `at most ${this.#limits.subscriptions} subscriptions a socket`)
    }
    if (!maySubscribe(this.#viewer, topic)) return this.#refuse(id, 'forbidden')
    const spec: ChannelSpec = { topic, filter, keys }
    this.#specs.set(id, spec)
    if (!topic.includes(':')) return this.#open(id, spec, cursor)
    // One site or device: whether it is there for this caller is for the database to say.
    this.#exists(topic).then(
      (exists) => {
        // Ended or replaced while we asked.
        if (this.#specs.get(id) !== spec) return
        if (exists) return this.#open(id, spec, cursor)
        this.#specs.delete(id)
        this.#refuse(id, 'not_found')
      },
      () => {
        if (this.#specs.get(id) !== spec) return
        this.#specs.delete(id)
        this.#refuse(id, 'unavailable')
      },
    )
  }

  #open(id: string, spec: ChannelSpec, cursor?: string): void {
    if (!this.#closed) this.#hub.subscribe(this.#handle, id, this.#viewer, spec, cursor)
  }

  #refuse(id: string, code: ProblemCode, detail?: string): void {
    const frame: LiveServerFrame = { type: 'error', id, code, ...(detail === undefined ? {} : { detail }) }
    this.send(JSON.stringify(frame))
  }

  #isFlooding(): boolean {
    const now = Date.now()
    if (now - this.#framesSince > 10_000) {
      this.#framesSince = now
      this.#frames = 0
    }
    return ++this.#frames > this.#limits.framesPer10s
  }

  #ping(): void {
    if (!this.#alive) return this.#socket.terminate()
    this.#alive = false
    this.#socket.ping()
    // For browsers, which cannot see protocol pings.
    this.send('{"type":"ping"}')
  }

  #close(code: number, reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket.close(code, reason)
    // A client that does not read never answers the close frame.
    setTimeout(() => this.#socket.terminate(), 2_000).unref()
  }
}
