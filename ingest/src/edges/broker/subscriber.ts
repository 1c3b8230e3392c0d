/**
 * Keeps one subscription to a tenant's broker alive: connects, subscribes, hands messages to the log, acknowledges them in the
 * order they came when they are on disk, and tries again with growing pauses when anything breaks. The session at the broker
 * outlives our connection, so what is published while we are away waits there.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { IPublishPacket } from 'mqtt-packet'
import type { Appender, Message } from '../mqtt/appender.ts'
import { createBucket } from '../mqtt/admission.ts'
import { matchesTopic, type TopicFault, topicFault } from '../mqtt/topics.ts'
import { beginReceive, stampedRecord, topicStamp, type TopicStamp } from '../topic-stamp.ts'
import type { BrokerLimits } from './config.ts'
import type { Oversized } from './frames.ts'
import { clientIdOf, type BrokerPlan, subscriptionsOf } from './plan.ts'
import type { BrokerEdgeDeps, BrokerState, BrokerWord } from './ports.ts'
import { BrokerTrouble, filterTrouble } from './trouble.ts'
import { Wire, type WireVersion } from './wire.ts'

export interface Subscriber {
  readonly plan: BrokerPlan
  readonly word: BrokerWord
  start(): void
  /** After a change of who may read. */
  letRead(): void
  /** @returns false where it is not connected */
  send(topic: string, payload: Buffer): 'sent' | 'no-client' | 'topic' | 'rate'
  /** Nothing more is taken from this moment on. What was taken is still acknowledged until `finish`. */
  halt(): void
  /** Leaves the broker. @param forget its session there is ended too */
  finish(forget: boolean): Promise<void>
}

/** A message whose acknowledgement waits for its turn: they go out in the order the messages came. */
interface Turn {
  messageId: number
  done: boolean
}

type LeftOut = TopicFault | 'foreign-topic' | 'payload-too-large' | 'log'
const LEFT_OUT: Record<LeftOut, string> = {
  'foreign-topic': 'devices of this vendor do not publish there',
  topic: 'it is longer or deeper than is taken, or holds what a topic cannot have',
  'reserved-topic': 'it is the broker’s own',
  'payload-too-large': 'larger than is taken',
  log: 'larger than the log takes',
}
const shown = (topic: string): string => (topic.length > 80 ? `${topic.slice(0, 80)}…` : topic)
const FORGET_MS = 10_000
const DRAIN_LOOK_MS = 10
const REFUSALS: ReadonlySet<string> = new Set(['credentials', 'client-id', 'filter-refused', 'address-refused'])

export function createSubscriber(
  plan: BrokerPlan,
  deps: BrokerEdgeDeps & {
    limits: BrokerLimits
    /** Wait for what was taken to be on disk and acknowledged before the broker is left. */
    drainMs: number
    appender: Pick<Appender, 'push'>
    mayRead(): boolean
    tell(): void
    tally(vendor: string, acknowledged: boolean): void
  },
): Subscriber {
  const { limits, clock, metrics } = deps
  const stopping = new AbortController()
  const stamps = new Map<string, TopicStamp>()
  const mayPass = createBucket(limits.downlinksPerSecond, limits.downlinkBurst)
  let wire: Wire | undefined
  /** Of the connection that is open; a new one begins with none, since the broker sends again what was not acknowledged. */
  let turns: Turn[] = []
  let inFlight = 0
  let halted = false
  let version: WireVersion = plan.version === '3.1.1' ? 4 : 5
  /** What the session at the broker is known to hold. */
  let subscribed = ''
  let running: Promise<void> | undefined
  /** The first message that was not taken: a filter that is too broad, or a sender that is wrong. */
  let leftOut: { code: string; message: string } | undefined
  let word: BrokerWord = { state: 'connecting', since: clock.now() }

  function say(state: BrokerState, trouble?: { code: string; message: string }): void {
    const before = word
    word = {
      state,
      since: before.state === state ? before.since : clock.now(),
      ...(trouble && { code: trouble.code, message: trouble.message }),
      ...(state === 'connected' && wire && { version: wire.version === 5 ? '5' : '3.1.1' }),
    }
    if (before.state !== state || before.message !== word.message) deps.tell()
  }

  function answered(turn: Turn | undefined, of: Wire): void {
    if (!turn) return
    turn.done = true
    if (of !== wire) return
    let count = 0
    while (count < turns.length && turns[count]!.done) of.ack(turns[count++]!.messageId)
    if (count > 0) turns.splice(0, count)
  }
  function turnOf(qos: number, messageId: number | undefined): Turn | undefined {
    if (qos === 0 || messageId === undefined) return undefined
    const turn = { messageId, done: false }
    turns.push(turn)
    return turn
  }
  function reject(reason: LeftOut, topic: string, turn: Turn | undefined, of: Wire): void {
    metrics.inc('helio_ingest_rejected_messages_total', { reason }, 1)
    leftOut ??= {
      code: reason,
      message: `Messages are left out, first of the topic "${shown(topic)}": ${LEFT_OUT[reason]}`,
    }
    // Refusing it would bring it again with every connection, and stop what comes behind it.
    answered(turn, of)
  }

  function take(packet: IPublishPacket, of: Wire): void {
    // Not acknowledged: it stays with the broker, for who comes next.
    if (halted) return
    const { topic, qos, retain } = packet
    const turn = turnOf(qos, packet.messageId)
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    let stamp = retain ? undefined : stamps.get(topic)
    if (!stamp) {
      const fault = topicFault(topic, limits) ?? (deps.mayPublish(plan.vendor, topic) ? undefined : 'foreign-topic')
      if (fault) return reject(fault, topic, turn, of)
      stamp = topicStamp(stamps, plan, 'broker', topic, retain, deps.shard)
    }
    if (payload.length > limits.payloadBytes) return reject('payload-too-large', topic, turn, of)
    const step = beginReceive(deps.tracing, stamp, payload.length)
    const message: Message = {
      record: stampedRecord(stamp, clock.now(), payload, step),
      wanted: () => qos === 0 || (of === wire && of.isOpen),
      settled(error) {
        inFlight--
        step?.end(error)
        if (error) return reject('log', topic, turn, of)
        const isAnswered = turn !== undefined && of === wire && of.isOpen
        deps.tally(plan.vendor, isAnswered)
        answered(turn, of)
        letRead()
      },
    }
    inFlight++
    deps.appender.push(message)
    if (!mayRead()) of.pause()
  }
  function skip({ topic, qos, messageId }: Oversized, of: Wire): void {
    if (!halted) reject('payload-too-large', topic, turnOf(qos, messageId), of)
  }
  const mayRead = (): boolean => !halted && inFlight < limits.inFlight && deps.mayRead()
  function letRead(): void {
    if (mayRead()) wire?.resume()
    else wire?.pause()
  }

  async function open(clean: boolean, signal: AbortSignal): Promise<Wire> {
    const socket = await deps.dial({ ...plan.address, ...(plan.caCert !== null && { caCert: plan.caCert }) }, signal)
    if (signal.aborted) {
      socket.destroy()
      throw new BrokerTrouble('closed', 'We left')
    }
    const made: Wire = new Wire({
      socket,
      version,
      clientId: clientIdOf(plan),
      username: plan.username,
      password: plan.password,
      clean,
      sessionExpiryS: clean ? 0 : limits.sessionExpiryS,
      keepaliveS: limits.keepaliveS,
      receiveMaximum: limits.inFlight,
      // Topic with its length, packet id, and room for properties: what a message of the allowed size needs around it.
      packetBytes: limits.payloadBytes + limits.topicBytes + 4_096,
      answerMs: limits.answerMs,
      unreadAckBytes: limits.unreadAckBytes,
      onPublish: (packet) => take(packet, made),
      onOversized: (message) => skip(message, made),
    })
    const giveUp = (): void => made.cut(new BrokerTrouble('closed', 'We left'))
    signal.addEventListener('abort', giveUp)
    try {
      if (!clean) {
        wire = made
        turns = []
      }
      await made.open()
      return made
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }
  /** In the version that was asked for; where both are fine, in the newer one that the broker speaks. */
  async function openInVersion(signal: AbortSignal): Promise<Wire> {
    try {
      return await open(false, signal)
    } catch (error) {
      const isUnknown = error instanceof BrokerTrouble && (error.code === 'version' || error.code === 'no-answer')
      if (plan.version !== 'auto' || !isUnknown || signal.aborted) throw error
      version = version === 5 ? 4 : 5
      try {
        return await open(false, signal)
      } catch (second) {
        version = 5
        throw second
      }
    }
  }

  async function subscribe(of: Wire): Promise<BrokerTrouble | undefined> {
    // A broker of before cannot say what it offers, and may take a shared subscription for a topic of that name.
    const { wanted, unwanted } = subscriptionsOf(plan, of.version === 5 && of.sharedAvailable)
    const set = JSON.stringify(wanted)
    if (!of.sessionPresent) subscribed = ''
    // Asked once more, a broker of 3.1.1 would send again everything that it retains.
    if (subscribed === set) return undefined
    if (of.sessionPresent && unwanted.length > 0) await of.unsubscribe(unwanted)
    if (wanted.length === 0) {
      subscribed = set
      return undefined
    }
    const codes = await of.subscribe(wanted)
    const refused = wanted.flatMap((filter, index) => {
      const code = codes[index] ?? 128
      return code >= 128 ? [{ filter, code }] : []
    })
    if (refused.length === 0) {
      subscribed = set
      return undefined
    }
    const trouble = filterTrouble(refused)
    if (refused.length === wanted.length) throw trouble
    return trouble
  }

  /** One connection, from its beginning to its end. @returns what ended it, and how long it held */
  async function connection(): Promise<{ trouble: BrokerTrouble; heldMs: number }> {
    let heldSince: number | undefined
    let trouble: BrokerTrouble
    try {
      // While it is tried again, what was wrong is what people need to see.
      if (word.state !== 'failed') say('connecting')
      const made = await openInVersion(stopping.signal)
      const partly = await subscribe(made)
      heldSince = performance.now()
      metrics.inc('helio_broker_connects_total', { result: 'ok' }, 1)
      say('connected', partly)
      letRead()
      trouble = await made.closed
      if (!halted) metrics.inc('helio_broker_disconnects_total', { reason: trouble.code }, 1)
    } catch (error) {
      trouble =
        error instanceof BrokerTrouble
          ? error
          : new BrokerTrouble('unreachable', error instanceof Error ? error.message : String(error), { cause: error })
      if (!halted) metrics.inc('helio_broker_connects_total', { result: trouble.code }, 1)
      wire?.cut(trouble)
    }
    wire = undefined
    return { trouble, heldMs: heldSince === undefined ? 0 : performance.now() - heldSince }
  }

  async function run(): Promise<void> {
    let pauseMs = limits.retryMs
    while (!halted) {
      const { trouble, heldMs } = await connection()
      if (halted) return
      say('failed', trouble)
      if (heldMs >= limits.steadyMs) pauseMs = limits.retryMs
      if (REFUSALS.has(trouble.code)) pauseMs = Math.max(pauseMs, limits.refusedRetryMs)
      // Drawn, so that a broker that comes back is not met by everybody at once.
      const waitMs = pauseMs * (0.5 + 0.5 * deps.random())
      pauseMs = Math.min(pauseMs * 2, limits.retryMaxMs)
      await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  /** A clean connection is what every version takes for "throw away what you keep for me". */
  async function forgetSession(): Promise<void> {
    const signal = AbortSignal.timeout(FORGET_MS)
    const made = await open(true, signal)
    await made.close(true)
  }

  return {
    plan,
    get word() {
      return word.state === 'connected' && word.message === undefined ? { ...word, ...leftOut } : word
    },
    start() {
      running = run()
    },
    letRead,
    send(topic, payload) {
      if (
        !deps.downlinkTopics(plan.vendor).some((pattern) => matchesTopic(pattern, topic)) ||
        topicFault(topic, limits)
      )
        return 'topic'
      if (!wire?.isOpen || word.state !== 'connected') return 'no-client'
      if (!mayPass(clock.now())) return 'rate'
      wire.publish(topic, payload)
      return 'sent'
    },
    halt() {
      halted = true
      wire?.pause()
    },
    async finish(forget) {
      halted = true
      const until = performance.now() + deps.drainMs
      while (inFlight > 0 && wire?.isOpen && performance.now() < until) await sleep(DRAIN_LOOK_MS)
      const last = wire
      if (last?.isOpen && word.state === 'connected') await last.close()
      else last?.cut(new BrokerTrouble('closed', 'We left'))
      stopping.abort()
      await running
      if (forget) await forgetSession().catch(() => undefined)
    },
  }
}
