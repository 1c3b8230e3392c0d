/** Three brokers with three copies: who leads a partition moves, and whoever appends and reads goes on with the next one. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Log, TOPICS } from '@heliograph/crm-core/contracts'
import { needTool } from '../../services/for-tests.ts'
import { type KafkaCluster, startKafkaCluster } from './kafka-cluster.fixture.ts'
import { kafkaStorage } from './kafka-fixture.ts'

await needTool('kafka')

describe('three brokers', { timeout: 300_000 }, () => {
  let cluster: KafkaCluster
  let storage: ReturnType<typeof kafkaStorage>
  let log: Log
  beforeAll(async () => {
    cluster = await startKafkaCluster()
    storage = kafkaStorage(cluster.url(), { partitions: '3' })
    log = await storage.open()
  }, 200_000)
  afterAll(async () => {
    await log?.stop()
    await cluster?.remove()
  })

  /** Appends one after another to every partition until it is told to stop; what is refused is tried again, as an edge's devices do. */
  function writer() {
    const acknowledged: string[] = []
    let stopped = false
    const producer = log.producer(TOPICS.raw)
    const done = (async () => {
      for (let index = 0; !stopped; index++) {
        const value = `v${index}`
        for (;;) {
          try {
            await producer.append([{ key: `key-${index % 30}`, value: Buffer.from(value) }])
            break
          } catch (error) {
            expect(error).toMatchObject({ name: 'LogError', retryable: true })
            await sleep(100)
          }
        }
        acknowledged.push(value)
        await sleep(2)
      }
    })()
    return {
      acknowledged,
      async stop() {
        stopped = true
        await done
      },
    }
  }
  function reader(group: string) {
    const seen = new Set<string>()
    const consumer = log.consume({
      topic: TOPICS.raw,
      group,
      async handle({ records }) {
        for (const { value } of records) seen.add(Buffer.from(value).toString())
      },
    })
    return { seen, consumer }
  }
  const leaders = () =>
    storage.admin(async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [`${storage.prefix}.raw`] })
      return topics[0]!.partitions
    })

  it('keep three copies, of which two must be there', async () => {
    const partitions = await leaders()
    expect(partitions.map(({ replicas }) => [...replicas].sort())).toEqual([1, 2, 3].map(() => [1, 2, 3]))
    expect(new Set(partitions.map(({ leader }) => leader)).size).toBeGreaterThan(1)
  })

  it('lose and keep back nothing when each of them in turn is killed and comes back', async () => {
    const writing = writer()
    const { seen, consumer } = reader('in-turn')
    await expect.poll(() => writing.acknowledged.length, { timeout: 60_000 }).toBeGreaterThan(100)
    for (const broker of cluster.brokers.values()) {
      await broker.kill()
      // Two are left: somebody else leads, and goes on.
      const before = writing.acknowledged.length
      await expect.poll(() => writing.acknowledged.length, { timeout: 90_000 }).toBeGreaterThan(before + 100)
      await expect.poll(() => seen.size, { timeout: 90_000 }).toBeGreaterThan(before + 50)
      // The one it is asked of may still name a leader that is gone.
      await broker.start()
      await expect
        .poll(async () => (await leaders()).every(({ isr, leader }) => isr.length === 3 && leader > 0), {
          timeout: 90_000,
        })
        .toBe(true)
    }
    await writing.stop()
    await expect.poll(() => writing.acknowledged.filter((value) => !seen.has(value)), { timeout: 60_000 }).toEqual([])
    await consumer.stop()
  })

  it('take nothing while two are gone, and lose nothing of what they took', async () => {
    const writing = writer()
    await expect.poll(() => writing.acknowledged.length, { timeout: 60_000 }).toBeGreaterThan(50)
    const [, second, third] = [...cluster.brokers.values()]
    await Promise.all([second!.kill(), third!.kill()])
    await sleep(3_000)
    const before = writing.acknowledged.length
    await sleep(3_000)
    expect(writing.acknowledged.length).toBe(before)
    await Promise.all([second!.start(), third!.start()])
    await expect.poll(() => writing.acknowledged.length, { timeout: 90_000 }).toBeGreaterThan(before + 50)
    await writing.stop()
    const { seen, consumer } = reader('after-two')
    await expect.poll(() => writing.acknowledged.filter((value) => !seen.has(value)), { timeout: 60_000 }).toEqual([])
    await consumer.stop()
  })
})
