/**
 * One socket for all that a page wants to see live. Subscriptions outlive the connection: each keeps the cursor of the last
 * frame it has applied and hands it over on reconnecting, so that nothing is missed. Updates are gathered (latest wins per key)
 * and handed on in one pass per frame, so that a burst costs one rendering.
 *
 * Nothing here touches a browser: socket, clock, timers and frames are passed in.
 */
import type { LiveClientFrame, LiveServerFrame, LiveUpdate } from '@heliograph/crm-core/contracts'
import { backOff } from './back-off.ts'

/** Close code of a session that has ended (contract section 5). */
const SESSION_ENDED = 4401
/** Close code of a right taken away: connecting again shows what is left. */
const RIGHT_REVOKED = 4403
/** The server pings; a line that has been silent this long is dead even if nobody said so. */
export const SILENCE_LIMIT_MS = 75_000

export type LiveStatus = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'signed-out'

/** What the hub needs of a WebSocket. */
export interface SocketLike {
  send(text: string): void
  close(code?: number): void
  onopen: (() => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number }) => void) | null
  onerror: (() => void) | null
}
export interface LiveHubOptions {
  connect: () => SocketLike
  now: () => number
  random: () => number
  /** Runs a callback later; answers how to call it off. */
  after: (ms: number, run: () => void) => () => void
  /** Runs a callback before the next painting. */
  onFrame: (run: () => void) => void
  onStatus: (status: LiveStatus, since: number) => void
  /** The session has ended; the hub waits for `resume`. */
  onSignedOut: () => void
}
export interface LiveHandlers {
  /** `whole`: the entries replace everything known; otherwise they are added to it, newer ones winning. */
  apply: (entries: readonly LiveUpdate[], whole: boolean) => void
  error?: (code: string, detail: string | undefined) => void
}
export interface LiveRequest {
  topic: Extract<LiveClientFrame, { type: 'subscribe' }>['topic']
  filter?: { siteId?: string; status?: string }
  keys?: string[]
}

interface Subscription {
  id: string
  request: LiveRequest
  handlers: LiveHandlers
  cursor: string | undefined
  /** Newest time applied or waiting per key: an older one never replaces a newer one. */
  seen: Map<string, number>
  waiting: Map<string, LiveUpdate>
  whole: boolean
}

export class LiveHub {
  readonly #options: LiveHubOptions
  readonly #subscriptions = new Map<string, Subscription>()
  #socket: SocketLike | undefined
  #open = false
  #attempt = 0
  #counter = 0
  #frameAsked = false
  #status: LiveStatus = 'idle'
  #cancelRetry: (() => void) | undefined
  #cancelWatch: (() => void) | undefined

  constructor(options: LiveHubOptions) {
    this.#options = options
  }

  get status(): LiveStatus {
    return this.#status
  }

  /** Starts listening; answers how to stop. The socket is opened with the first subscription and closed with the last. */
  subscribe(request: LiveRequest, handlers: LiveHandlers): () => void {
    const id = `s${(++this.#counter).toString(36)}`
    const subscription: Subscription = {
      id,
      request,
      handlers,
      cursor: undefined,
      seen: new Map(),
      waiting: new Map(),
      whole: false,
    }
    this.#subscriptions.set(id, subscription)
    if (this.#open) this.#ask(subscription)
    else this.#start()
    return () => this.#unsubscribe(id)
  }

  /** Tries at once: the network is back, the page is seen again, or somebody signed in. */
  resume(): void {
    if (this.#socket || this.#subscriptions.size === 0) return
    this.#attempt = 0
    this.#start()
  }

  /** Closes for good. */
  stop(): void {
    this.#subscriptions.clear()
    this.#drop()
    this.#become('idle')
  }

  #unsubscribe(id: string): void {
    if (!this.#subscriptions.delete(id)) return
    if (this.#open) this.#send({ type: 'unsubscribe', id })
    if (this.#subscriptions.size > 0) return
    // A page change unsubscribes and subscribes within moments: the line is kept for that long.
    this.#options.after(2000, () => {
      if (this.#subscriptions.size > 0) return
      this.#drop()
      this.#become('idle')
    })
  }

  #start(): void {
    if (this.#socket) return
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    this.#become(this.#status === 'reconnecting' ? 'reconnecting' : 'connecting')
    let socket: SocketLike
    try {
      socket = this.#options.connect()
    } catch {
      this.#retry()
      return
    }
    this.#socket = socket
    socket.onopen = () => {
      if (this.#socket !== socket) return
      this.#open = true
      this.#watch()
      for (const subscription of this.#subscriptions.values()) this.#ask(subscription)
    }
    socket.onmessage = (event) => {
      if (this.#socket === socket && typeof event.data === 'string') this.#receive(event.data)
    }
    // An error is always followed by a close; the close decides.
    socket.onerror = () => undefined
    socket.onclose = (event) => {
      if (this.#socket === socket) this.#closed(event.code)
    }
    // A handshake that never ends counts as silence too.
    this.#watch()
  }

  #closed(code: number): void {
    this.#forgetSocket()
    if (this.#subscriptions.size === 0) {
      this.#become('idle')
    } else if (code === SESSION_ENDED) {
      this.#become('signed-out')
      this.#options.onSignedOut()
    } else {
      if (code === RIGHT_REVOKED)
        for (const subscription of this.#subscriptions.values()) subscription.cursor = undefined
      this.#retry()
    }
  }

  #retry(): void {
    this.#become('reconnecting')
    this.#cancelRetry?.()
    this.#cancelRetry = this.#options.after(backOff(this.#attempt++, this.#options.random()), () => this.#start())
  }

  #forgetSocket(): void {
    this.#cancelWatch?.()
    this.#cancelWatch = undefined
    this.#socket = undefined
    this.#open = false
  }

  #drop(): void {
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    const socket = this.#socket
    this.#forgetSocket()
    socket?.close(1000)
  }

  #watch(): void {
    this.#cancelWatch?.()
    this.#cancelWatch = this.#options.after(SILENCE_LIMIT_MS, () => {
      const socket = this.#socket
      this.#forgetSocket()
      socket?.close()
      this.#retry()
    })
  }

  #ask(subscription: Subscription): void {
    const { id, request, cursor } = subscription
    this.#send({ type: 'subscribe', id, ...request, ...(cursor === undefined ? {} : { cursor }) })
  }

  #send(frame: LiveClientFrame): void {
    try {
      this.#socket?.send(JSON.stringify(frame))
    } catch {
      // The socket is closing: its close event starts the next attempt.
    }
  }

  #receive(text: string): void {
    const frame = parseFrame(text)
    if (!frame) return
    this.#watch()
    this.#attempt = 0
    this.#become('connected')
    if (frame.type === 'ping') return
    const subscription = this.#subscriptions.get(frame.id)
    if (!subscription) return
    if (frame.type === 'error') {
      // Without its cursor the next attempt gets a fresh snapshot.
      subscription.cursor = undefined
      subscription.handlers.error?.(frame.code, frame.detail)
      return
    }
    if (frame.type === 'snapshot') {
      subscription.whole = true
      subscription.waiting.clear()
      subscription.seen.clear()
    }
    for (const entry of frame.data) {
      const newest = subscription.seen.get(entry.key)
      if (newest !== undefined && entry.ts < newest) continue
      subscription.seen.set(entry.key, entry.ts)
      subscription.waiting.set(entry.key, entry)
    }
    subscription.cursor = frame.cursor
    this.#askFrame()
  }

  #askFrame(): void {
    if (this.#frameAsked) return
    this.#frameAsked = true
    this.#options.onFrame(() => {
      this.#frameAsked = false
      for (const subscription of this.#subscriptions.values()) {
        if (!subscription.whole && subscription.waiting.size === 0) continue
        const entries = [...subscription.waiting.values()]
        const whole = subscription.whole
        subscription.waiting.clear()
        subscription.whole = false
        subscription.handlers.apply(entries, whole)
      }
    })
  }

  #become(status: LiveStatus): void {
    if (status === this.#status) return
    this.#status = status
    this.#options.onStatus(status, this.#options.now())
  }
}

/** A frame of the server, or nothing where the text is not one. Values are judged by who shows them. */
export function parseFrame(text: string): LiveServerFrame | undefined {
  let frame: unknown
  try {
    frame = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(frame)) return undefined
  if (frame['type'] === 'ping') return { type: 'ping' }
  const id = frame['id']
  if (typeof id !== 'string') return undefined
  if (frame['type'] === 'error') {
    const detail = typeof frame['detail'] === 'string' ? frame['detail'] : undefined
    return { type: 'error', id, code: String(frame['code']), ...(detail === undefined ? {} : { detail }) }
  }
  if (frame['type'] !== 'snapshot' && frame['type'] !== 'update') return undefined
  if (!Array.isArray(frame['data']) || typeof frame['cursor'] !== 'string') return undefined
  return { type: frame['type'], id, data: frame['data'].filter(isUpdate), cursor: frame['cursor'] }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
function isUpdate(entry: unknown): entry is LiveUpdate {
  return isRecord(entry) && typeof entry['key'] === 'string' && typeof entry['ts'] === 'number'
}
