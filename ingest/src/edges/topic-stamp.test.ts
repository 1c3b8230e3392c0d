import { expect, it } from 'vitest'
import { decodeRaw, type ConnectionId, type TenantId } from '@heliograph/crm-core/contracts'
import { stampedRecord, topicStamp } from './topic-stamp.ts'

it('a traced message tells its trace in the record and beside it, any other in neither', () => {
  const owner = { tenantId: 't' as TenantId, connectionId: 'c' as ConnectionId, vendor: 'native' }
  const stamp = topicStamp(new Map(), owner, 'mqtt', 'readings', false, () => '')
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const body = new Uint8Array([1, 2, 3])
  const traced = stampedRecord(stamp, 5, body, { traceparent, end: () => undefined })
  expect(traced).toMatchObject({ key: 'c/', traceparent })
  expect(decodeRaw(traced.value)).toMatchObject({ traceparent, receivedAt: 5, body })
  const other = stampedRecord(stamp, 5, body, undefined)
  expect(Object.keys(other)).toEqual(['key', 'value'])
  expect(decodeRaw(other.value)).not.toHaveProperty('traceparent')
})
