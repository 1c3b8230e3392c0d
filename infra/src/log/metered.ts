/** The figures of a log, whatever engine it is: how long an append takes, and how far each reader of this process is behind. */
import { Gauge, Histogram, type Registry } from 'prom-client'
import type { Log, LogConsumer } from '@heliograph/crm-core/contracts'

/** @param log whose calls are passed on as they are */
export function meterLog(log: Log, registry: Registry): Log {
  const seconds = new Histogram({
    name: 'helio_log_append_seconds',
    help: 'Time until appended records are on disk',
    labelNames: ['topic'],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [registry],
  })
  const readers = new Map<LogConsumer, { topic: string; group: string }>()
  new Gauge({
    name: 'helio_log_lag_records',
    help: 'Records behind the offset that a group has saved, all partitions',
    labelNames: ['topic', 'group'],
    registers: [registry],
    async collect() {
      this.reset()
      await Promise.all(
        [...readers].map(async ([consumer, labels]) => {
          // A log that cannot be asked has no lag to tell; who reads it says what is wrong.
          const lag = await consumer.lag().catch(() => undefined)
          if (lag !== undefined) this.set(labels, lag)
        }),
      )
    },
  })
  const metered: Pick<Log, 'producer' | 'consume'> = {
    producer(topic, lane) {
      const producer = log.producer(topic, lane)
      const observed = seconds.labels(topic)
      return {
        async append(records) {
          const started = performance.now()
          const position = await producer.append(records)
          observed.observe((performance.now() - started) / 1_000)
          return position
        },
        get pendingBytes() {
          return producer.pendingBytes
        },
      }
    },
    consume(options) {
      const consumer = log.consume(options)
      readers.set(consumer, { topic: options.topic, group: options.group })
      return {
        ...consumer,
        async stop() {
          await consumer.stop()
          readers.delete(consumer)
        },
      }
    },
  }
  // Everything else is the engine's own, also what it tells only once it is started.
  return Object.assign(Object.create(log) as Log, metered)
}
