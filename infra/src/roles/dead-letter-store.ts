/** Dead letters into the warehouse: listed, viewed and replayed from there. The same letter again is the same row. */
import {
  type DeadLetterRecord,
  decodeRecord,
  type Log,
  type LogConsumer,
  TOPICS,
  type Warehouse,
} from '@heliograph/crm-core/contracts'
import { Counter, type Registry as MetricsRegistry } from 'prom-client'

export function startDeadLetterStore(deps: {
  log: Log
  warehouse: Warehouse
  metrics: MetricsRegistry
  onError(error: unknown): void
}): LogConsumer {
  const letters = new Counter({
    name: 'helio_dead_letters_total',
    help: 'Messages or parts of them that could not be decoded',
    labelNames: ['reason'],
    registers: [deps.metrics],
  })
  return deps.log.consume({
    topic: TOPICS.deadLetter,
    group: 'store',
    lingerMs: 500,
    onError: deps.onError,
    async handle({ records }) {
      const rows = records.map(({ value }) => {
        const { tenantId, connectionId, vendor, transport, receivedAt, reason, detail, rawRef, body, id, topic } =
          decodeRecord<DeadLetterRecord>(value)
        return {
          id,
          tenant_id: tenantId,
          connection_id: connectionId,
          vendor,
          transport,
          topic: topic ?? '',
          received_at: receivedAt,
          reason,
          detail,
          raw_partition: rawRef.partition,
          raw_offset: rawRef.offset,
          revision: rawRef.revision,
          size: Math.floor((body.length * 3) / 4) - (body.endsWith('==') ? 2 : body.endsWith('=') ? 1 : 0),
          body,
          // A later decoding of the same message says it anew; what it did not say again is resolved under its number.
          version: rawRef.revision,
        }
      })
      await deps.warehouse.insert('dead_letters', rows)
      for (const { reason } of rows) letters.inc({ reason })
    },
  })
}
