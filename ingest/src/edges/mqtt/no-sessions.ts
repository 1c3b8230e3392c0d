/**
 * What aedes would keep for others (retained messages, offline queues, subscriptions, wills of other brokers) and whom it
 * would forward messages to: nothing and nobody. A device speaks to the log alone, so each is answered with "none" at the
 * least cost; only the message ids of unfinished QoS 2 deliveries are kept, for the life of the socket.
 * Shapes: `aedes-persistence` and `mqemitter`.
 */
import { Readable } from 'node:stream'
import type { Client } from 'aedes'

const none = Promise.resolve()
const noList: Promise<never[]> = Promise.resolve([])
type Numbered = { messageId?: number }

export interface OpenDeliveries {
  /** Whether this id's message is on disk and its delivery not yet released. */
  has(client: Client, messageId: number): boolean
  add(client: Client, messageId: number): void
  /** Deliveries this client has not released. */
  count(client: Client): number
}

export function createNoSessions(): { persistence: object; open: OpenDeliveries } {
  const ids = new WeakMap<Client, Set<number>>()
  const open: OpenDeliveries = {
    has: (client, messageId) => ids.get(client)?.has(messageId) ?? false,
    add(client, messageId) {
      let known = ids.get(client)
      if (!known) ids.set(client, (known = new Set()))
      known.add(messageId)
    },
    count: (client) => ids.get(client)?.size ?? 0,
  }
  const persistence = {
    // aedes insists on an async function here.
    async setup() {
      await none
    },
    storeRetained: () => none,
    createRetainedStream: () => Readable.from([]),
    createRetainedStreamCombi: () => Readable.from([]),
    addSubscriptions: () => none,
    removeSubscriptions: () => none,
    subscriptionsByClient: () => noList,
    countOffline: () => Promise.resolve({ subsCount: 0, clientsCount: 0 }),
    subscriptionsByTopic: () => noList,
    cleanSubscriptions: () => none,
    outgoingEnqueue: () => none,
    outgoingEnqueueCombi: () => none,
    outgoingUpdate: () => none,
    outgoingClearMessageId: () => none,
    outgoingStream: () => Readable.from([]),
    incomingStorePacket: () => none,
    /** Rejects for an id that is not open: aedes then takes the message for a new one. */
    incomingGetPacket: (client: Client, packet: Numbered) =>
      open.has(client, packet.messageId ?? 0) ? Promise.resolve(packet) : Promise.reject(new Error('no such packet')),
    incomingDelPacket(client: Client, packet: Numbered) {
      ids.get(client)?.delete(packet.messageId ?? 0)
      return none
    },
    cleanIncoming(client: Client) {
      ids.delete(client)
      return none
    },
    putWill: () => none,
    getWill: () => none,
    delWill: () => none,
    streamWill: () => Readable.from([]),
    getClientList: () => Readable.from([]),
    destroy: () => none,
  }
  return { persistence, open }
}

type Done = (error?: Error | null) => void
/** An emitter that forwards to nobody. */
export function createSilentEmitter(): object {
  const later = (done?: Done): void => {
    if (done) setImmediate(done)
  }
  return {
    current: 0,
    concurrency: 0,
    on(_topic: string, _listener: unknown, done?: Done) {
      later(done)
      return this
    },
    removeListener(_topic: string, _listener: unknown, done?: Done) {
      later(done)
      return this
    },
    removeAllListeners(_topic: string, done?: Done) {
      later(done)
      return this
    },
    emit(_message: unknown, done?: Done) {
      done?.()
      return this
    },
    close(done?: Done) {
      later(done)
      return this
    },
  }
}
