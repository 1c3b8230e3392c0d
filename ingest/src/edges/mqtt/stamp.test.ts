import { describe, expect, it } from 'vitest'
import { createRawReader, createRawStamper, decodeRaw, encodeRaw, type RawHeader } from '@heliograph/crm-core/contracts'

describe('the stamper', () => {
  const header = {
    tenantId: 't',
    connectionId: 'c',
    vendor: 'native',
    transport: 'mqtt',
    topic: 'größe/"quoted"\\/\u0001',
  } as unknown as Omit<RawHeader, 'receivedAt'>

  it('writes what encodeRaw writes, also into memory that was used before', () => {
    const stamp = createRawStamper(header, (size) => new Uint8Array(size).fill(0xaa))
    for (const receivedAt of [0, 1_760_000_000_000, Number.MAX_SAFE_INTEGER])
      for (const body of [new Uint8Array(), new Uint8Array([1, 2, 0]), new Uint8Array(70_000).fill(7)])
        expect(stamp(receivedAt, body)).toEqual(encodeRaw({ ...header, receivedAt }, body))
    expect(decodeRaw(stamp(5, new Uint8Array([9])))).toEqual({ ...header, receivedAt: 5, body: new Uint8Array([9]) })
  })

  it('is read back by the reader as by decodeRaw, whatever stands in the header', () => {
    const read = createRawReader()
    const headers = [
      header,
      { ...header, topic: ',"receivedAt":12}' },
      { ...header, topic: '' },
      { ...header, connectionId: 'd' },
      { ...header, backfill: true },
    ] as unknown as Omit<RawHeader, 'receivedAt'>[]
    for (let round = 0; round < 2; round++)
      for (const each of headers)
        for (const receivedAt of [0, 7, 1_760_000_000_000 + round]) {
          const record = createRawStamper(each)(receivedAt, new Uint8Array([1, round]))
          expect(read(record)).toEqual(decodeRaw(record))
        }
    // Written another way: the time stands elsewhere, or is none that a stamp has.
    for (const head of ['{"receivedAt":5,"tenantId":"t"}', '{"receivedAt":5.25}', '{"receivedAt":-5}', '{}']) {
      const bytes = new TextEncoder().encode(head)
      const record = new Uint8Array([2, 0, 0, 0, bytes.length, ...bytes, 9])
      record[0] = encodeRaw({ ...header, receivedAt: 1 }, new Uint8Array())[0]!
      expect(read(record)).toEqual(decodeRaw(record))
    }
    expect(() => read(new Uint8Array([1, 0, 0, 0]))).toThrow()
    expect(() => read(new Uint8Array([2, 0, 0, 0, 200, 1]))).toThrow()
  })
})
