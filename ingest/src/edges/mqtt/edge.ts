/**
 * The MQTT edge: devices sign in with a connection's credential and publish; a message is acknowledged when it is on disk.
 * aedes speaks the protocol; what it would keep and forward is turned off, each connection is a world of its own.
 */
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Aedes, type AuthenticateError, type Client, type ConnectPacket, type PublishPacket } from 'aedes'
import { beginReceive, stampedRecord, topicStamp } from '../topic-stamp.ts'
import { createAdmission } from './admission.ts'
import { createAppender } from './appender.ts'
import { mqttEdgeConfigSchema, type MqttEdgeSettings } from './config.ts'
import { createDownlinks, type DownlinkResult, type MqttDownlink } from './downlinks.ts'
import { createListeners } from './listeners.ts'
import { createNoSessions, createSilentEmitter } from './no-sessions.ts'
import type { MqttEdgeDeps, MqttIdentity, RefusalReason, Revocation, Takeover } from './ports.ts'
import { createPressureGauge, type PressureLevel } from './pressure.ts'
import { type Done, PublishedMessage } from './publish.ts'
import { createRefusals } from './refusals.ts'
import { createSession, guardReads, type Session, type Tally } from './session.ts'
import { createSessions } from './sessions.ts'
import { CONNACK, createSignIn } from './sign-in.ts'
import { coversFilter, topicFault } from './topics.ts'

export interface MqttEdge {
  /** Listens. Rejects, with nothing left open, where a port cannot be had. An edge that was stopped stays stopped. */
  start(): Promise<void>
  /** Stops accepting and reading, waits for what was read to be on disk and acknowledged, closes every socket. */
  stop(): Promise<void>
  /** Sends to those clients of the connection that subscribed to the topic. */
  send(connectionId: string, downlink: MqttDownlink): DownlinkResult
  stats(): MqttEdgeStats
  /** Ports actually bound. */
  ports(): { plain?: number; tls?: number }
}
export interface MqttEdgeStats {
  sockets: number
  /** Sockets whose bytes are left unread for now. */
  waiting: number
  /** Bytes read and not yet on disk. */
  heldBytes: number
  pressure: PressureLevel
}

/** MQTT 5 CONNACK "unsupported protocol version" (MQTT 5.0 section 3.2.2.2), in the form a version 5 client reads. */
const CONNACK_V5_UNSUPPORTED = Buffer.from([0x20, 0x03, 0x00, 0x84, 0x00])
const MEASURE_EVERY_MS = 100
/** Under pressure many sessions wait: they are looked through at most this often. */
const NUDGE_EVERY_MS = 10
const REVOCATIONS_REMEMBERED = 10_000
const CLOSE_WAIT_MS = 500
/** Clocks of two edges may differ by so much: an older session gives way whatever they say. */
const CLOCK_SKEW_MS = 5_000

/** An error that was counted where it was found. */
class Refused extends Error {}

export function createMqttEdge(deps: MqttEdgeDeps, settings: MqttEdgeSettings): MqttEdge {
  const config = mqttEdgeConfigSchema.parse(settings)
  const { limits } = config
  const { clock, metrics, producer } = deps
  const sessions = createSessions()
  const tallies = new Map<string, Tally>()
  const revokedAt = new Map<string, number>()
  const { persistence, open } = createNoSessions()
  const refusals = createRefusals(deps)
  let broker: Aedes | undefined
  let stopping = false
  let partialBytes = 0
  let nudgedAt = 0
  let measuring: NodeJS.Timeout | undefined
  let unsubscribe: (() => void)[] = []

  const appender = createAppender({
    producer,
    pressure: config.pressure,
    paused: () => deps.pressure?.() ?? false,
    onFailure: (error) =>
      metrics.inc('helio_mqtt_append_failures_total', { code: (error as { code?: string }).code ?? 'error' }, 1),
    onChange: afterAppend,
  })
  const gauge = createPressureGauge({
    appender,
    producer,
    signal: deps.pressure && (() => deps.pressure!()),
    settings: config.pressure,
    limits,
  })
  const mayRead = (session: Session): boolean => !stopping && gauge.mayRead(session)
  const signIn = createSignIn({
    limits,
    credentials: deps.credentials,
    clock,
    admission: createAdmission(limits),
    host: {
      sessionsOf: (connectionId) => sessions.connection(connectionId)?.size ?? 0,
      topicRefusal,
      revokedAt: (connectionId) => revokedAt.get(connectionId),
      refuse,
      admit,
    },
  })
  const downlinks = createDownlinks({ sessions, limits, metrics, downlinkTopics: deps.downlinkTopics, clock })
  const listeners = createListeners(config, accept, (_error, address) => refusals({ reason: 'protocol', address }))

  function refuse(session: Session, reason: RefusalReason, topic?: string): void {
    refusals({
      reason,
      address: session.address,
      ...(session.userName !== undefined && { userName: session.userName }),
      ...(session.identity && { tenantId: session.identity.tenantId, connectionId: session.identity.connectionId }),
      ...(topic !== undefined && { topic: topic.slice(0, limits.topicBytes) }),
    })
  }
  /** Ends a socket from our side. Its will still counts, unless it is outlawed: the device is gone, and says so. */
  function cut(session: Session): void {
    session.state = 'closed'
    session.socket.destroy()
  }

  function afterAppend(): void {
    for (const tally of tallies.values()) {
      if (tally.received === 0) continue
      const { vendor, received, acknowledged } = tally
      tally.received = 0
      tally.acknowledged = 0
      metrics.inc('helio_ingest_received_messages_total', { transport: 'mqtt', vendor }, received)
      if (acknowledged > 0)
        metrics.inc('helio_ingest_acknowledged_messages_total', { transport: 'mqtt', vendor }, acknowledged)
    }
    letRead()
  }
  function letRead(): void {
    const level = gauge.measure()
    if (sessions.waiting === 0 || level === 'hard') return
    const now = performance.now()
    if (level === 'soft' && now - nudgedAt < NUDGE_EVERY_MS) return
    nudgedAt = now
    sessions.nudge(mayRead)
  }

  function look(): void {
    appender.poke()
    letRead()
  }

  function accept(socket: Socket): void {
    if (!broker || stopping || sessions.size >= limits.sockets) {
      if (!stopping) refusals({ reason: 'too-many-sockets', address: socket.remoteAddress ?? '' })
      socket.destroy()
      return
    }
    const session = createSession(socket, limits)
    sessions.add(session)
    guardReads(session, {
      mayRead,
      waits: sessions.waits,
      partial(change) {
        partialBytes += change
        return partialBytes <= limits.partialBytes
      },
      fault(faulty, reason) {
        refuse(faulty, reason)
        cut(faulty)
      },
    })
    socket.on('drain', () => sessions.wake(session))
    socket.once('close', () => {
      session.state = 'closed'
      partialBytes -= session.guard.partialBytes
      sessions.remove(session)
    })
    sessions.bind(broker.handle(socket), session)
  }

  function topicRefusal(vendor: string, topic: string): RefusalReason | undefined {
    return topicFault(topic, limits) ?? (deps.mayPublish?.(vendor, topic) === false ? 'foreign-topic' : undefined)
  }
  function admit(session: Session, { connectionId, vendor }: MqttIdentity): void {
    let tally = tallies.get(vendor)
    if (!tally) tallies.set(vendor, (tally = { vendor, received: 0, acknowledged: 0 }))
    session.tally = tally
    sessions.admit(session, connectionId)
  }

  function preConnect(
    client: Client,
    packet: ConnectPacket,
    done: (error: Error | null, successful: boolean) => void,
  ): void {
    const session = sessions.of(client)
    if (!session || stopping) return done(new Refused('stopping'), false)
    if (packet.protocolVersion === 5) {
      refuse(session, 'protocol-version')
      session.socket.write(CONNACK_V5_UNSUPPORTED, () => done(new Refused('MQTT 5'), false))
      return
    }
    signIn(session, packet).then(
      (verdict) => {
        session.verdict = verdict
        done(null, true)
      },
      () => done(new Refused('sign-in failed'), false),
    )
  }
  function authenticate(
    client: Client,
    _userName: string | undefined,
    _secret: Buffer | undefined,
    done: (error: AuthenticateError | null, successful: boolean | null) => void,
  ): void {
    const session = sessions.of(client)
    const verdict = session?.identity && !session.outlawed ? session.verdict : session?.verdict || CONNACK.notAuthorized
    if (verdict === CONNACK.accepted) return done(null, true)
    done(Object.assign(new Refused('refused'), { returnCode: verdict }) as AuthenticateError, false)
  }

  function authorizePublish(client: Client | null, packet: PublishPacket, done: Done): void {
    const session = client ? sessions.of(client) : undefined
    const identity = session?.identity
    if (!client || !session || !identity || session.outlawed) return done(new Refused('not signed in'))
    // aedes hands the will over as it stood in the CONNECT packet, which has no command of its own.
    const isWill = (packet.cmd as string | undefined) === undefined
    // Our own stop, or a log that refuses while memory is full, is no word from the device.
    if (isWill && (stopping || gauge.level === 'hard')) return done(new Refused('not now'))
    const { topic, qos } = packet
    const messageId = packet.messageId
    let stamp = packet.retain ? undefined : session.topics.get(topic)
    if (!stamp) {
      const reason = topicRefusal(identity.vendor, topic)
      if (reason) {
        refuse(session, reason, topic)
        return done(new Refused(reason))
      }
      stamp = topicStamp(session.topics, identity, 'mqtt', topic, packet.retain, deps.shard)
    }
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    if (payload.length > limits.payloadBytes) {
      refuse(session, 'payload-too-large', topic)
      return done(new Refused('payload too large'))
    }
    if (qos === 2 && !isWill) {
      // Repeated before it was released: it is on disk, only the answer was lost.
      if (open.has(client, messageId ?? 0)) return done(null)
      if (open.count(client) >= limits.inFlightPerClient) {
        refuse(session, 'protocol', topic)
        return done(new Refused('too many unreleased QoS 2 messages'))
      }
    }
    const step = beginReceive(deps.tracing, stamp, payload.length)
    const settled: Done = step ? (error) => (step.end(error ?? undefined), done(error)) : done
    const record = stampedRecord(stamp, clock.now(), payload, step)
    appender.push(new PublishedMessage(record, session, client, { qos, messageId, isWill }, open, settled))
    if (gauge.level === 'none' && appender.heldBytes >= config.pressure.softBytes) gauge.measure()
    else if (gauge.level === 'soft' && appender.heldBytes >= config.pressure.hardBytes) gauge.measure()
  }

  function maySubscribe(session: Session, filter: string): boolean {
    if (!session.identity || session.outlawed) return false
    if (session.filters.size >= limits.subscriptionsPerClient && !session.filters.has(filter)) return false
    return deps.downlinkTopics(session.identity.vendor).some((pattern) => coversFilter(pattern, filter))
  }

  function onRevoked(revocation: Revocation): void {
    revokedAt.delete(revocation.connectionId)
    if (revokedAt.size >= REVOCATIONS_REMEMBERED) revokedAt.delete(revokedAt.keys().next().value!)
    revokedAt.set(revocation.connectionId, clock.now())
    for (const session of sessions.revoked(revocation)) {
      session.outlawed = true
      refuse(session, 'revoked')
      cut(session)
    }
  }

  /** The device is at another edge now, and well: that this socket of it ends is no word from it, so its will is left unsaid. */
  function onTakenOver({ clientId, at }: Takeover): void {
    const session = sessions.named(clientId)
    if (!session?.opened || session.state === 'closed') return
    // Said before the device came here.
    if (session.opened.at > at && clock.now() - session.opened.at < CLOCK_SKEW_MS) return
    session.outlawed = true
    metrics.inc('helio_mqtt_disconnects_total', { reason: 'taken-over' }, 1)
    cut(session)
  }

  function wire(aedes: Aedes): void {
    aedes.on('clientReady', (client) => {
      const session = sessions.of(client)
      if (!session || session.state === 'closed') return
      session.state = 'open'
      const at = clock.now()
      sessions.open(session, client.id, at)
      deps.takeovers?.tell({ clientId: client.id, at })
      // After aedes has handled what came right behind the CONNECT.
      setImmediate(sessions.wake, session)
    })
    aedes.on('unsubscribe', (filters, client) => {
      for (const filter of filters) sessions.of(client)?.filters.delete(filter)
    })
    const onError = (_client: Client, error: Error): void => {
      if (error instanceof Refused) return
      metrics.inc('helio_mqtt_disconnects_total', { reason: disconnectReason(error) }, 1)
    }
    aedes.on('clientError', onError)
    aedes.on('connectionError', onError)
    // Node throws on an `error` that nobody hears.
    aedes.on('error' as 'closed', () => metrics.inc('helio_mqtt_disconnects_total', { reason: 'broker' }, 1))
  }

  async function closeSockets(): Promise<void> {
    const closing = [...sessions.all()]
    for (const session of closing) {
      session.socket.destroySoon()
      // aedes leaves the socket alone until bytes or an end come; nothing more is read.
      session.outlawed = true
    }
    const until = performance.now() + CLOSE_WAIT_MS
    while (sessions.size > 0 && performance.now() < until) await sleep(10)
    for (const session of sessions.all()) session.socket.destroy()
  }

  return {
    async start() {
      stopping = false
      broker = await Aedes.createBroker({
        persistence,
        mq: createSilentEmitter(),
        connectTimeout: limits.connectTimeoutMs,
        queueLimit: limits.inFlightPerClient,
        maxClientsIdLength: 1_024,
        // The most it takes: ours is judged where it is counted and audited.
        maxTopicLevels: 100,
        preConnect,
        authenticate,
        authorizePublish,
        authorizeSubscribe(client, subscription, done) {
          const session = sessions.of(client)
          const { topic } = subscription
          if (session && maySubscribe(session, topic)) {
            session.filters.add(topic)
            return done(null, subscription)
          }
          if (session) refuse(session, 'subscription', topic)
          done(null, null)
        },
      })
      wire(broker)
      unsubscribe = [deps.revocations.subscribe(onRevoked)]
      if (deps.takeovers) unsubscribe.push(deps.takeovers.subscribe(onTakenOver))
      measuring = setInterval(look, MEASURE_EVERY_MS)
      measuring.unref()
      try {
        await listeners.start()
      } catch (error) {
        await this.stop()
        throw error
      }
    },
    async stop() {
      stopping = true
      listeners.close()
      for (const end of unsubscribe.splice(0)) end()
      await appender.drain(config.drainMs)
      appender.stop()
      clearInterval(measuring)
      // The acknowledgements of the last append leave aedes within a turn.
      await new Promise((resolve) => setImmediate(resolve))
      await closeSockets()
      const closing = broker
      broker = undefined
      if (closing) await new Promise<void>((resolve) => closing.close(() => resolve()))
      afterAppend()
    },
    send: downlinks,
    stats: () => ({
      sockets: sessions.size,
      waiting: sessions.waiting,
      heldBytes: appender.heldBytes,
      pressure: gauge.level,
    }),
    ports: () => listeners.ports(),
  }
}

function disconnectReason(error: Error & { code?: string }): string {
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')
    return 'reset'
  if (error.message === 'keep alive timeout') return 'keepalive'
  if (error.message === 'connect did not arrive in time') return 'no-connect'
  if (error.message === 'drain timeout') return 'slow-reader'
  if (error.message === 'connection closed') return 'closed'
  return 'protocol'
}
