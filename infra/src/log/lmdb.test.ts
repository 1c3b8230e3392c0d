import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LogError, TOPICS } from '@heliograph/crm-core/contracts'
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
      async appendUntilKilled(afterMs) {
        const script = join(import.meta.dirname, 'append-until-killed.ts')
        const child = spawn(process.execPath, [script, dir, String(runs++)], { stdio: ['ignore', 'pipe', 'inherit'] })
        let output = ''
        child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
        while (!output.includes('ready\n')) await sleep(5)
        await sleep(afterMs)
        const closed = once(child, 'close')
        child.kill('SIGKILL')
        await closed
        // What was written to the pipe was acknowledged, but for a line cut in the middle.
        return output
          .slice(0, output.lastIndexOf('\n'))
          .split('\n')
          .filter((line) => line !== 'ready' && line !== '')
      },
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
