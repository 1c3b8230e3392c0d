import type { DeadLetterRecord, Reading } from '@heliograph/crm-core/contracts'

const MAX_DETAIL = 300

/**
 * A reading that a store refused, as a dead letter: under the same id however often it is refused.
 * @param store which one, as a part of the id
 */
export function refusedLetter(reading: Reading, store: 'store' | 'series', detail: string): DeadLetterRecord {
  const { tenantId, rawRef, source, receivedAt, ts } = reading
  return {
    id: `${rawRef.partition}-${rawRef.offset}-${store}-${ts}`,
    tenantId,
    connectionId: rawRef.connectionId,
    vendor: source,
    transport: 'import',
    receivedAt,
    reason: 'store-refused',
    detail: detail.slice(0, MAX_DETAIL),
    rawRef,
    body: Buffer.from(JSON.stringify(reading)).toString('base64'),
  }
}
