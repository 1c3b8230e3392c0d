import { Pace } from '@heliograph/crm-core'
import type { LiveAudience, LiveBus, LiveValue, TraceStep, Tracing } from '@heliograph/crm-core/contracts'
import { Channel, channelKey, entriesText, keepNewest, type ChannelSpec } from './channel.ts'
import { ChannelIndex } from './channel-index.ts'
import { SiteIndex, valuesOfTopic } from './site-index.ts'
import type { Viewer } from './viewer.ts'

export interface HubLimits {
  /** Least milliseconds between two frames of a subscription: a tenth of a second, so at most ten a second. */
  frameIntervalMs: number
  /** Bytes waiting in a socket above which it is only conflated for, not written to. */
  slowBytes: number
  /** Milliseconds a socket may stay slow before it is closed with 4408. */
  slowMs: number
  /** Keys kept for a slow subscription; above, the socket is closed. */
  maxPendingKeys: number
}
/** What the hub needs of a socket. */
export interface LiveClient {
  readonly bufferedAmount: number
  send(frame: Buffer | string): void
  /** Nothing more can be done for this client: 4408. */
  tooSlow(): void
}
export interface Subscription {
  readonly id: string
  readonly client: ClientState
  readonly channel: Channel<Subscription>
  /** Conflated values this socket alone has still to get: it was slow, or its frames of this tick were used up. */
  backlog: Map<string, LiveValue> | undefined
}
interface ClientState {
  readonly client: LiveClient
  readonly subscriptions: Map<string, Subscription>
  /** Subscriptions with a backlog, longest waiting first. */
  readonly waiting: Set<Subscription>
  /** Frames this socket may get now: one more per interval, a few saved up for bursts over several subscriptions. */
  credit: number
  slowSince: number | undefined
}
export type ClientHandle = ClientState

const MAX_CREDIT = 3
const showsDevices = ({ topic }: Channel<Subscription>): boolean => topic.includes(':')
const isBehind = ({ waiting, slowSince }: ClientState): boolean => waiting.size > 0 || slowSince !== undefined
const update = (id: string, data: string, cursor: string) =>
  `{"type":"update","id":${JSON.stringify(id)},"data":${data},"cursor":${cursor}}`

export interface HubCounters {
  /** Values replaced by newer ones, or not sent because a socket was closed. */
  dropped(count: number): void
}

/**
 * Fan-out of the bus to sockets: latest wins per key, ten frames a second at most for each socket, one text for all that
 * see the same. Nothing here ever waits for a socket: one that does not read is conflated for, then closed.
 */
export class LiveHub {
  readonly #bus: LiveBus
  readonly #limits: HubLimits
  readonly #counters: HubCounters
  readonly #now: () => number
  readonly #tracing: Tracing | undefined
  readonly #onAudience: ((audience: LiveAudience) => void) | undefined
  readonly #channels = new Map<string, Channel<Subscription>>()
  readonly #index = new ChannelIndex<Channel<Subscription>>()
  readonly #sites = new SiteIndex()
  readonly #dirty = new Set<Channel<Subscription>>()
  readonly #clients = new Set<ClientState>()
  /** Subscriptions to a site or a device, which show single devices. */
  #detailed = 0
  #audience: LiveAudience = 'nobody'
  readonly #pace: Pace
  #tickedAt = 0
  #cursor: string
  #unsubscribe: (() => void) | undefined

  constructor(
    bus: LiveBus,
    counters: HubCounters,
    limits: HubLimits,
    {
      now = Date.now,
      tracing,
      onAudience,
    }: { now?: () => number; tracing?: Tracing; onAudience?(audience: LiveAudience): void } = {},
  ) {
    this.#bus = bus
    this.#limits = limits
    this.#counters = counters
    this.#now = now
    this.#tracing = tracing
    this.#onAudience = onAudience
    this.#cursor = JSON.stringify(bus.cursor())
    this.#pace = new Pace(limits.frameIntervalMs, () => this.tick())
  }

  start(): void {
    this.#cursor = JSON.stringify(this.#bus.cursor())
    this.#unsubscribe = this.#bus.subscribe((values) => this.#take(values))
  }
  stop(): void {
    this.#pace.stop()
    this.#unsubscribe?.()
    this.#channels.clear()
    this.#clients.clear()
  }
  get sockets(): number {
    return this.#clients.size
  }

  join(client: LiveClient): ClientHandle {
    const state: ClientState = {
      client,
      subscriptions: new Map(),
      waiting: new Set(),
      credit: MAX_CREDIT,
      slowSince: undefined,
    }
    this.#clients.add(state)
    this.#judgeAudience()
    return state
  }
  leave(handle: ClientHandle): void {
    for (const id of [...handle.subscriptions.keys()]) this.unsubscribe(handle, id)
    this.#clients.delete(handle)
    this.#judgeAudience()
  }

  /** Answers at once with what is there (or, for a known cursor, with what was missed); updates follow. */
  subscribe(handle: ClientHandle, id: string, viewer: Viewer, spec: ChannelSpec, cursor?: string): void {
    this.unsubscribe(handle, id)
    const channel = this.#channelOf(viewer, spec)
    const subscription: Subscription = { id, client: handle, channel, backlog: undefined }
    channel.subscribers.add(subscription)
    handle.subscriptions.set(id, subscription)
    if (showsDevices(channel)) this.#detailed++
    this.#judgeAudience()
    // Cursor before content: what changes in between is sent twice rather than never.
    const now = JSON.stringify(this.#bus.cursor())
    const missed = cursor === undefined ? undefined : this.#bus.since(cursor, viewer.tenantId)
    if (missed !== undefined) {
      const newest = new Map<string, LiveValue>()
      for (const value of missed) if (channel.takes(value)) keepNewest(newest, value)
      handle.client.send(update(id, entriesText(newest.values()), now))
      return
    }
    const values: LiveValue[] = []
    for (const value of valuesOfTopic(this.#bus, this.#sites, viewer.tenantId, spec.topic)) {
      if (channel.takes(value)) values.push(value)
    }
    handle.client.send(`{"type":"snapshot","id":${JSON.stringify(id)},"data":${entriesText(values)},"cursor":${now}}`)
  }
  unsubscribe(handle: ClientHandle, id: string): void {
    const subscription = handle.subscriptions.get(id)
    if (!subscription) return
    handle.subscriptions.delete(id)
    handle.waiting.delete(subscription)
    const { channel } = subscription
    channel.subscribers.delete(subscription)
    if (showsDevices(channel)) this.#detailed--
    this.#judgeAudience()
    if (channel.subscribers.size > 0) return
    this.#channels.delete(channel.key)
    this.#index.remove(channel)
    this.#dirty.delete(channel)
  }

  /** Sends what is pending: as soon as there is something, and at most once an interval. */
  tick(): void {
    const now = this.#now()
    const earned = Math.max(1, Math.floor((now - this.#tickedAt) / this.#limits.frameIntervalMs))
    this.#tickedAt = now
    for (const state of this.#clients) {
      state.credit = Math.min(MAX_CREDIT, state.credit + earned)
      if (isBehind(state)) this.#catchUp(state)
    }
    // Of the tick before: every value up to it has been handed to us, so a client that resumes from it misses nothing.
    const cursor = this.#cursor
    this.#cursor = JSON.stringify(this.#bus.cursor())
    for (const channel of this.#dirty) this.#flush(channel, cursor)
    this.#dirty.clear()
    if ([...this.#clients].some(isBehind)) this.#pace.soon()
  }

  #judgeAudience(): void {
    const audience = this.#detailed > 0 ? 'devices' : this.#clients.size > 0 ? 'sites' : 'nobody'
    if (audience === this.#audience) return
    this.#audience = audience
    this.#onAudience?.(audience)
  }

  #channelOf(viewer: Viewer, spec: ChannelSpec): Channel<Subscription> {
    const key = channelKey(viewer, spec)
    let channel = this.#channels.get(key)
    if (channel === undefined) {
      channel = new Channel(viewer, spec)
      this.#channels.set(key, channel)
      this.#index.add(channel)
    }
    return channel
  }

  #take(values: LiveValue[]): void {
    for (const value of values) {
      this.#sites.note(value)
      for (const channel of this.#index.candidates(value)) {
        if (!channel.takes(value)) continue
        if (channel.pending.has(value.key)) this.#counters.dropped(channel.subscribers.size)
        keepNewest(channel.pending, value)
        this.#dirty.add(channel)
      }
    }
    if (this.#dirty.size > 0) this.#pace.soon()
  }

  #flush(channel: Channel<Subscription>, cursor: string): void {
    const { pending } = channel
    channel.pending = new Map()
    const data = entriesText(pending.values())
    const steps = this.#tracing ? this.#stepsOf(pending.values(), this.#tracing) : []
    // Ids are the clients' own; most use the same few, so most sockets share one buffer.
    const frames = new Map<string, Buffer>()
    for (const subscription of channel.subscribers) {
      const { client: state, id } = subscription
      if (state.credit < 1 || state.waiting.has(subscription) || this.#isSlow(state)) {
        this.#putOff(subscription, pending)
        continue
      }
      let frame = frames.get(id)
      if (frame === undefined) {
        frame = Buffer.from(update(id, data, cursor))
        frames.set(id, frame)
      }
      state.credit--
      state.client.send(frame)
    }
    for (const step of steps) step.end()
  }

  #stepsOf(values: Iterable<LiveValue>, tracing: Tracing): TraceStep[] {
    const steps: TraceStep[] = []
    for (const { traceparent } of values)
      if (traceparent !== undefined) steps.push(tracing.follow(traceparent, 'live.send'))
    return steps
  }

  #putOff(subscription: Subscription, pending: ReadonlyMap<string, LiveValue>): void {
    const { client: state } = subscription
    const backlog = (subscription.backlog ??= new Map<string, LiveValue>())
    const before = backlog.size
    for (const value of pending.values()) keepNewest(backlog, value)
    const replaced = before + pending.size - backlog.size
    if (replaced > 0) this.#counters.dropped(replaced)
    state.waiting.add(subscription)
    if (backlog.size > this.#limits.maxPendingKeys) this.#giveUp(state)
  }

  #catchUp(state: ClientState): void {
    if (this.#isSlow(state)) {
      if (this.#now() - state.slowSince! > this.#limits.slowMs) this.#giveUp(state)
      return
    }
    for (const subscription of state.waiting) {
      if (state.credit < 1) return
      state.credit--
      state.waiting.delete(subscription)
      const backlog = subscription.backlog!
      subscription.backlog = undefined
      // What is pending on the channel is newer and comes with the next flush.
      state.client.send(update(subscription.id, entriesText(backlog.values()), this.#cursor))
    }
  }

  #isSlow(state: ClientState): boolean {
    const slow = state.client.bufferedAmount > this.#limits.slowBytes
    if (!slow) state.slowSince = undefined
    else state.slowSince ??= this.#now()
    return slow
  }

  #giveUp(state: ClientState): void {
    for (const { backlog } of state.waiting) if (backlog) this.#counters.dropped(backlog.size)
    this.leave(state)
    state.client.tooSlow()
  }
}
