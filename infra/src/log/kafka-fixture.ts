/** For tests: a log on a broker under a prefix of its own, whose topics are removed in the end. */
import { randomBytes } from 'node:crypto'
import kafkajs, { type Kafka, type KafkaMessage } from 'kafkajs'
import { pino } from 'pino'
import type { Log } from '@heliograph/crm-core/contracts'
import { createKafkaLog } from './kafka.ts'
import { kafkaOptions } from './kafka-options.ts'

/** @param address of a broker, `kafka://host:port` */
export function kafkaStorage(address: string, query: Record<string, string> = {}) {
  const prefix = `test-${randomBytes(6).toString('hex')}`
  const url = new URL(address)
  url.pathname = `/${prefix}`
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return {
    prefix,
    url: url.href,
    async open(): Promise<Log> {
      const log = createKafkaLog(kafkaOptions(url), pino({ level: process.env['KAFKA_TEST_LOG'] ?? 'silent' }))
      await log.start()
      return log
    },
    /** What this product's own client has no need to do. */
    async admin<T>(work: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
      const kafka = new kafkajs.Kafka({ brokers: [new URL(address).host], logLevel: kafkajs.logLevel.NOTHING })
      const admin = kafka.admin()
      await admin.connect()
      try {
        return await work(admin)
      } finally {
        await admin.disconnect()
      }
    },
    remove(): Promise<void> {
      return this.removeOf(prefix)
    },
    /** Topics that were made through another way in. */
    async removeOf(other: string): Promise<void> {
      await this.admin(async (admin) => {
        const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${other}.`))
        await admin.deleteTopics({ topics })
      })
    },
  }
}

/**
 * The first records of a topic as anybody's consumer sees them, headers and all.
 * @param address of a broker, `kafka://host:port`
 */
export async function seenByOthers(address: string, topic: string, count: number): Promise<KafkaMessage[]> {
  const kafka = new kafkajs.Kafka({ brokers: [new URL(address).host], logLevel: kafkajs.logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: `others-${randomBytes(6).toString('hex')}` })
  const seen: KafkaMessage[] = []
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer
        .run({
          async eachMessage({ message }) {
            seen.push(message)
            if (seen.length === count) resolve()
          },
        })
        .catch(reject)
    })
    return seen
  } finally {
    await consumer.disconnect()
  }
}
