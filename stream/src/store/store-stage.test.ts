import type { ConsumeOptions, Log, LogBatch, LogPosition, Warehouse } from '@heliograph/crm-core/contracts'
import { createReadingWriter, type ReadingRecord } from '@heliograph/crm-core/contracts'
import { afterEach, expect, it, vi } from 'vitest'
import { createStoreStage, type StoreStage } from './store-stage.ts'

/** Between two flushes. */
const ROLLUP_MS = 50
const write = createReadingWriter()
const reading = {
  tenantId: 't1',
  siteId: 's1',
  deviceId: 'd1',
  ts: 1,
  receivedAt: 1,
  source: 'native',
  metrics: { ac_power_w: 1 },
  quality: [],
  rawRef: { connectionId: 'k1', partition: 0, offset: 0, revision: 0 },
} as unknown as ReadingRecord

/** One partition that a group reads, and a store that takes everything; the roll-ups take as long as the test says. */
function create() {
  let saved = 0
  let end = 0
  let options: ConsumeOptions | undefined
  let written = Promise.withResolvers<void>()
  const committed: LogPosition[] = []
  const log = {
    producer: () => ({ append: () => Promise.resolve({ partition: 0, offset: 0 }), pendingBytes: 0 }),
    consume(given: ConsumeOptions) {
      options = given
      return {
        stop: () => Promise.resolve(),
        commit(position: LogPosition) {
          saved = position.offset
          committed.push(position)
          return Promise.resolve()
        },
        lag: () => Promise.resolve(end - saved),
      }
    },
    committed: () => Promise.resolve([{ partition: 0, offset: saved }]),
  } as unknown as Log
  const warehouse = {
    encode: (_table: string, rows: readonly object[]) => [{ rows: rows.length, bytes: new Uint8Array() }],
    insert: () => Promise.resolve(),
  } as unknown as Warehouse
  const stage = createStoreStage({
    log,
    warehouse,
    rollups: {
      observe: () => undefined,
      recover: () => Promise.resolve(0),
      flush: () => written.promise.then(() => ({ deviceRows: 0, siteRows: 0, recomputed: 0, waiting: 0, more: false })),
    },
    onError: () => undefined,
    rollupEveryMs: ROLLUP_MS,
  })
  return {
    stage,
    committed,
    async give(count: number) {
      const records = Array.from({ length: count }, () => ({
        offset: end++,
        key: 'd1',
        timestamp: 1,
        value: write(reading),
      }))
      await options!.handle({ partition: 0, records } as unknown as LogBatch, { keepOffset: () => undefined } as never)
    },
    rolledUp: () => written.resolve(),
    rollUpFails() {
      written.reject(new Error('the warehouse is down'))
      written = Promise.withResolvers()
    },
  }
}

let running: StoreStage | undefined
afterEach(() => running?.stop())

it('is not behind with what is stored, however long its roll-ups take', async () => {
  const { stage, give, committed, rolledUp, rollUpFails } = create()
  running = stage
  await stage.start()
  await give(100)
  await vi.waitFor(async () => expect(await stage.lag()).toBe(0), { timeout: 5_000 })
  // A flush is under way, and its offsets are not saved.
  await new Promise((resolve) => setTimeout(resolve, 3 * ROLLUP_MS))
  expect(committed).toEqual([])
  expect(await stage.lag()).toBe(0)
  expect(await stage.reached([{ partition: 0, offset: 100 }])).toBe(true)
  expect(await stage.reached([{ partition: 0, offset: 101 }])).toBe(false)
  rollUpFails()
  await new Promise((resolve) => setTimeout(resolve, 3 * ROLLUP_MS))
  expect(committed).toEqual([])
  expect(await stage.lag()).toBe(0)
  rolledUp()
  await vi.waitFor(() => expect(committed).toEqual([{ partition: 0, offset: 100 }]), { timeout: 5_000 })
  expect(await stage.lag()).toBe(0)
})
