/**
 * The log's adapter against bare kafkajs, and against the peer that could be used instead (decision 0013): the same topic, records
 * and acknowledgements by all copies. `node infra/bench/kafka.ts [records] [rounds]`
 */
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import * as peer from '@platformatic/kafka'
import kafkajs from 'kafkajs'
import { type AppendRecord, type Log, TOPICS } from '@heliograph/crm-core/contracts'
import { kafkaStorage } from '../src/log/kafka-fixture.ts'
import { needService } from '../services/for-tests.ts'
import { check, compare, perSecond, tell } from './measure.ts'

const RECORDS = Number(process.argv[2] ?? 200_000)
const ROUNDS = Number(process.argv[3] ?? 5)
/** Not yet acknowledged at once, by all of them. */
const OPEN = 4_000
/** An edge appends what came in one turn of its event loop. */
const PIECE = 20
const VALUE_BYTES = 300
const KEYS = 2_000

const address = (await needService('kafka')).url()
const storage = kafkaStorage(address)
const log = await storage.open()
const topic = `${storage.prefix}.${TOPICS.raw}`
const brokers = [new URL(address).host]
const kafka = new kafkajs.Kafka({ brokers, clientId: 'bench', logLevel: kafkajs.logLevel.NOTHING })
const bareProducer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false })
await bareProducer.connect()
const peerProducer = new peer.Producer<string, Buffer, string, string>({
  clientId: 'bench-peer',
  bootstrapBrokers: brokers,
  serializers: { key: peer.stringSerializer, value: (value?: Buffer) => value },
  idempotent: true,
  acks: peer.ProduceAcks.ALL,
})

const records: AppendRecord[] = Array.from({ length: OPEN }, (_, at) => ({
  key: `connection-${at % KEYS}`,
  value: Buffer.alloc(VALUE_BYTES, at),
}))
const pieces = Array.from({ length: OPEN / PIECE }, (_, at) => records.slice(at * PIECE, (at + 1) * PIECE))
const bareMessages = records.map(({ key, value }) => ({ key, value: Buffer.from(value) }))
const peerMessages = bareMessages.map((message) => ({ topic, ...message }))
const turns = Math.ceil(RECORDS / OPEN)
const total = turns * OPEN
let produced = 0

const inTurns = (turn: () => Promise<unknown>) => async (): Promise<number> => {
  produced += total
  return await perSecond(total, async () => {
    for (let at = 0; at < turns; at++) await turn()
  })
}
const producer = log.producer(TOPICS.raw)
const produceOurs = inTurns(() => Promise.all(pieces.map((piece) => producer.append(piece))))
const produceBare = inTurns(() => bareProducer.send({ topic, acks: -1, messages: bareMessages }))
const producePeer = inTurns(() => peerProducer.send({ messages: peerMessages }))

try {
  const measures = [
    await compare(
      { name: 'kafka: appends, against bare kafkajs', unit: 'records/s', rounds: ROUNDS, least: 0.8 },
      produceOurs,
      produceBare,
    ),
    await compare(
      { name: 'kafka: appends, against @platformatic/kafka', unit: 'records/s', rounds: ROUNDS },
      produceOurs,
      producePeer,
    ),
  ]
  const bounds = await log.bounds(TOPICS.raw)
  check(
    'records in the topic',
    bounds.reduce((sum, { first, next }) => sum + next - first, 0),
    produced,
  )
  measures.push(
    await compare(
      { name: 'kafka: reading as a group, against bare kafkajs', unit: 'records/s', rounds: ROUNDS, least: 0.8 },
      () => consumeOurs(log),
      consumeBare,
    ),
    await compare(
      { name: 'kafka: reading as a group, against @platformatic/kafka', unit: 'records/s', rounds: ROUNDS },
      () => consumeOurs(log),
      consumePeer,
    ),
  )
  tell(measures)
} finally {
  await Promise.all([bareProducer.disconnect(), peerProducer.close()])
  await log.stop()
  await storage.remove()
}
// The peer keeps connections of its own a while.
process.exit(0)

/** From the first record to the last: joining a group takes seconds, once. */
function stopwatch() {
  let count = 0
  let started: number | undefined
  const done = Promise.withResolvers<number>()
  return {
    took(records: number): void {
      started ??= performance.now()
      count += records
      if (count >= produced) done.resolve(count / ((performance.now() - started) / 1_000))
    },
    get count() {
      return count
    },
    done: done.promise,
  }
}

async function consumeOurs(from: Log): Promise<number> {
  const watch = stopwatch()
  const consumer = from.consume({
    topic: TOPICS.raw,
    group: `bench-${randomUUID()}`,
    maxRecords: 20_000,
    maxBytes: 8 * 1024 * 1024,
    handle: (batch) => {
      watch.took(batch.records.length)
      return Promise.resolve()
    },
  })
  const rate = await watch.done
  await consumer.stop()
  check('records read by ours', watch.count, produced)
  return rate
}

async function consumeBare(): Promise<number> {
  const watch = stopwatch()
  const consumer = kafka.consumer({ groupId: `bench-${randomUUID()}`, maxBytesPerPartition: 8 * 1024 * 1024 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    partitionsConsumedConcurrently: 6,
    eachBatch: ({ batch }) => {
      watch.took(batch.messages.length)
      return Promise.resolve()
    },
  })
  const rate = await watch.done
  await consumer.disconnect()
  check('records read by kafkajs', watch.count, produced)
  return rate
}

async function consumePeer(): Promise<number> {
  const watch = stopwatch()
  const consumer = new peer.Consumer<string, Buffer, string, string>({
    groupId: `bench-${randomUUID()}`,
    clientId: 'bench-peer',
    bootstrapBrokers: brokers,
    deserializers: { key: peer.stringDeserializer },
    maxBytes: 8 * 1024 * 1024,
  })
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: true })
  stream.on('data', () => watch.took(1))
  const rate = await watch.done
  const closed = once(stream, 'close')
  await stream.close()
  await closed
  stream.close(() => undefined)
  check('records read by the peer', watch.count, produced)
  return rate
}
