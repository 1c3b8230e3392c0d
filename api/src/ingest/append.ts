import { Counter, type Registry } from 'prom-client'
import {
  encodeRaw,
  LogError,
  ProblemError,
  type LogProducer,
  type RawHeader,
  type Tracing,
} from '@heliograph/crm-core/contracts'

/** Told to senders when the log is full or behind, seconds. */
const RETRY_AFTER_S = 5

export interface RawAppender {
  /** Resolves when the message is on disk. @throws ProblemError `overloaded`, or LogError; counted as a rejection */
  append(header: RawHeader, body: Uint8Array): Promise<void>
  /** Counts a message that was refused, by the error that its sender is told; the same error counts once. */
  reject(error: unknown): void
}

export interface RawAppenderOptions {
  producer: LogProducer
  metrics: Registry
  /** Bytes not yet on disk above which nothing more is taken. */
  maxPendingBytes: number
  /** Seconds to wait where the line behind the log is too far behind or the disk too full; undefined: go on. */
  pressure: (() => number | undefined) | undefined
  tracing: Tracing | undefined
}

/**
 * The way into the log over HTTP: bounded, counted, acknowledged only when durable. Received is what is on disk, so that it can be
 * found again behind the log; what is refused is counted as rejected, and nowhere else.
 */
export function createRawAppender({
  producer,
  metrics,
  maxPendingBytes,
  pressure,
  tracing,
}: RawAppenderOptions): RawAppender {
  const labels = ['transport', 'vendor']
  const received = counter(
    metrics,
    'helio_ingest_received_messages_total',
    'Messages that came in and are on disk',
    labels,
  )
  const acknowledged = counter(
    metrics,
    'helio_ingest_acknowledged_messages_total',
    'Messages that are on disk and were acknowledged',
    labels,
  )
  const rejected = counter(metrics, 'helio_ingest_rejected_messages_total', 'Messages that were refused, by reason', [
    'reason',
  ])
  const counted = new WeakSet<object>()

  async function take(header: RawHeader, body: Uint8Array): Promise<void> {
    const wait = producer.pendingBytes + body.length > maxPendingBytes ? RETRY_AFTER_S : pressure?.()
    if (wait !== undefined) throw new ProblemError('overloaded', undefined, { retryAfterS: wait })
    const { transport, tenantId: tenant, vendor } = header
    const step = tracing?.begin('ingest.receive', { transport, tenant, vendor, bytes: body.length })
    const traced = step && { traceparent: step.traceparent }
    try {
      const value = encodeRaw({ ...header, ...traced }, body)
      await producer.append([{ key: header.connectionId, value, ...traced }])
      step?.end()
    } catch (error) {
      step?.end(error)
      throw error
    }
  }
  function reject(error: unknown): void {
    if (typeof error === 'object' && error !== null) {
      if (counted.has(error)) return
      counted.add(error)
    }
    rejected.inc({ reason: reasonOf(error) })
  }

  return {
    async append(header, body) {
      try {
        await take(header, body)
      } catch (error) {
        reject(error)
        throw error
      }
      const { transport, vendor } = header
      received.inc({ transport, vendor })
      acknowledged.inc({ transport, vendor })
    },
    reject,
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof ProblemError || error instanceof LogError) return error.code
  return error instanceof Error && 'code' in error && error.code === 'FST_ERR_CTP_BODY_TOO_LARGE'
    ? 'too_large'
    : 'internal'
}

/** Another edge in this process may have made the metric already. */
function counter(registry: Registry, name: string, help: string, labelNames: string[] = []): Counter {
  const known = registry.getSingleMetric(name)
  return known instanceof Counter ? known : new Counter({ name, help, labelNames, registers: [registry] })
}
