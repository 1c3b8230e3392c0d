/**
 * One socket: whose it is, what it has under way, and whether it may be read. The socket's `read` is where reading stops:
 * bytes that nobody may take stay in the socket, its buffer fills, and TCP tells the device to wait.
 */
import type { Socket } from 'node:net'
import { createRawStamper } from '@heliograph/crm-core/contracts'
import type { MqttLimits } from './config.ts'
import { createFrameGuard, type FrameFault, type FrameGuard } from './frame-guard.ts'
import type { MqttIdentity, RefusalReason } from './ports.ts'

type Stamp = (receivedAt: number, body: Uint8Array) => Uint8Array
export interface TopicStamp {
  key: string
  stamp: Stamp
}
/** Connection's counts since they were last told. */
export interface Tally {
  vendor: string
  received: number
  acknowledged: number
}

export interface Session {
  readonly socket: Socket
  readonly address: string
  readonly guard: FrameGuard
  /** `fresh`: no CONNECT yet; `knocking`: CONNECT read, not answered; `open`; `closed`. */
  state: 'fresh' | 'knocking' | 'open' | 'closed'
  identity: MqttIdentity | undefined
  userName: string | undefined
  /** CONNACK code that authentication will give; 0 lets in. */
  verdict: number
  /** Revoked or refused: nothing more of it is taken, its will neither. */
  outlawed: boolean
  /** Messages read and not settled. */
  inFlight: number
  readonly filters: Set<string>
  readonly topics: Map<string, TopicStamp>
  tally: Tally | undefined
}

/** Topics of one client whose stamp is kept ready. Devices that publish more only lose the shortcut. */
const KEPT_TOPICS = 256

export function createSession(socket: Socket, limits: MqttLimits): Session {
  return {
    socket,
    address: socket.remoteAddress ?? '',
    guard: createFrameGuard({
      connectBytes: limits.connectBytes,
      // Fixed part, topic with its length, packet id: what a message of the allowed size needs around it.
      packetBytes: limits.payloadBytes + limits.topicBytes + 4,
    }),
    state: 'fresh',
    identity: undefined,
    userName: undefined,
    verdict: 0,
    outlawed: false,
    inFlight: 0,
    filters: new Set(),
    topics: new Map(),
    tally: undefined,
  }
}

/** Bytes of pooled memory: a record lives until its append is settled, about a millisecond. */
const pooled = (size: number): Uint8Array => Buffer.allocUnsafe(size)

/** The stamp of a topic, made on its first message. */
export function topicStamp(
  session: Session,
  identity: MqttIdentity,
  topic: string,
  retain: boolean,
  shard: (vendor: string, topic: string) => string,
): TopicStamp {
  const { tenantId, connectionId, vendor } = identity
  const made: TopicStamp = {
    key: `${connectionId}/${shardOf(vendor, topic, shard)}`,
    stamp: createRawStamper(
      { tenantId, connectionId, vendor, transport: 'mqtt', topic, ...(retain && { retain }) },
      pooled,
    ),
  }
  if (retain) return made
  if (session.topics.size >= KEPT_TOPICS) session.topics.clear()
  session.topics.set(topic, made)
  return made
}

/** A topic that the vendor's file stumbles over must not stop the edge: it goes to the connection's common shard, always. */
function shardOf(vendor: string, topic: string, shard: (vendor: string, topic: string) => string): string {
  try {
    return shard(vendor, topic)
  } catch {
    return ''
  }
}

export interface ReadGate {
  /** Asked before every read. */
  mayRead(session: Session): boolean
  /** A read was put off: `nudge` it when that changes. */
  waits(session: Session): void
  /** Half-received bytes of this session changed by so much; false when all sessions together hold too many. */
  partial(change: number): boolean
  fault(session: Session, reason: RefusalReason): void
}

/** Puts the gate and the frame guard in front of the socket's `read`, the one place where aedes takes bytes. */
export function guardReads(session: Session, gate: ReadGate): void {
  const { socket, guard } = session
  const read = socket.read.bind(socket)
  const fault = (reason: FrameFault | 'partial-frames'): null => {
    gate.fault(session, reason)
    return null
  }
  // aedes does not read while it has messages under way; that the sender is gone must be seen nevertheless.
  socket.on('readable', () => {
    if (socket.readableLength === 0) read(0)
  })
  socket.read = (size?: number): Buffer | null => {
    if (session.state === 'closed' || session.outlawed) return null
    if (!gate.mayRead(session)) {
      gate.waits(session)
      return null
    }
    const chunk = read(size) as Buffer | null
    if (chunk === null) return null
    const before = guard.partialBytes
    const bad = guard.scan(chunk)
    if (bad) return fault(bad)
    const change = guard.partialBytes - before
    if (change !== 0 && !gate.partial(change)) return fault('partial-frames')
    // Until the sign-in is judged nothing more is read: a client that sends at once fills its own socket only.
    if (session.state === 'fresh' && guard.passed) session.state = 'knocking'
    return chunk
  }
}

/** Makes aedes ask for bytes again. */
export function nudge(session: Session): void {
  if (session.state !== 'closed') session.socket.emit('readable')
}
