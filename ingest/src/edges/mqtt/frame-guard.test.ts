import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import mqttPacket from 'mqtt-packet'
import { createFrameGuard } from './frame-guard.ts'

const connect = mqttPacket.generate({ cmd: 'connect', clientId: 'c', protocolId: 'MQTT', protocolVersion: 4 })
const message = (size: number): Buffer =>
  mqttPacket.generate({ cmd: 'publish', topic: 't', payload: Buffer.alloc(size), qos: 0, dup: false, retain: false })
const limits = { connectBytes: 200, packetBytes: 1_000 }

describe('the frame guard', () => {
  it('finds the same packets however the bytes are cut', () => {
    const stream = Buffer.concat([connect, message(0), message(500), Buffer.from([0xc0, 0]), message(997)])
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 40 }), (cuts) => {
        const guard = createFrameGuard(limits)
        let at = 0
        for (const cut of [...cuts, stream.length]) {
          expect(guard.scan(stream.subarray(at, at + cut))).toBeUndefined()
          at = Math.min(stream.length, at + cut)
        }
        expect(guard.partialBytes).toBe(0)
        expect(guard.passed).toBe(true)
      }),
    )
  })
  it('knows a packet that is too large by its header alone', () => {
    const guard = createFrameGuard(limits)
    expect(guard.scan(connect)).toBeUndefined()
    expect(guard.scan(message(998).subarray(0, 2))).toBeUndefined()
    expect(guard.scan(message(998).subarray(2, 3))).toBe('frame-too-large')
  })
  it('refuses a first packet that is no CONNECT, or too large a one', () => {
    expect(createFrameGuard(limits).scan(message(1))).toBe('not-connect')
    expect(createFrameGuard(limits).scan(Buffer.from('GET / HTTP/1.1\r\n'))).toBe('not-connect')
    expect(createFrameGuard(limits).scan(Buffer.from([0x10, 0xff, 0x01]))).toBe('frame-too-large')
  })
  it('refuses a length of more than four bytes', () => {
    const guard = createFrameGuard(limits)
    guard.scan(connect)
    expect(guard.scan(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff]))).toBe('protocol')
  })
  it('tells how much of a packet is half received', () => {
    const guard = createFrameGuard(limits)
    guard.scan(connect.subarray(0, 5))
    expect(guard.partialBytes).toBe(3)
    expect(guard.passed).toBe(false)
    guard.scan(connect.subarray(5))
    expect(guard.partialBytes).toBe(0)
  })
})
