import type { DecodedReading } from '@heliograph/crm-core/contracts'
import { z } from 'zod'
import { type AnyVendor, DecodeError, type Rejection, type VendorMessage } from './vendor.ts'
import { firstIssue, textOf, tryJson } from './vocabulary/index.ts'

export interface DecodeFileOptions {
  /** Topic of a body that is one message; needed for `.bin`. */
  topic?: string
  /** UTC ms at which the (first) message is said to have arrived. */
  receivedAt: number
  /** IANA zone for local times without an offset. */
  timezone?: string
}
export interface DecodedFile {
  /** Merged: one per (device, ts), the last one wins, in the order in which each pair came first. */
  readings: DecodedReading[]
  /** What could not be understood, a whole message or a part of one; `line` counts from 1 in files of messages. */
  rejected: (Rejection & { line?: number })[]
}

const recordedMessageSchema = z.looseObject({
  topic: z.string().min(1).max(65_535),
  /** Text as it was sent, or JSON that stands for its text. */
  payload: z.unknown(),
  retain: z.boolean().optional(),
  /** Seconds since the recording began. */
  offset_s: z.number().min(0).max(1e9).optional(),
})

/**
 * Decodes one file as its vendor's messages, in a fresh state: `.mqtt.ndjson` is one message a line (`topic`, `payload`,
 * sometimes `retain` and `offset_s`); everything else is one body. Broken messages of a recording are told in `rejected` and do not
 * stop the others.
 * @throws DecodeError where a file of one body is not understood, or a `.bin` comes without a topic
 */
export function decodeFile(
  vendor: AnyVendor,
  name: string,
  bytes: Uint8Array,
  options: DecodeFileOptions,
): DecodedFile {
  const merged = new Map<string, DecodedReading>()
  const rejected: DecodedFile['rejected'] = []
  const state: unknown = vendor.initialState?.()
  const fold = (message: VendorMessage, line?: number) => {
    const decoded = vendor.decode(message, state)
    for (const reading of decoded.readings) merged.set(JSON.stringify([reading.device, reading.ts]), reading)
    for (const one of decoded.rejected ?? []) rejected.push(line === undefined ? one : { ...one, line })
  }

  if (name.endsWith('.mqtt.ndjson')) {
    const lines = textOf(bytes).split('\n')
    lines.forEach((text, index) => {
      if (text.trim() === '') return
      try {
        fold(messageOf(text, options), index + 1)
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
        rejected.push({ reason: error.reason, detail: error.message, line: index + 1 })
      }
    })
  } else {
    if (name.endsWith('.bin') && options.topic === undefined) {
      throw new DecodeError('unknown-format', 'a .bin file needs the topic it was published to (--topic)')
    }
    fold({ ...common(options), body: bytes, transport: options.topic === undefined ? 'webhook' : 'mqtt' })
  }
  return { readings: [...merged.values()], rejected }
}

function messageOf(line: string, options: DecodeFileOptions): VendorMessage {
  const json = tryJson(line)
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
const utf8 = new TextEncoder()
// A missing payload is a zero-length one: with MQTT that means something (a device that left, an entity removed).
const bytesOf = (payload: unknown): Uint8Array =>
  utf8.encode(typeof payload === 'string' ? payload : payload === undefined ? '' : JSON.stringify(payload))

const common = ({ topic, receivedAt, timezone }: DecodeFileOptions) => ({
  receivedAt,
  ...(topic !== undefined && { topic }),
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
