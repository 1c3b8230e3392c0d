/**
 * Cuts a broker's bytes into packets. A publish that is too large is known by its first bytes and skipped, so that it can be
 * acknowledged without ever being held: left alone, the broker would send it again with every connection.
 */

export interface Oversized {
  topic: string
  qos: number
  /** Of QoS 1 and 2. */
  messageId: number | undefined
  /** Bytes after the fixed header. */
  size: number
}
export interface Frames {
  /** False where the bytes are no MQTT, or a packet other than a publish is too large: nothing can be read any more. */
  push(chunk: Buffer): boolean
}

const PUBLISH = 3
const LENGTH_BYTES = 4

export function createFrames(options: {
  /** Largest packet, without its fixed header. */
  packetBytes: number
  onPacket(bytes: Buffer): void
  onOversized(message: Oversized): void
}): Frames {
  let rest: Buffer = Buffer.alloc(0)
  let skipping = 0
  let skipped: Oversized | undefined

  return {
    push(chunk) {
      const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
      let at = 0
      for (;;) {
        if (skipped) {
          const taken = Math.min(skipping, data.length - at)
          at += taken
          skipping -= taken
          if (skipping > 0) break
          const message = skipped
          skipped = undefined
          options.onOversized(message)
          continue
        }
        const header = readHeader(data, at)
        if (header === 'bad') return false
        if (header === undefined) break
        const body = at + header.bytes
        if (header.length > options.packetBytes) {
          const head = readPublishHead(data, at, body, header.length)
          if (head === 'bad') return false
          if (head === undefined) break
          skipped = head.message
          skipping = header.length - head.bytes
          at = body + head.bytes
          continue
        }
        if (data.length < body + header.length) break
        options.onPacket(data.subarray(at, body + header.length))
        at = body + header.length
      }
      // Copied: a view would keep the whole chunk.
      rest = at < data.length ? Buffer.from(data.subarray(at)) : Buffer.alloc(0)
      return true
    },
  }
}

/** Bytes of the fixed header and the length it tells; undefined while it is not there as a whole. */
function readHeader(data: Buffer, at: number): { bytes: number; length: number } | 'bad' | undefined {
  let length = 0
  for (let index = 0; index < LENGTH_BYTES; index++) {
    const byte = data[at + 1 + index]
    if (byte === undefined) return undefined
    length += (byte & 0x7f) * 2 ** (7 * index)
    if ((byte & 0x80) === 0) return { bytes: index + 2, length }
  }
  return 'bad'
}

/** Topic and packet id of a publish, and how many bytes of its body they take. */
function readPublishHead(
  data: Buffer,
  at: number,
  body: number,
  length: number,
): { message: Oversized; bytes: number } | 'bad' | undefined {
  if (data[at]! >> 4 !== PUBLISH) return 'bad'
  const qos = (data[at]! >> 1) & 3
  if (data.length < body + 2) return undefined
  const topicBytes = data.readUInt16BE(body)
  const bytes = 2 + topicBytes + (qos > 0 ? 2 : 0)
  if (bytes > length || qos > 2) return 'bad'
  if (data.length < body + bytes) return undefined
  const topic = data.toString('utf8', body + 2, body + 2 + topicBytes)
  return {
    message: { topic, qos, messageId: qos > 0 ? data.readUInt16BE(body + 2 + topicBytes) : undefined, size: length },
    bytes,
  }
}
