import { describe, expect, it } from 'vitest'
import { createRawStamper, decodeRaw, encodeRaw, type RawHeader } from '@heliograph/crm-core/contracts'

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
})
