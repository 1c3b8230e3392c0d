import fc from 'fast-check'
import { generate, type Packet } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { createFrames, type Oversized } from './frames.ts'

const publish = (size: number, qos: 0 | 1, messageId = 7): Buffer =>
  generate({
    cmd: 'publish',
    topic: 'readings',
    payload: Buffer.alloc(size, 1),
    qos,
    messageId,
    dup: false,
    retain: false,
  })

function cut(bytes: Buffer, sizes: number[], packetBytes = 1_000) {
  const packets: Buffer[] = []
  const oversized: Oversized[] = []
  const frames = createFrames({
    packetBytes,
    onPacket: (packet) => packets.push(Buffer.from(packet)),
    onOversized: (message) => oversized.push(message),
  })
  let at = 0
  let ok = true
  for (let index = 0; at < bytes.length && ok; index++) {
    const size = sizes[index % sizes.length]!
    ok = frames.push(bytes.subarray(at, at + size))
    at += size
  }
  return { packets, oversized, ok }
}

describe('packets of a broker', () => {
  it('are the same however the bytes are cut, and what is too large is skipped alone', () => {
    const sent: Buffer[] = [
      publish(10, 1),
      publish(5_000, 1, 9),
      generate({ cmd: 'pingresp' } as Packet),
      publish(3_000, 0),
      publish(0, 1),
    ]
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 }), (sizes) => {
        const { packets, oversized, ok } = cut(Buffer.concat(sent), sizes)
        expect(ok).toBe(true)
        expect(packets).toEqual([sent[0], sent[2], sent[4]])
        expect(oversized).toEqual([
          { topic: 'readings', qos: 1, messageId: 9, size: 5_012 },
          { topic: 'readings', qos: 0, messageId: undefined, size: 3_010 },
        ])
      }),
      { numRuns: 60 },
    )
  })
  it.each([
    ['a length of five bytes', [0x30, 0xff, 0xff, 0xff, 0xff, 1]],
    ['a large packet that is no publish', [0x90, 0xff, 0xff, 0x7f, 0, 1]],
    ['a topic longer than its packet', [0x30, 0xd0, 0x0f, 0xff, 0xff, ...new Array<number>(100).fill(65)]],
  ])('end with %s', (_name, bytes) => {
    expect(cut(Buffer.from(bytes), [1]).ok).toBe(false)
  })
})
