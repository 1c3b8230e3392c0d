/**
 * Watches where MQTT packets begin and end in a stream of bytes, so that a packet that is too large is known by its
 * header, before a byte of its body is kept. It never copies and looks at no body.
 */
export type FrameFault = 'not-connect' | 'frame-too-large' | 'protocol'

export interface FrameGuard {
  /** Takes the next bytes; the fault of the first bad packet, if any. Not to be called again after a fault. */
  scan(chunk: Uint8Array): FrameFault | undefined
  /** Bytes of a packet that has begun and not ended. */
  readonly partialBytes: number
  /** True once a whole packet has gone by. */
  readonly passed: boolean
}

const CONNECT = 1
const HEADER_TYPE = 0
const HEADER_LENGTH = 1
const BODY = 2

export function createFrameGuard(limits: { connectBytes: number; packetBytes: number }): FrameGuard {
  let state = HEADER_TYPE
  let type = 0
  let length = 0
  let shift = 0
  let left = 0
  let first = true
  let partial = 0
  let passed = false

  return {
    get partialBytes() {
      return partial
    },
    get passed() {
      return passed
    },
    scan(chunk) {
      const end = chunk.length
      let at = 0
      while (at < end) {
        if (state === BODY) {
          const taken = Math.min(left, end - at)
          at += taken
          left -= taken
          if (left > 0) break
          state = HEADER_TYPE
          passed = true
        } else if (state === HEADER_TYPE) {
          type = chunk[at++]! >> 4
          if (first && type !== CONNECT) return 'not-connect'
          length = 0
          shift = 0
          state = HEADER_LENGTH
        } else {
          const byte = chunk[at++]!
          length += (byte & 0x7f) * 2 ** shift
          shift += 7
          if (byte & 0x80) {
            if (shift >= 28) return 'protocol'
            continue
          }
          if (length > (first ? limits.connectBytes : limits.packetBytes)) return 'frame-too-large'
          first = false
          left = length
          state = length > 0 ? BODY : HEADER_TYPE
          passed ||= length === 0
        }
      }
      partial = state === BODY ? length - left : 0
      return undefined
    },
  }
}
