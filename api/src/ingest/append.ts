import { Counter, type Registry } from 'prom-client'
import {
  encodeRaw,
  LogError,
  ProblemError,
  type LogProducer,
  type ProblemCode,
  type RawHeader,
} from '@heliograph/crm-core/contracts'

/** Told to senders when the log is full or behind, seconds. */
const RETRY_AFTER_S = 5

export interface RawAppender {
  /** Resolves when the message is on disk. @throws ProblemError `overloaded`, `unavailable` or `too_large` */
  append(header: RawHeader, body: Uint8Array): Promise<void>
  /** Counts a message that was refused before it reached the log. */
  reject(reason: ProblemCode | 'signature'): void
}

export interface RawAppenderOptions {
  producer: LogProducer
  metrics: Registry
  /** Bytes not yet on disk above which nothing more is taken. */
  maxPendingBytes: number
  /** Seconds to wait where the line behind the log is too far behind or the disk too full; undefined: go on. */
  pressure: (() => number | undefined) | undefined
}

/** The HTTP edge's way into the log: bounded, counted, acknowledged only when durable. */
export function createRawAppender({ producer, metrics, maxPendingBytes, pressure }: RawAppenderOptions): RawAppender {
  const received = counter(metrics, 'helio_ingest_received_messages_total', 'Messages that reached an edge', [
    'transport',
    'vendor',
  ])
  const acknowledged = counter(metrics, 'helio_ingest_acknowledged_messages_total', 'Messages on disk and acknowledged')
  const rejected = counter(metrics, 'helio_ingest_rejected_messages_total', 'Messages an edge refused', ['reason'])

  return {
    async append(header, body) {
      received.inc({ transport: header.transport, vendor: header.vendor })
      const wait = producer.pendingBytes + body.length > maxPendingBytes ? RETRY_AFTER_S : pressure?.()
      if (wait !== undefined) {
        rejected.inc({ reason: 'overloaded' })
        throw new ProblemError('overloaded', undefined, { retryAfterS: wait })
      }
      try {
        await producer.append([{ key: header.connectionId, value: encodeRaw(header, body) }])
      } catch (error) {
        rejected.inc({ reason: error instanceof LogError ? error.code : 'internal' })
        throw error
      }
      acknowledged.inc()
    },
    reject: (reason) => rejected.inc({ reason }),
  }
}

/** Another edge in this process may have made the metric already. */
function counter(registry: Registry, name: string, help: string, labelNames: string[] = []): Counter {
  const known = registry.getSingleMetric(name)
  return known instanceof Counter ? known : new Counter({ name, help, labelNames, registers: [registry] })
}
