import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LogError, TOPICS } from '@heliograph/crm-core/contracts'
import { appendUntilKilled } from './kill-appender.ts'
import { createLmdbLog } from './lmdb.ts'
import { describeLog } from './log.conformance.ts'

const makeDir = () => mkdtempSync(join(tmpdir(), 'heliograph-log-'))

describeLog('LMDB', {
  async create() {
    const dir = makeDir()
    let runs = 0
    return {
      async open() {
        const log = createLmdbLog({ dir })
        await log.start()
        return log
      },
      appendUntilKilled: (afterMs) => appendUntilKilled(dir, runs++, afterMs),
      async remove() {
        rmSync(dir, { recursive: true })
      },
    }
  },
})

describe('LMDB log', () => {
  let dir: string
  beforeEach(() => (dir = makeDir()))
  afterEach(() => rmSync(dir, { recursive: true }))

  it('keeps history that is brought in, in a fifth of its size, and what devices send as it came', async () => {
    const log = createLmdbLog({ dir })
    await log.start()
    const body = Buffer.from(
      JSON.stringify(
        Array.from({ length: 5_000 }, (_, index) => ({
          device: 'dev_0123456789',
          ts: 1_760_000_000_000 + index * 300_000,
          metrics: { ac_power_w: (index * 7919) % 977, energy_total_wh: 12_000_000 + index * 41 },
        })),
      ),
    )
    const small = body.subarray(0, 500)
    const devices = log.producer(TOPICS.raw, 0)
    await devices.append(Array.from({ length: 500 }, () => ({ key: 'c', value: small })))
    const imports = log.producer(TOPICS.raw, 1)
    for (let index = 0; index < 10; index++) await imports.append([{ key: 'import', value: body }])
    await log.stop()
    const sizeOf = (lane: number) => statSync(join(dir, 'raw', String(lane), 'log.mdb')).size
    expect(sizeOf(1)).toBeLessThan((10 * body.length) / 4)
    expect(sizeOf(0)).toBeGreaterThan(500 * small.length)
    const again = createLmdbLog({ dir })
    await again.start()
    const found: Buffer[] = []
    const consumer = again.consume({
      topic: TOPICS.raw,
      group: 'test',
      handle: async ({ partition, records }) => {
        if (partition === 1) found.push(...records.map(({ value }) => Buffer.from(value)))
      },
      onError: (error) => {
        throw error
      },
    })
    await expect.poll(() => found.length).toBe(10)
    expect(found.every((value) => value.equals(body))).toBe(true)
    await consumer.stop()
    await again.stop()
  })

  it('keeps many readings in a tenth of their size, and gives them back one by one', async () => {
    const log = createLmdbLog({ dir })
    await log.start()
    const value = (index: number) =>
      Buffer.from(JSON.stringify({ deviceId: 'dev_0123456789', siteId: 'site_0123456789', ts: 1_760_000_000_000 + index * 300_000, metrics: { ac_power_w: index % 977, energy_total_wh: 12_000_000 + index * 41 } })) // prettier-ignore
    const records = Array.from({ length: 15_000 }, (_, index) => ({ key: 'dev_0123456789', value: value(index) }))
    for (const topic of [TOPICS.readings, TOPICS.raw])
      for (let at = 0; at < records.length; at += 5_000) await log.producer(topic).append(records.slice(at, at + 5_000))
    await log.stop()
    const again = createLmdbLog({ dir })
    await again.start()
    // In bites that end in the middle of groups: few, and many out of one group, by two that read at once.
    const bites = [3_333, 61].map((maxRecords) => {
      const read: string[] = []
      const consumer = again.consume({
        topic: TOPICS.readings,
        group: `bites of ${String(maxRecords)}`,
        maxRecords,
        handle: async (batch) => void read.push(...batch.records.map((record) => Buffer.from(record.value).toString())),
        onError: (error) => read.push(String(error)),
      })
      return { read, consumer }
    })
    for (const { read, consumer } of bites) {
      await expect.poll(() => read.length, { timeout: 15_000 }).toBe(records.length)
      await consumer.stop()
      expect(read).toEqual(records.map((record) => record.value.toString()))
    }
    await again.stop()
    const sizeOf = (topic: string) => statSync(join(dir, topic, '0/log.mdb')).size
    expect(sizeOf('readings')).toBeLessThan(sizeOf('raw') / 5)
  })

  it('leaves out a group with a flipped byte, says so, and reads on behind it', async () => {
    const log = createLmdbLog({ dir })
    await log.start()
    const producer = log.producer(TOPICS.raw)
    for (const value of ['first good', 'NEEDLE-IN-THE-LOG', 'last good'])
      await producer.append([{ key: 'a', value: Buffer.from(value) }])
    await log.stop()
    const file = join(dir, 'raw/0/log.mdb')
    const bytes = readFileSync(file)
    // Pages of aborted writes may hold a second copy: flip every one.
    for (let at = bytes.indexOf('NEEDLE'); at >= 0; at = bytes.indexOf('NEEDLE', at + 1)) bytes[at] = bytes[at]! ^ 1
    writeFileSync(file, bytes)

    const corrupt: LogError[] = []
    const again = createLmdbLog({ dir, onCorrupt: (error) => corrupt.push(error) })
    await again.start()
    const seen: string[] = []
    const consumer = again.consume({
      topic: TOPICS.raw,
      group: 'g',
      async handle(batch) {
        seen.push(...batch.records.map((record) => Buffer.from(record.value).toString()))
      },
    })
    await expect.poll(() => seen).toEqual(['first good', 'last good'])
    expect(corrupt[0]?.code).toBe('log_corrupt')
    await consumer.stop()
    await again.stop()
  })

  it.each([true, false])('gets past a damaged end, where the owner saves its offsets: %s', async (keeps) => {
    const log = createLmdbLog({ dir })
    await log.start()
    for (const value of ['first good', 'NEEDLE-IN-THE-LOG'])
      await log.producer(TOPICS.raw).append([{ key: 'a', value: Buffer.from(value) }])
    await log.stop()
    const file = join(dir, 'raw/0/log.mdb')
    const bytes = readFileSync(file)
    for (let at = bytes.indexOf('NEEDLE'); at >= 0; at = bytes.indexOf('NEEDLE', at + 1)) bytes[at] = bytes[at]! ^ 1
    writeFileSync(file, bytes)

    const again = createLmdbLog({ dir })
    await again.start()
    const [{ next } = { next: -1 }] = await again.bounds(TOPICS.raw)
    const passed: number[] = []
    const consumer = again.consume({
      topic: TOPICS.raw,
      group: 'g',
      handle(_batch, control) {
        if (keeps) control.keepOffset()
        return Promise.resolve()
      },
      ...(keeps && { passed: ({ offset }) => void passed.push(offset) }),
    })
    if (keeps) await expect.poll(() => passed).toEqual([next])
    else await expect.poll(() => consumer.lag()).toBe(0)
    await consumer.stop()
    await again.stop()
  })

  it.each([
    ['in the middle', 'second'],
    ['at the end', 'third'],
  ])('does not lose its place where the count of a group %s is damaged', async (_where, damaged) => {
    const log = createLmdbLog({ dir })
    await log.start()
    for (const value of ['first', 'second', 'third'])
      await log.producer(TOPICS.raw).append([{ key: 'a', value: Buffer.from(`${value} group of the log`) }])
    await log.stop()
    const file = join(dir, 'raw/0/log.mdb')
    const bytes = readFileSync(file)
    for (let at = bytes.indexOf(damaged); at >= 0; at = bytes.indexOf(damaged, at + 1)) {
      // Record head (6) and key (1), then the group's head: the highest byte of the count is its fifth.
      bytes[at - 7 - 16 + 4] = 0x7f
    }
    writeFileSync(file, bytes)

    const again = createLmdbLog({ dir })
    await again.start()
    const seen: string[] = []
    const consumer = again.consume({
      topic: TOPICS.raw,
      group: 'g',
      async handle(batch) {
        seen.push(...batch.records.map((record) => Buffer.from(record.value).toString().split(' ')[0]!))
      },
    })
    await expect.poll(() => seen.length).toBe(2)
    await again.producer(TOPICS.raw).append([{ key: 'a', value: Buffer.from('fourth group') }])
    await expect
      .poll(() => seen)
      .toEqual([...['first', 'second', 'third'].filter((value) => value !== damaged), 'fourth'])
    const [bounds] = await again.bounds(TOPICS.raw)
    expect(bounds!.next).toBeLessThan(1_000)
    await expect.poll(() => consumer.lag()).toBe(0)
    await again.stop()
  })

  it('refuses appends when the disk is nearly full, and takes them again when there is room', async () => {
    const log = createLmdbLog({ dir, reserveBytes: Number.MAX_SAFE_INTEGER })
    await log.start()
    await expect(log.producer(TOPICS.raw).append([{ key: 'a', value: Buffer.from('x') }])).rejects.toMatchObject({
      code: 'log_full',
      retryable: true,
    })
    await log.stop()
    const roomy = createLmdbLog({ dir, reserveBytes: 0 })
    await roomy.start()
    await expect(roomy.producer(TOPICS.raw).append([{ key: 'a', value: Buffer.from('x') }])).resolves.toMatchObject({
      offset: 0,
    })
    await roomy.stop()
  })

  it('shows a reader what another process appended', async () => {
    const writer = createLmdbLog({ dir })
    const reader = createLmdbLog({ dir })
    await writer.start()
    await reader.start()
    const seen: string[] = []
    const consumer = reader.consume({
      topic: TOPICS.events,
      group: 'g',
      async handle(batch) {
        seen.push(...batch.records.map((record) => Buffer.from(record.value).toString()))
      },
    })
    await writer.producer(TOPICS.events).append([{ key: 'a', value: Buffer.from('hello') }])
    await expect.poll(() => seen).toEqual(['hello'])
    await consumer.stop()
    await reader.stop()
    await writer.stop()
  })
})
