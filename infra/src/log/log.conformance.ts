/** What every engine of the log port promises. Run by each engine's test file, unchanged. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Log, type LogBatch, TOPICS } from '@heliograph/crm-core/contracts'

export interface LogUnderTest {
  /** A log on storage of its own, empty. */
  create(): Promise<{
    open(): Promise<Log>
    /** Appends from another process until it is killed with SIGKILL; answers what that process was told is on disk. */
    appendUntilKilled(afterMs: number): Promise<string[]>
    remove(): Promise<void>
  }>
}

const text = new TextEncoder()
const fromText = new TextDecoder()
const record = (key: string, value: string) => ({ key, value: text.encode(value) })
const values = (batch: LogBatch) => batch.records.map((found) => fromText.decode(found.value))

export function describeLog(name: string, underTest: LogUnderTest): void {
  describe(`log on ${name}`, () => {
    let storage: Awaited<ReturnType<LogUnderTest['create']>>
    let log: Log

    beforeEach(async () => {
      storage = await underTest.create()
      log = await storage.open()
    })
    afterEach(async () => {
      await log.stop()
      await storage.remove()
    })

    /** Collects until the condition holds. */
    async function collect(group: string, enough: (seen: string[]) => boolean, use: Log = log): Promise<string[]> {
      const seen: string[] = []
      const done = Promise.withResolvers<void>()
      const consumer = use.consume({
        topic: TOPICS.raw,
        group,
        async handle(batch) {
          seen.push(...values(batch))
          if (enough(seen)) done.resolve()
        },
      })
      await done.promise
      await consumer.stop()
      return seen
    }

    it('keeps the order of a key, also of appends made at once', async () => {
      const producer = log.producer(TOPICS.raw)
      await Promise.all(Array.from({ length: 500 }, (_, index) => producer.append([record('a', String(index))])))
      const seen = await collect('order', (all) => all.length >= 500)
      expect(seen).toEqual(Array.from({ length: 500 }, (_, index) => String(index)))
    })

    it('answers an append with the position of its first record, and reads ranges without a group', async () => {
      const producer = log.producer(TOPICS.raw)
      await producer.append([record('a', 'before')])
      const { partition, offset } = await producer.append([record('a', 'x'), record('a', 'y'), record('b', 'z')])
      const read: string[] = []
      for await (const records of log.read({ topic: TOPICS.raw, partition, from: offset + 1, to: offset + 3 }))
        for (const found of records) read.push(`${found.offset - offset} ${found.key} ${fromText.decode(found.value)}`)
      expect(read).toEqual(['1 a y', '2 b z'])
    })

    it('gives each group all records, and a slow group holds back nobody', async () => {
      const producer = log.producer(TOPICS.raw)
      const release = Promise.withResolvers<void>()
      const slow = log.consume({ topic: TOPICS.raw, group: 'slow', handle: () => release.promise })
      await producer.append([record('a', '1'), record('a', '2')])
      expect(await collect('quick', (all) => all.length >= 2)).toEqual(['1', '2'])
      release.resolve()
      await slow.stop()
    })

    it('saves the offset only after the handler, so that a failed batch comes again', async () => {
      const producer = log.producer(TOPICS.raw)
      await producer.append([record('a', '1')])
      let calls = 0
      const handled = Promise.withResolvers<string[]>()
      const errors: unknown[] = []
      const consumer = log.consume({
        topic: TOPICS.raw,
        group: 'retry',
        async handle(batch) {
          calls++
          if (calls === 1) throw new Error('store is down')
          handled.resolve(values(batch))
        },
        onError: (error) => errors.push(error),
      })
      expect(await handled.promise).toEqual(['1'])
      await consumer.stop()
      expect(errors).toHaveLength(1)
      await producer.append([record('a', '2')])
      expect(await collect('retry', (all) => all.length >= 1)).toEqual(['2'])
    })

    it('goes on where the group was, after the log is opened again', async () => {
      await log.producer(TOPICS.raw).append([record('a', '1'), record('a', '2')])
      expect(await collect('again', (all) => all.length >= 2)).toEqual(['1', '2'])
      await log.stop()
      log = await storage.open()
      await log.producer(TOPICS.raw).append([record('a', '3')])
      expect(await collect('again', (all) => all.length >= 1)).toEqual(['3'])
    })

    it('begins a new group at the first record, or at the next one when asked', async () => {
      const producer = log.producer(TOPICS.raw)
      await producer.append([record('a', 'old')])
      const seen: string[] = []
      const consumer = log.consume({
        topic: TOPICS.raw,
        group: 'from-now',
        startAt: 'next',
        async handle(batch) {
          seen.push(...values(batch))
        },
      })
      await expect.poll(() => log.committed(TOPICS.raw, 'from-now')).toHaveLength(1)
      await producer.append([record('a', 'new')])
      await expect.poll(() => seen).toEqual(['new'])
      await consumer.stop()
    })

    it('pauses and resumes without losing or repeating', async () => {
      const producer = log.producer(TOPICS.raw)
      const seen: string[] = []
      const consumer = log.consume({
        topic: TOPICS.raw,
        group: 'pause',
        async handle(batch) {
          seen.push(...values(batch))
        },
      })
      await producer.append([record('a', '1')])
      await expect.poll(() => seen).toEqual(['1'])
      consumer.pause()
      await sleep(50)
      await producer.append([record('a', '2')])
      await sleep(50)
      expect(seen).toEqual(['1'])
      consumer.resume()
      await expect.poll(() => seen).toEqual(['1', '2'])
      await consumer.stop()
    })

    it('moves a group back on request', async () => {
      await log.producer(TOPICS.raw).append([record('a', '1'), record('a', '2')])
      await collect('seek', (all) => all.length >= 2)
      const [position] = await log.committed(TOPICS.raw, 'seek')
      await log.seek(TOPICS.raw, 'seek', { partition: position!.partition, offset: position!.offset - 1 })
      expect(await collect('seek', (all) => all.length >= 1)).toEqual(['2'])
    })

    it('trims old records and keeps counting offsets', async () => {
      const producer = log.producer(TOPICS.raw)
      for (let index = 0; index < 5; index++) await producer.append([record('a', String(index))])
      const [before] = await log.bounds(TOPICS.raw)
      await log.trim(TOPICS.raw, { partition: before!.partition, offset: before!.next })
      const { offset } = await producer.append([record('a', 'after')])
      expect(offset).toBe(before!.next)
      const [after] = await log.bounds(TOPICS.raw)
      expect(after!.first).toBe(offset)
      expect(await collect('trimmed', (all) => all.length >= 1)).toEqual(['after'])
    })

    it('finds the first offset of an instant', async () => {
      const producer = log.producer(TOPICS.raw)
      await producer.append([record('a', '1')])
      await sleep(20)
      const instant = Date.now()
      const { partition, offset } = await producer.append([record('a', '2')])
      await sleep(20)
      await producer.append([record('a', '3')])
      expect(await log.offsetAt(TOPICS.raw, partition, instant)).toBe(offset)
      expect(await log.offsetAt(TOPICS.raw, partition, 0)).toBe(0)
      expect(await log.offsetAt(TOPICS.raw, partition, Date.now() + 1_000)).toBe(offset + 2)
    })

    it('keeps a checkpoint with its offset, and finds one before an offset', async () => {
      await log.checkpoints.save('decode', 0, 41, text.encode('state at 41'))
      await log.stop()
      log = await storage.open()
      const loaded = await log.checkpoints.load('decode', 0)
      expect([loaded?.offset, fromText.decode(loaded?.state)]).toEqual([41, 'state at 41'])
      expect((await log.checkpoints.before('decode', 0, 100))?.offset).toBe(41)
      expect(await log.checkpoints.before('decode', 0, 40)).toBeUndefined()
      expect(await log.checkpoints.load('decode', 1)).toBeUndefined()
    })

    it('refuses a record beyond the limit and takes the next one', async () => {
      const producer = log.producer(TOPICS.raw)
      await expect(producer.append([{ key: 'a', value: new Uint8Array(33 * 1024 * 1024) }])).rejects.toMatchObject({
        code: 'log_too_large',
      })
      await producer.append([record('a', 'fits')])
      expect(producer.pendingBytes).toBe(0)
    })

    it('loses nothing acknowledged and doubles nothing when its process is killed', async () => {
      const acknowledged: string[] = []
      for (const afterMs of [30, 90, 200]) acknowledged.push(...(await storage.appendUntilKilled(afterMs)))
      const last = 'the end'
      await log.producer(TOPICS.raw).append([record('a', last)])
      const seen = await collect('after-kill', (all) => all.includes(last))
      expect(acknowledged.length).toBeGreaterThan(0)
      expect(new Set(seen).size).toBe(seen.length)
      const stored = new Set(seen)
      expect(acknowledged.filter((value) => !stored.has(value))).toEqual([])
    })
  })
}
