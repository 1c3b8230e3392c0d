/** Judges a CONNECT packet. The verdict is the CONNACK code; aedes sends it. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectPacket } from 'aedes'
import type { Admission } from './admission.ts'
import type { MqttLimits } from './config.ts'
import type { MqttIdentity, MqttEdgeDeps, RefusalReason } from './ports.ts'
import type { Session } from './session.ts'

/** CONNACK return codes (MQTT 3.1.1 section 3.2.2.3). */
export const CONNACK = { accepted: 0, clientId: 2, unavailable: 3, wrongCredentials: 4, notAuthorized: 5 } as const

export interface SignInHost {
  /** Sessions of a connection that are open, or about to be. */
  sessionsOf(connectionId: string): number
  /** A topic the connection may not publish to, by name of what is wrong. */
  topicRefusal(vendor: string, topic: string): RefusalReason | undefined
  /** When this connection or one of its credentials was last revoked, if lately. */
  revokedAt(connectionId: string): number | undefined
  refuse(session: Session, reason: RefusalReason, topic?: string): void
  /** The credential is right: the session counts as one of its connection. */
  admit(session: Session, identity: MqttIdentity): void
}

/** A credential store that does not answer must not hold sockets for ever. */
const VERIFY_TIMEOUT_MS = 5_000
/** How long after a revocation the store's answers may still be older than it: its cache of a second, and a little. */
const STALE_ANSWER_MS = 1_100
const VERIFY_TRIES = 3

const isClosed = (session: Session): boolean => session.state === 'closed'

export function createSignIn(options: {
  limits: MqttLimits
  credentials: MqttEdgeDeps['credentials']
  clock: { now(): number }
  admission: Admission
  host: SignInHost
}): (session: Session, packet: ConnectPacket) => Promise<number> {
  const { limits, credentials, clock, admission, host } = options

  async function verify(userName: string, secret: string): Promise<MqttIdentity | undefined> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => late.reject(new Error('the credential store did not answer in time')),
      VERIFY_TIMEOUT_MS,
    )
    try {
      return await Promise.race([credentials.verify(userName, secret), late.promise])
    } finally {
      clearTimeout(timer)
    }
  }
  /** A revocation that came while the answer was under way found no session to cut: ask again, once no answer can be older. */
  async function verifyNow(userName: string, secret: string): Promise<MqttIdentity | undefined> {
    for (let attempt = 0; attempt < VERIFY_TRIES; attempt++) {
      const askedAt = clock.now()
      const identity = await verify(userName, secret)
      const revokedAt = identity && host.revokedAt(identity.connectionId)
      if (revokedAt === undefined || askedAt > revokedAt + STALE_ANSWER_MS) return identity
      await sleep(Math.max(1, revokedAt + STALE_ANSWER_MS + 1 - clock.now()))
    }
    throw new Error('the connection is being revoked over and over')
  }
  function clientIdOf(packet: ConnectPacket): string | undefined {
    const clientId = packet.clientId
    // [MQTT-3.1.3-8]: a kept session needs a name.
    if (!clientId) return packet.clean === false ? undefined : randomUUID()

    return clientId.length > limits.clientIdLength || /[\u0000-\u001f\u007f\ufffd]/.test(clientId)
      ? undefined
      : clientId
  }

  return async (session, packet) => {
    const refuse = (verdict: number, reason: RefusalReason, topic?: string): number => {
      host.refuse(session, reason, topic)
      return verdict
    }
    const clientId = clientIdOf(packet)
    if (clientId === undefined) return refuse(CONNACK.clientId, 'client-id')

    const userName = packet.username
    if (!userName || !packet.password || userName.length > limits.userNameLength)
      return refuse(CONNACK.wrongCredentials, 'no-credentials')
    session.userName = userName
    if (packet.password.length > limits.secretLength) return refuse(CONNACK.wrongCredentials, 'wrong-credentials')
    const secret = packet.password.toString('utf8')

    const key = `${userName}\n${session.address}`
    if (admission.locked(key, clock.now())) return refuse(CONNACK.notAuthorized, 'too-many-failures')
    const wait = admission.turn(clock.now())
    if (wait === undefined) return refuse(CONNACK.unavailable, 'connect-rate')
    if (wait > 0) await sleep(wait)
    if (isClosed(session)) return CONNACK.unavailable

    let identity: MqttIdentity | undefined
    try {
      identity = await verifyNow(userName, secret)
    } catch {
      return refuse(CONNACK.unavailable, 'unavailable')
    }
    if (!identity) {
      admission.failed(key, clock.now())
      return refuse(CONNACK.wrongCredentials, 'wrong-credentials')
    }
    if (isClosed(session)) return CONNACK.unavailable
    if (host.sessionsOf(identity.connectionId) >= limits.sessionsPerConnection)
      return refuse(CONNACK.unavailable, 'too-many-sessions')

    session.identity = identity
    const will = packet.will
    if (will) {
      if (host.topicRefusal(identity.vendor, will.topic)) return refuse(CONNACK.notAuthorized, 'will', will.topic)
      if (will.payload.length > limits.payloadBytes) return refuse(CONNACK.notAuthorized, 'will', will.topic)
    }
    // Two connections may use the same client id without meeting; within one the newer session takes over.
    packet.clientId = `${identity.connectionId}/${clientId}`
    packet.keepalive = packet.keepalive ? Math.min(packet.keepalive, limits.keepaliveS) : limits.keepaliveS
    host.admit(session, identity)
    return CONNACK.accepted
  }
}
