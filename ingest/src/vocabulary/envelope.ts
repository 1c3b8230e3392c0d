import { DecodeError, type Decoded, type VendorMessage } from '../vendor.ts'
import { limited } from './rejections.ts'
import { isRecord } from './shape.ts'

/** More messages than this in one body are refused. */
const MAX_ENVELOPES = 5000
const utf8 = new TextEncoder()

/**
 * Broker bridges and rule engines forward MQTT messages by HTTP as `{"topic": …, "payload": …}`, alone or in a list. Gives
 * the messages inside, or undefined where the JSON is no such envelope. The payload is text, or JSON that stands for its text.
 * @throws DecodeError `too-large`
 */
export const unwrap = (json: unknown, message: VendorMessage): VendorMessage[] | undefined =>
  envelopesIn(json, message, (item) =>
    typeof item.topic === 'string' && Object.hasOwn(item, 'payload')
      ? { topic: item.topic, payload: item.payload }
      : undefined,
  )

/** @param read what an object says as an envelope; undefined where it is none, and then nothing here is */
function envelopesIn(
  json: unknown,
  message: VendorMessage,
  read: (item: Record<string, unknown>) => { topic: string; payload: unknown } | undefined,
): VendorMessage[] | undefined {
  const items: unknown[] = Array.isArray(json) ? json : [json]
  const messages: VendorMessage[] = []
  for (const item of items) {
    const found = isRecord(item) ? read(item) : undefined
    if (!isRecord(item) || !found) return undefined
    messages.push({
      ...message,
      topic: found.topic,
      body: utf8.encode(textFor(found.payload)),
      ...(typeof item.retain === 'boolean' && { retain: item.retain }),
    })
  }
  checkLength(messages.length)
  return messages.length > 0 ? messages : undefined
}
const textFor = (payload: unknown): string =>
  typeof payload === 'string' ? payload : payload === null ? '' : JSON.stringify(payload)
function checkLength(length: number): void {
  if (length > MAX_ENVELOPES) throw new DecodeError('too-large', `more than ${MAX_ENVELOPES} messages in one body`)
}

/** Names under which bridges write where an HTTP answer came from, and what it said. */
const PATH_KEYS = ['topic', 'path', 'url', 'uri', 'endpoint', 'responseUrl'] as const
const BODY_KEYS = ['payload', 'body', 'response', 'json', 'message'] as const

/**
 * The same for vendors whose bodies are JSON of their own and are read over HTTP as well: an answer in an envelope that names its
 * topic, path or address (`{"url": …, "status": 200, "body": …}`), and lists of them.
 * @throws DecodeError `too-large`
 */
const unwrapAnswers = (json: unknown, message: VendorMessage): VendorMessage[] | undefined =>
  envelopesIn(json, message, (item) => {
    const path = PATH_KEYS.map((key) => item[key]).find((value) => typeof value === 'string')
    const key = BODY_KEYS.find((name) => Object.hasOwn(item, name))
    if (typeof path !== 'string' || key === undefined) return undefined
    const payload = item[key]
    if (typeof payload !== 'string' && typeof payload !== 'object' && key !== 'payload') return undefined
    return { topic: topicIn(path, message.topic), payload }
  })
/** Of an address its path; a path alone stands behind the topic that the envelope came by, which names the device. */
function topicIn(path: string, outer: string | undefined): string {
  const local = path.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
  if (local === '' || (local.startsWith('/') && outer !== undefined)) return `${outer ?? ''}${local}`
  return local
}

/** Decodes what stands in envelopes; undefined where the JSON is none. */
export function forwarded(
  json: unknown,
  message: VendorMessage,
  decode: (message: VendorMessage) => Decoded,
): Decoded | undefined {
  const inner = unwrapAnswers(json, message)
  return inner && decodeEach(inner, decode)
}

/**
 * Decodes what a bridge forwards, in envelopes or as a list of bodies; undefined where the JSON is a body itself.
 * @param isBatch whether a list that is not empty holds bodies. Default: of objects
 */
export function gathered(
  json: unknown,
  message: VendorMessage,
  decode: (message: VendorMessage) => Decoded,
  isBatch: (list: readonly unknown[]) => boolean = (list) => list.every(isRecord),
): Decoded | undefined {
  const inner = forwarded(json, message, decode)
  if (inner || !Array.isArray(json) || json.length === 0 || !isBatch(json)) return inner
  return inBatch(json, message, decode)
}

/** Decodes a list of bodies that a bridge gathered, each as a message of its own. */
export function inBatch(list: readonly unknown[], message: VendorMessage, decode: (message: VendorMessage) => Decoded) {
  checkLength(list.length)
  return decodeEach(
    list.map((item) => ({ ...message, body: utf8.encode(textFor(item)) })),
    decode,
  )
}

/** Several messages as one; one that is not understood stops none of the others, and all together only where none is. */
function decodeEach(messages: readonly VendorMessage[], decode: (message: VendorMessage) => Decoded): Decoded {
  const all: Required<Decoded> = { readings: [], rejected: [], downlinks: [] }
  let failure: DecodeError | undefined
  let understood = 0
  for (const message of messages) {
    try {
      const one = decode(message)
      understood++
      all.readings.push(...one.readings)
      all.rejected.push(...(one.rejected ?? []))
      all.downlinks.push(...(one.downlinks ?? []))
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      failure ??= error
      all.rejected.push({ reason: error.reason, detail: error.message })
    }
  }
  if (understood === 0 && failure) throw failure
  const rejected = limited(all.rejected)
  return {
    readings: all.readings,
    ...(rejected.length > 0 && { rejected }),
    ...(all.downlinks.length > 0 && { downlinks: all.downlinks }),
  }
}
