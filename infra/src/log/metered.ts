/** The figures of a log, whatever engine it is: how long an append takes, and how far each reader of this process is behind. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Log, LogConsumer } from '@heliograph/crm-core/contracts'

/** A process's own group is of its role: a name of its own would make a new series at every start. */
const roleOf = (group: string): string => group.replace(/-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, '')

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
          if (lag !== undefined) this.inc(labels, lag)
        }),
      )
    },
  })
  new Gauge({
    name: 'helio_log_partitions',
    help: 'Partitions that a member of a group has, where members share them',
    labelNames: ['topic', 'group'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [consumer, labels] of readers) {
        const share = consumer.share?.()
        if (share !== undefined) this.inc(labels, share.partitions)
      }
    },
  })
  /** What was counted of readers, the ended ones too: a counter never falls. */
  const counted = new Map<LogConsumer, number>()
  const count = (consumer: LogConsumer, labels: { topic: string; group: string }): void => {
    const now = consumer.share?.().rebalances
    if (now === undefined) return
    rebalances.inc(labels, now - (counted.get(consumer) ?? 0))
    counted.set(consumer, now)
  }
  const rebalances = new Counter({
    name: 'helio_log_rebalances_total',
    help: 'How often the partitions of a group were shared out anew, as a member of it saw',
    labelNames: ['topic', 'group'],
    registers: [registry],
    collect() {
      for (const [consumer, labels] of readers) count(consumer, labels)
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
      const labels = { topic: options.topic, group: roleOf(options.group) }
      readers.set(consumer, labels)
      return {
        ...consumer,
        async stop() {
          await consumer.stop()
          count(consumer, labels)
          counted.delete(consumer)
          readers.delete(consumer)
        },
      }
    },
  }
  // Everything else is the engine's own, also what it tells only once it is started.
  return Object.assign(Object.create(log) as Log, metered)
}
