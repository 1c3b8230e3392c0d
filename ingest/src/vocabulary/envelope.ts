import { DecodeError, type VendorMessage } from '../vendor.ts'
import { isRecord } from './shape.ts'

/** More messages than this in one body are refused. */
const MAX_ENVELOPES = 5000
const utf8 = new TextEncoder()

/**
 * Broker bridges and rule engines forward MQTT messages by HTTP as `{"topic": …, "payload": …}`, alone or in a list. Gives
 * the messages inside, or undefined where the JSON is no such envelope. The payload is text, or JSON that stands for its text.
 * @throws DecodeError `too-large`
 */
export function unwrap(json: unknown, message: VendorMessage): VendorMessage[] | undefined {
  const items: unknown[] = Array.isArray(json) ? json : [json]
  const messages: VendorMessage[] = []
  for (const item of items) {
    if (!isRecord(item) || typeof item.topic !== 'string' || !Object.hasOwn(item, 'payload')) return undefined
    const { topic, payload } = item
    const text = typeof payload === 'string' ? payload : payload === null ? '' : JSON.stringify(payload)
    messages.push({
      ...message,
      topic,
      body: utf8.encode(text),
      ...(typeof item.retain === 'boolean' && { retain: item.retain }),
    })
  }
  if (messages.length > MAX_ENVELOPES)
    throw new DecodeError('too-large', `more than ${MAX_ENVELOPES} messages in one body`)
  return messages.length > 0 ? messages : undefined
}
