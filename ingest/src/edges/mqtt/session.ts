/**
 * One socket: whose it is, what it has under way, and whether it may be read. The socket's `read` is where reading stops:
 * bytes that nobody may take stay in the socket, its buffer fills, and TCP tells the device to wait.
 */
import type { Socket } from 'node:net'
import type { TopicStamp } from '../topic-stamp.ts'
import type { MqttLimits } from './config.ts'
import { createFrameGuard, type FrameFault, type FrameGuard } from './frame-guard.ts'
import type { MqttIdentity, RefusalReason } from './ports.ts'

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
  /** Once it is open: under which name, since when (UTC ms). */
  opened: { clientId: string; at: number } | undefined
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
    opened: undefined,
    userName: undefined,
    verdict: 0,
    outlawed: false,
    inFlight: 0,
    filters: new Set(),
    topics: new Map(),
    tally: undefined,
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
