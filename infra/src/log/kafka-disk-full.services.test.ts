/** The disk of a broker is full: it ends itself, nothing that it did not write is acknowledged, and all is there when it is back. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Log, TOPICS } from '@heliograph/crm-core/contracts'
import { loadService } from '../../services/catalogue.ts'
import { needTool } from '../../services/for-tests.ts'
import { createInstance, type Instance } from '../../services/instance.ts'
import { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from '../process/small-disk.fixture.ts'
import { kafkaStorage } from './kafka-fixture.ts'

await needTool('kafka')
const reason = whyNoSmallDisk()

describe.skipIf(reason !== undefined)(
  `a broker whose disk is full${reason ? ` (left out: ${reason})` : ''}`,
  { timeout: 240_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'heliograph-kafka-full-'))
    let disk: SmallDisk
    let broker: Instance
    let log: Log
    beforeAll(async () => {
      disk = mountSmallDisk(join(folder, 'disk'), 192)
      broker = createInstance(await loadService('kafka'), join(folder, 'disk', 'kafka'))
      await broker.start()
      log = await kafkaStorage(broker.url(), { partitions: '2' }).open()
    }, 120_000)
    afterAll(async () => {
      await log?.stop()
      await broker?.kill()
      disk?.remove()
      rmSync(folder, { recursive: true, force: true })
    })

    it('acknowledges nothing that it has not written, and loses nothing it has acknowledged', async () => {
      const acknowledged: string[] = []
      const refused: unknown[] = []
      let stopped = false
      const writing = (async () => {
        for (let index = 0; !stopped; index++) {
          const value = `${index} ${'x'.repeat(20_000)}`
          try {
            await log.producer(TOPICS.raw).append([{ key: `k${index % 5}`, value: Buffer.from(value) }])
            acknowledged.push(value)
          } catch (error) {
            refused.push(error)
            await sleep(200)
          }
        }
      })()
      await expect.poll(() => acknowledged.length, { timeout: 30_000 }).toBeGreaterThan(50)
      disk.fill()
      await expect.poll(() => refused.length, { timeout: 60_000 }).toBeGreaterThan(0)
      // Beside a broker that cannot write others would lead; the only one ends.
      await expect.poll(() => broker.pid(), { timeout: 60_000 }).toBeUndefined()
      const before = acknowledged.length
      await sleep(2_000)
      expect(acknowledged.length).toBe(before)
      disk.makeRoom()
      await broker.start()
      await expect.poll(() => acknowledged.length, { timeout: 60_000 }).toBeGreaterThan(before + 20)
      stopped = true
      await writing
      for (const error of refused) expect(error).toMatchObject({ name: 'LogError', retryable: true })

      const seen = new Set<string>()
      const consumer = log.consume({
        topic: TOPICS.raw,
        group: 'after',
        async handle({ records }) {
          for (const { value } of records) seen.add(Buffer.from(value).toString())
        },
      })
      await expect.poll(() => acknowledged.filter((value) => !seen.has(value)).length, { timeout: 60_000 }).toBe(0)
      await consumer.stop()
    })
  },
)
