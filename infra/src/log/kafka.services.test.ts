import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { TOPICS } from '@heliograph/crm-core/contracts'
import { needService } from '../../services/for-tests.ts'
import { SERVICE_PASSWORD, SERVICE_USER } from '../../services/service.ts'
import { kafkaStorage } from './kafka-fixture.ts'
import { appendUntilKilled } from './kill-appender.ts'
import { describeLog } from './log.conformance.ts'

const kafka = await needService('kafka')

describeLog('Kafka', {
  async create() {
    // One partition, as the embedded log has: the suite asks for the order of all keys.
    const storage = kafkaStorage(kafka.url(), { partitions: '1' })
    let runs = 0
    return {
      open: () => storage.open(),
      appendUntilKilled: (afterMs) => appendUntilKilled(storage.url, runs++, afterMs),
      remove: () => storage.remove(),
    }
  },
})

it.each(['plain', 'scram-sha-256', 'scram-sha-512'])('signs in by %s over TLS', async (sasl) => {
  const address = `kafka://${SERVICE_USER}:${SERVICE_PASSWORD}@127.0.0.1:${kafka.port('tls')}`
  const ca = join(dirname(kafka.logFile), 'data', 'certificate.pem')
  const storage = kafkaStorage(address, { sasl, ca, partitions: '2' })
  const log = await storage.open()
  const handled = Promise.withResolvers<string>()
  const consumer = log.consume({
    topic: TOPICS.events,
    group: 'tls',
    async handle({ records }) {
      handled.resolve(Buffer.from(records[0]!.value).toString())
    },
  })
  await log.producer(TOPICS.events).append([{ key: 'a', value: Buffer.from(sasl) }])
  expect(await handled.promise).toBe(sasl)
  await consumer.stop()
  await log.stop()
  await kafkaStorage(kafka.url()).removeOf(storage.prefix)
})
