import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { TOPICS } from '@heliograph/crm-core/contracts'
import { needService } from '../../services/for-tests.ts'
import { SERVICE_PASSWORD, SERVICE_USER } from '../../services/service.ts'
import { kafkaStorage, seenByOthers } from './kafka-fixture.ts'
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

it('asks again where a partition begins when the first answer failed', async () => {
  const storage = kafkaStorage(kafka.url(), { partitions: '1' })
  const log = await storage.open()
  await log.producer(TOPICS.raw).append(['a', 'b', 'c'].map((value) => ({ key: 'k', value: Buffer.from(value) })))
  let asked = 0
  const seen: string[] = []
  const consumer = log.consume({
    topic: TOPICS.raw,
    group: 'asks',
    assigned() {
      asked++
      return asked < 3 ? Promise.reject(new Error('not yet')) : Promise.resolve(1)
    },
    async handle({ records }) {
      seen.push(...records.map(({ value }) => Buffer.from(value).toString()))
    },
  })
  await expect.poll(() => seen, { timeout: 20_000 }).toEqual(['b', 'c'])
  expect(asked).toBe(3)
  await consumer.stop()
  await log.stop()
  await storage.remove()
})

it('saves where a partition begins that its owner had done and could not save', async () => {
  const storage = kafkaStorage(kafka.url(), { partitions: '1' })
  const log = await storage.open()
  await log.producer(TOPICS.raw).append(['a', 'b', 'c'].map((value) => ({ key: 'k', value: Buffer.from(value) })))
  const consumer = log.consume({
    topic: TOPICS.raw,
    group: 'had-done',
    assigned: () => Promise.resolve(3),
    handle: () => Promise.resolve(),
  })
  // Nothing more comes, and nobody is behind.
  await expect
    .poll(() => log.committed(TOPICS.raw, 'had-done'), { timeout: 20_000 })
    .toEqual([{ partition: 0, offset: 3 }])
  expect(await consumer.lag()).toBe(0)
  await consumer.stop()
  await log.stop()
  await storage.remove()
})

it('shows other consumers the trace of a traced record as a header, and no header on any other', async () => {
  const storage = kafkaStorage(kafka.url(), { partitions: '1' })
  const log = await storage.open()
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  await log.producer(TOPICS.raw).append([
    { key: 'k', value: Buffer.from('untraced') },
    { key: 'k', value: Buffer.from('traced'), traceparent },
  ])
  const seen = await seenByOthers(kafka.url(), `${storage.prefix}.${TOPICS.raw}`, 2)
  const plain = seen.map(({ value, headers = {} }) => [
    value?.toString(),
    Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)])),
  ])
  expect(plain).toEqual([
    ['untraced', {}],
    ['traced', { traceparent }],
  ])
  await log.stop()
  await storage.remove()
})
