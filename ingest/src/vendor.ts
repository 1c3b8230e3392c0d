/**
 * What a vendor's file says: how its messages become readings. No base class and no I/O: a decoder is a fold over the
 * messages of one shard, so that decoding the same messages again gives the same readings.
 */
import type { DeadLetterReason, DecodedReading, Transport } from '@heliograph/crm-core/contracts'

/** One message as the edge stamped it. */
export interface VendorMessage {
  /** MQTT topic, or path of a forwarded HTTP answer; absent where the body came alone (a webhook, a file). */
  topic?: string
  body: Uint8Array
  contentType?: string
  transport: Transport
  /** UTC milliseconds. The only clock a decoder may look at. */
  receivedAt: number
  retain?: boolean
  /** IANA zone for local times without an offset; absent: unknown, then the time of arrival is used. */
  timezone?: string
}

/** A part of a message that could not be understood; the rest of the message still counts. */
export interface Rejection {
  reason: DeadLetterReason
  /** One line for a person: which field, what was there, what was expected. Never the whole body. */
  detail: string
}
/** A message the edge is asked to send back to the device (Victron keepalive, Sparkplug rebirth; nothing else passes). */
export interface Downlink {
  topic: string
  body: string | Uint8Array
}

export interface Decoded {
  /**
   * Empty is fine: a valid message with nothing measured. A reading of the same (device, ts) as an earlier one replaces it,
   * so a decoder that gathers one value per message yields the fuller reading again under the same ts, and needs no timer.
   */
  readings: DecodedReading[]
  rejected?: Rejection[]
  downlinks?: Downlink[]
}

export interface Vendor<State = undefined> {
  /** Folder name in fixtures, value of `vendor` everywhere. */
  id: string
  /** As people know it. */
  name: string
  transports: readonly ('mqtt' | 'webhook' | 'http' | 'poll')[]
  /** MQTT topics this vendor's devices publish, as patterns; for the guide and for `decode` of a file without a topic. */
  topics?: readonly string[]
  /**
   * The only MQTT topics its devices can publish, as patterns, where the vendor fixes them: anything else is refused at the
   * edge, and nobody else's devices publish there. Absent: owners choose their topics.
   */
  publishTopics?: readonly string[]
  /** Its decoder never looks at the topic: on a broker of the owner's, its messages may have any. */
  ignoresTopic?: true
  /**
   * Part of the key of the raw log, read from the topic alone; must never split a state (Sparkplug: group and edge node;
   * Victron: portal id). Absent: the whole connection is one shard.
   */
  shard?(topic: string): string
  /** State of a fresh shard. JSON-serialisable, bounded in size: it is checkpointed with the offset. */
  initialState?(): State
  /**
   * Folds one message. May change `state` in place. Throws `DecodeError` when the message as a whole is not understood;
   * anything else thrown counts as a bug of the decoder and dead-letters the message too.
   */
  decode(message: VendorMessage, state: State): Decoded
  /** Downlink topics this vendor needs, as patterns, `+` for one level. The edge sends nothing else. */
  downlinkTopics?: readonly string[]
  /** What an owner has to enter at the device or the vendor's page to send data here, in short steps (shown in the Data desk). */
  guide: readonly string[]
  /** What can be copied to the device or run as it is. */
  paste?: readonly VendorPaste[]
}

/** Words that are filled in for a connection. The page of a connection has no others, so neither may a text. */
export const PASTE_WORDS = ['host', 'port', 'user', 'secret', 'address', 'server', 'path', 'header', 'device'] as const
export interface VendorPaste {
  label: string
  /** Of connections that are reached this way. */
  transport: 'mqtt' | 'webhook'
  /** Of webhooks that prove themselves this way; absent: any way. A signature cannot be written by hand. */
  scheme?: 'basic' | 'shared-header'
  /**
   * With `%host%` and `%port%` of MQTT, `%user%`, `%secret%`, `%address%` of the webhook and its parts `%server%` (host and port)
   * and `%path%`, the `%header%` of a shared secret, and `%device%` as a serial in a sample. Several lines are shown as a block.
   */
  text: string
}

/** The message as a whole is not understood: it becomes one dead letter with this reason. */
export class DecodeError extends Error {
  readonly reason: DeadLetterReason
  constructor(reason: DeadLetterReason, detail: string, options?: { cause?: unknown }) {
    super(detail, options)
    this.name = 'DecodeError'
    this.reason = reason
  }
}

/** Types a vendor's file; the state's type is inferred from `initialState`. */
export function defineVendor<State = undefined>(vendor: Vendor<State>): Vendor<State> {
  return vendor
}
/** A vendor of any state, for the index and the fold. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the fold keeps each vendor's state apart and never looks into it
export type AnyVendor = Vendor<any>
