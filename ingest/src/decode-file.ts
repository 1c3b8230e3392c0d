import type { DecodedReading } from '@heliograph/crm-core/contracts'
import { z } from 'zod'
import { type AnyVendor, DecodeError, type Rejection, type VendorMessage } from './vendor.ts'
import { firstIssue, textOf, tryJson } from './vocabulary/index.ts'

export interface DecodeFileOptions {
  /** Topic of a body that is one message; needed for `.bin`. */
  topic?: string
  contentType?: string
  /** UTC ms at which the (first) message is said to have arrived. */
  receivedAt: number
  /** IANA zone for local times without an offset. */
  timezone?: string
}
export interface DecodedFile {
  /** Merged: one per (device, ts), the last one wins, in the order in which each pair came first. */
  readings: DecodedReading[]
  /** What could not be understood, a whole message or a part of one; `line` counts from 1 in files of messages. */
  rejected: FileRejection[]
}
export type FileRejection = Rejection & { line?: number }

const recordedMessageSchema = z.looseObject({
  topic: z.string().min(1).max(65_535),
  /** Text as it was sent, or JSON that stands for its text. */
  payload: z.unknown().optional(),
  retain: z.boolean().optional(),
  /** Seconds since the recording began. */
  offset_s: z.number().min(0).max(1e9).optional(),
})

/**
 * Messages of a file: `.mqtt.ndjson` is one a line (`topic`, `payload`, sometimes `retain` and `offset_s`), everything else is
 * one body. A broken line gives its rejection instead of a message.
 * @throws DecodeError where a recording is no text, or a `.bin` comes without a topic
 */
export function* messagesOf(
  name: string,
  bytes: Uint8Array,
  options: DecodeFileOptions,
): Generator<{ message: VendorMessage; line?: number } | { rejection: FileRejection }> {
  if (!name.endsWith('.mqtt.ndjson')) {
    if (name.endsWith('.bin') && options.topic === undefined) {
      throw new DecodeError('unknown-format', 'a .bin file needs the topic it was published to (--topic)')
    }
    yield { message: { ...common(options), body: bytes, transport: options.topic === undefined ? 'webhook' : 'mqtt' } }
    return
  }
  const lines = textOf(bytes).split('\n')
  for (const [index, text] of lines.entries()) {
    if (text.trim() === '') continue
    const line = index + 1
    try {
      yield { message: messageOf(text, options), line }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      yield { rejection: { reason: error.reason, detail: error.message, line } }
    }
  }
}

/**
 * Decodes one file as its vendor's messages, in a fresh state or in the one that earlier files of the same call left (births of
 * Sparkplug, positions of AhoyDTU). A message of a recording that is not understood is told in
 * `rejected` and does not stop the others.
 * @throws DecodeError where a file of one body is not understood, or a `.bin` comes without a topic
 */
export function decodeFile(
  vendor: AnyVendor,
  name: string,
  bytes: Uint8Array,
  options: DecodeFileOptions,
  state: unknown = vendor.initialState?.(),
): DecodedFile {
  const merged = new Map<string, DecodedReading>()
  const rejected: FileRejection[] = []
  for (const item of messagesOf(name, bytes, options)) {
    if ('rejection' in item) {
      rejected.push(item.rejection)
      continue
    }
    const { message, line } = item
    try {
      const decoded = vendor.decode(message, state)
      for (const reading of decoded.readings) merged.set(JSON.stringify([reading.device, reading.ts]), reading)
      for (const one of decoded.rejected ?? []) rejected.push(line === undefined ? one : { ...one, line })
    } catch (error) {
      if (!(error instanceof DecodeError) || line === undefined) throw error
      rejected.push({ reason: error.reason, detail: error.message, line })
    }
  }
  return { readings: [...merged.values()], rejected }
}

function messageOf(line: string, options: DecodeFileOptions): VendorMessage {
  const json = exactJson(line)
  if (json === undefined) throw new DecodeError('not-json', 'line is not JSON')
  const recorded = recordedMessageSchema.safeParse(json)
  if (!recorded.success) throw new DecodeError('invalid-field', firstIssue(recorded.error))
  const { topic, payload, retain, offset_s: offset = 0 } = recorded.data
  return {
    ...common(options),
    topic,
    body: bytesOf(payload),
    transport: 'mqtt',
    receivedAt: options.receivedAt + Math.round(offset * 1000),
    ...(retain !== undefined && { retain }),
  }
}
/**
 * JSON whose numbers come out of `JSON.stringify` as they went in: 1e309 would become null on the way and 2^53+1 lose its last
 * digit, and then the decoder would not see what was sent.
 */
function exactJson(text: string): unknown {
  if (tryJson(text) === undefined) return undefined
  const exact = JSON as unknown as { parse(text: string, revive: Revive): unknown; rawJSON(text: string): unknown }
  return exact.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER)
      ? exact.rawJSON(source)
      : value,
  )
}
type Revive = (key: string, value: unknown, context: { source?: string }) => unknown

const utf8 = new TextEncoder()
// A missing payload is a zero-length one: with MQTT that means something (a device that left, an entity removed).
const bytesOf = (payload: unknown): Uint8Array =>
  utf8.encode(
    typeof payload === 'string' ? payload : payload === undefined || payload === null ? '' : JSON.stringify(payload),
  )

const common = ({ topic, contentType, receivedAt, timezone }: DecodeFileOptions) => ({
  receivedAt,
  ...(topic !== undefined && { topic }),
  ...(contentType !== undefined && { contentType }),
  ...(timezone !== undefined && { timezone }),
})

/** A reading as the operator's tool prints it, one JSON line each (contract section 7): `ts` is UTC milliseconds. */
export function decodedLine({
  device,
  ts,
  tsSource,
  metrics,
  status,
  faults,
  dc,
  ac,
  quality,
}: DecodedReading): string {
  return JSON.stringify({ device, ts, tsSource, metrics, status, faults, dc, ac, quality })
}
