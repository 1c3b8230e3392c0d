/** What happens to a real broker, and what becomes of the records: each fault on a broker of its own, killed and stalled at will. */
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Log, type LogBatch, type LogConsumer, TOPICS } from '@heliograph/crm-core/contracts'
import { ownService } from '../../services/for-tests.ts'
import { tryKafka } from './kafka-faults.ts'
import { kafkaStorage } from './kafka-fixture.ts'
import { createKafkaLog } from './kafka.ts'
import { kafkaOptions } from './kafka-options.ts'
import { createProxy, type Proxy } from '../../services/proxy.ts'

type Broker = Awaited<ReturnType<typeof ownService>>
const CROWD = 5
const record = (key: string, value: string) => ({ key, value: Buffer.from(value) })
const values = ({ records }: LogBatch) => records.map(({ value }) => Buffer.from(value).toString())

describe('Kafka, when', { timeout: 180_000 }, () => {
  let broker: Broker
  let toxiproxy: Broker
  let proxy: Proxy
  let storage: ReturnType<typeof kafkaStorage>
  let log: Log

  beforeAll(async () => {
    broker = await ownService('kafka')
    toxiproxy = await ownService('toxiproxy')
    proxy = await createProxy(toxiproxy.url(), broker.port('proxy'), broker.port('proxied'))
  })
  afterAll(async () => {
    await toxiproxy?.remove()
    await broker?.remove()
  })
  beforeEach(async () => {
    storage = kafkaStorage(broker.url(), { partitions: '4' })
    log = await storage.open()
  })
  afterEach(async () => {
    await log.stop()
    await storage.remove()
  })

  /** Everything a group is given, in order of arrival. */
  function reader(group: string, use: Log = log) {
    const seen: string[] = []
    const consumer = use.consume({
      topic: TOPICS.raw,
      group,
      async handle(batch) {
        seen.push(...values(batch))
      },
    })
    return { seen, consumer }
  }
  /** Appends until it is taken. */
  async function insist(use: Log, key: string, value: string): Promise<void> {
    for (;;) {
      try {
        await use.producer(TOPICS.raw).append([record(key, value)])
        return
      } catch (error) {
        expect(error).toMatchObject({ name: 'LogError', code: 'log_unavailable', retryable: true })
        await sleep(200)
      }
    }
  }

  it('keys go over several partitions: each key keeps its order, and each group gets everything once', async () => {
    const producer = log.producer(TOPICS.raw)
    const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`)
    await Promise.all(
      Array.from({ length: 100 }, (_, nth) => producer.append(keys.map((key) => record(key, `${key} ${nth}`)))),
    )
    const { seen, consumer } = reader('spread')
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(2_000)
    await consumer.stop()
    for (const key of keys)
      expect(seen.filter((value) => value.startsWith(`${key} `))).toEqual(
        Array.from({ length: 100 }, (_, nth) => `${key} ${nth}`),
      )
    const bounds = await log.bounds(TOPICS.raw)
    expect(bounds).toHaveLength(4)
    expect(bounds.reduce((sum, { next }) => sum + next, 0)).toBe(2_000)
    expect(await log.size()).toBeGreaterThan(10_000)
  })

  it('the broker is killed: nothing acknowledged is lost, and readers go on when it is back', async () => {
    const { seen, consumer } = reader('killed')
    const acknowledged: string[] = []
    let stop = false
    const writing = (async () => {
      for (let index = 0; !stop; index++) {
        await insist(log, `k${index % 7}`, `v${index}`)
        acknowledged.push(`v${index}`)
        await sleep(2)
      }
    })()
    await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(100)
    await broker.kill()
    await sleep(1_000)
    await broker.start()
    const before = acknowledged.length
    await expect.poll(() => acknowledged.length, { timeout: 60_000 }).toBeGreaterThan(before + 100)
    stop = true
    await writing
    await expect.poll(() => acknowledged.filter((value) => !seen.includes(value)), { timeout: 60_000 }).toEqual([])
    await consumer.stop()
  })

  it('the network is slow by 200 ms: groups grow, and all arrive', async () => {
    const slow = createKafkaLog(
      kafkaOptions(new URL(`/${storage.prefix}`, `kafka://127.0.0.1:${broker.port('proxy')}`)),
      pino({ level: 'silent' }),
    )
    await slow.start()
    await proxy.add('latency', { latency: 200 })
    try {
      const started = Date.now()
      const producer = slow.producer(TOPICS.raw)
      await Promise.all(Array.from({ length: 1_000 }, (_, index) => producer.append([record('slow', String(index))])))
      // One by one it would be minutes.
      expect(Date.now() - started).toBeLessThan(10_000)
      const { seen, consumer } = reader('slow', slow)
      await expect.poll(() => seen.length, { timeout: 30_000 }).toBe(1_000)
      expect(seen).toEqual(Array.from({ length: 1_000 }, (_, index) => String(index)))
      await consumer.stop()
    } finally {
      await proxy.clear()
      await slow.stop()
    }
  })

  it('a connection is half open: the append is refused in bounded time, and the next one is taken', async () => {
    const cut = createKafkaLog(
      kafkaOptions(new URL(`/${storage.prefix}`, `kafka://127.0.0.1:${broker.port('proxy')}`)),
      pino({ level: 'silent' }),
    )
    await cut.start()
    try {
      await cut.producer(TOPICS.raw).append([record('a', 'before')])
      // Bytes go in and nothing comes out, while the connection stays.
      await proxy.add('timeout', { timeout: 0 })
      const started = Date.now()
      await expect(cut.producer(TOPICS.raw).append([record('a', 'lost?')])).rejects.toMatchObject({ retryable: true })
      expect(Date.now() - started).toBeLessThan(60_000)
      await proxy.clear()
      await insist(cut, 'a', 'after')
    } finally {
      await proxy.clear()
      await cut.stop()
    }
  })

  it('a topic is deleted: it is made anew, and a reader whose offset is nowhere begins at what there is', async () => {
    await log.producer(TOPICS.raw).append([record('a', 'gone 1'), record('a', 'gone 2')])
    const { seen, consumer } = reader('deleted')
    await expect.poll(() => seen, { timeout: 20_000 }).toEqual(['gone 1', 'gone 2'])
    await storage.admin((admin) => admin.deleteTopics({ topics: [`${storage.prefix}.raw`] }))
    await insist(log, 'a', 'new')
    await expect.poll(() => seen, { timeout: 60_000 }).toContain('new')
    await consumer.stop()
  })

  it('what a group has not read is trimmed away: it goes on with the first that is left, and is told', async () => {
    for (let index = 0; index < 5; index++) await log.producer(TOPICS.raw).append([record('a', String(index))])
    const partition = (await log.bounds(TOPICS.raw)).find(({ next }) => next === 5)!.partition
    await log.seek(TOPICS.raw, 'trimmed', { partition, offset: 1 })
    await log.trim(TOPICS.raw, { partition, offset: 3 })
    const seen: string[] = []
    const told: unknown[] = []
    const consumer = log.consume({
      topic: TOPICS.raw,
      group: 'trimmed',
      async handle(batch) {
        seen.push(...values(batch))
      },
      onError: (error) => told.push(error),
    })
    await expect.poll(() => seen, { timeout: 30_000 }).toEqual(['3', '4'])
    expect(told.map(String)).toEqual([expect.stringMatching(/records 1 to 3 of .* are gone/)])
    await consumer.stop()
  })

  it('a record is larger than the topic takes: it is refused, and those beside it are not', async () => {
    await storage.admin((admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: 2,
            name: `${storage.prefix}.raw`,
            configEntries: [{ name: 'max.message.bytes', value: '100000' }],
          },
        ],
      }),
    )
    await expect
      .poll(async () => {
        const resources = [{ type: 2, name: `${storage.prefix}.raw`, configNames: ['max.message.bytes'] }]
        const described = await storage.admin((admin) => admin.describeConfigs({ includeSynonyms: false, resources }))
        return described.resources[0]?.configEntries[0]?.configValue
      })
      .toBe('100000')
    await log.stop()
    log = await storage.open()
    const producer = log.producer(TOPICS.raw)
    const results = await Promise.allSettled([
      producer.append([record('a', 'small')]),
      producer.append([record('a', 'x'.repeat(200_000))]),
      // Together larger than one batch may be: sent in several.
      producer.append(Array.from({ length: 10 }, () => record('a', 'y'.repeat(30_000)))),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: { code: 'log_too_large', retryable: false } })
    expect((await log.bounds(TOPICS.raw)).reduce((sum, { next }) => sum + next, 0)).toBe(11)
  })

  it('somebody writes a batch in a packing that is not read here: the broker unpacks it, and readers go on', async () => {
    const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs
    CompressionCodecs[CompressionTypes.Snappy] = () => ({
      compress: async ({ buffer }: { buffer: Buffer }) => snappyOf(buffer),
      decompress: () => Promise.reject(new Error('not read here')),
    })
    const kafka = new Kafka({ brokers: [new URL(broker.url()).host], logLevel: logLevel.NOTHING })
    const stranger = kafka.producer()
    await stranger.connect()
    const { seen, consumer } = reader('packed')
    await log.producer(TOPICS.raw).append([record('a', 'before')])
    await stranger.send({
      topic: `${storage.prefix}.raw`,
      compression: CompressionTypes.Snappy,
      messages: [{ key: 'a', value: 'packed' }],
    })
    await log.producer(TOPICS.raw).append([record('a', 'after')])
    await expect.poll(() => seen, { timeout: 20_000 }).toEqual(['before', 'packed', 'after'])
    await consumer.stop()
    await stranger.disconnect()
  })

  it('a topic packs in a way that is not read here: the start is refused with what to set', async () => {
    const name = `${storage.prefix}.readings`
    const pack = (value: string) =>
      storage.admin((admin) =>
        admin.alterConfigs({
          validateOnly: false,
          resources: [{ type: 2, name, configEntries: [{ name: 'compression.type', value }] }],
        }),
      )
    await pack('lz4')
    const fault = `topic ${name} has compression.type=lz4, which is not read here; set it to zstd or uncompressed`
    // Another broker may not have heard of it yet.
    await expect
      .poll(() => tryKafka(new URL(storage.url), pino({ level: 'silent' })).catch((error: Error) => error.message))
      .toContain(fault)
    await pack('zstd')
    await expect
      .poll(() => tryKafka(new URL(storage.url), pino({ level: 'silent' })).then(() => 'fine', String))
      .toBe('fine')
  })

  it('a batch is poison: its partition waits and the others go on', async () => {
    const producer = log.producer(TOPICS.raw)
    const keys = Array.from({ length: 16 }, (_, index) => `key-${index}`)
    const { partition: poisoned } = await producer.append([record('key-0', 'poison')])
    for (const key of keys) await producer.append([record(key, key)])
    const seen: string[] = []
    let cured = false
    const consumer = log.consume({
      topic: TOPICS.raw,
      group: 'poison',
      async handle(batch) {
        if (batch.partition === poisoned && !cured) throw new Error('cannot be read')
        seen.push(...values(batch))
      },
    })
    const elsewhere = (await log.bounds(TOPICS.raw))
      .filter(({ partition }) => partition !== poisoned)
      .reduce((sum, { next }) => sum + next, 0)
    expect(elsewhere).toBeGreaterThan(0)
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(elsewhere)
    const saved = await log.committed(TOPICS.raw, 'poison')
    expect(saved.find(({ partition }) => partition === poisoned)?.offset).toBe(0)
    cured = true
    await expect.poll(() => [...seen].sort(), { timeout: 20_000 }).toEqual(['poison', ...keys].sort())
    await consumer.stop()
  })

  it('members of a group come and go in crowds: every record is handled, and a partition has one owner at a time', async () => {
    const other = await storage.open()
    const handled = new Map<string, number>()
    const working = new Map<number, number>()
    const overlaps: number[] = []
    const revoked: number[] = []
    const join = (use: Log) =>
      use.consume({
        topic: TOPICS.raw,
        group: 'shared',
        maxRecords: 20,
        async handle(batch) {
          const now = (working.get(batch.partition) ?? 0) + 1
          working.set(batch.partition, now)
          if (now > 1) overlaps.push(batch.partition)
          await sleep(5)
          for (const value of values(batch)) handled.set(value, (handled.get(value) ?? 0) + 1)
          working.set(batch.partition, now - 1)
        },
        revoked: (partition) => void revoked.push(partition),
      })
    const first = join(log)
    let stop = false
    let sent = 0
    const writing = (async () => {
      while (!stop) {
        await log.producer(TOPICS.raw).append(Array.from({ length: 20 }, () => record(`k${sent % 16}`, `v${sent++}`)))
        await sleep(5)
      }
    })()
    await expect.poll(() => handled.size, { timeout: 20_000 }).toBeGreaterThan(200)
    for (let round = 0; round < 3; round++) {
      // More of them than partitions, one after another into a group that still shares out anew; and all leave at once.
      const crowd: LogConsumer[] = []
      for (let member = 0; member < CROWD; member++) {
        crowd.push(join(other))
        await sleep(150)
      }
      await sleep(1_500)
      await Promise.all(crowd.map((member) => member.stop()))
      await sleep(1_000)
    }
    stop = true
    await writing
    await expect.poll(() => handled.size, { timeout: 60_000 }).toBe(sent)
    await first.stop()
    await other.stop()
    expect(overlaps).toEqual([])
    expect(revoked.length).toBeGreaterThan(0)
    // Saved offsets are exact where members leave in order: hardly anything is handled twice.
    expect([...handled.values()].filter((times) => times > 1).length).toBeLessThan(sent / 10)
  })

  it('nothing is to do: it costs next to no processor', async () => {
    const consumers = ['a', 'b', 'c'].map((group) => reader(group).consumer)
    await sleep(2_000)
    const shares: number[] = []
    for (let round = 0; round < 3; round++) {
      const before = process.cpuUsage()
      await sleep(2_000)
      const { user, system } = process.cpuUsage(before)
      shares.push((user + system) / 2_000_000)
    }
    await Promise.all(consumers.map((consumer) => consumer.stop()))
    // The calmest: what else this process clears away or compiles meanwhile is not the consumers' doing.
    expect(Math.min(...shares)).toBeLessThan(0.04)
  })
})

/** Snappy of literals alone (https://github.com/google/snappy/blob/main/format_description.txt); at most 64 KiB. */
function snappyOf(bytes: Buffer): Buffer {
  const length: number[] = []
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest)
    if (rest <= 0x7f) break
  }
  const last = bytes.length - 1
  return Buffer.concat([Buffer.from([...length, 61 << 2, last & 0xff, last >> 8]), bytes])
}
