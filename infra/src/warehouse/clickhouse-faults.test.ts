/** A server, or what stands before it, that fails in the middle: what was said to be stored is, once, and no answer is half of one. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { READING_COLUMNS, readingFromRow, readingRow, type SelectedReading, sql } from '@heliograph/crm-core'
import {
  createReadingWriter,
  type QueryOptions,
  type Reading,
  type ReadingRecord,
  TOPICS,
  type Warehouse,
  type WarehouseErrorCode,
} from '@heliograph/crm-core/contracts'
import { createStoreStage } from '@heliograph/stream'
import { createLmdbLog } from '../log/lmdb.ts'
import { type FaultyServer, type Fault, FAULTS, startFaultyServer } from './faulty-server.fixture.ts'
import { startTestClickhouse, type TestClickhouse } from './clickhouse-server.fixture.ts'
import { clickhouseOptions } from './clickhouse-url.ts'
import { createClickhouseWarehouse } from './clickhouse.ts'

const NOW = Date.UTC(2026, 5, 1, 12)
const INSERT = /^INSERT INTO readings /
const system: QueryOptions = { scope: 'system', lane: 'light', timeoutMs: 30_000 }
const HANGS: Fault = 'hangs in the middle of the answer'
/** As long as a hang is waited for in these tests; what does not hang has the time of a machine that does other things besides. */
const SOON_MS = 3_000
const asking = (fault: Fault): QueryOptions => ({ ...system, timeoutMs: fault === HANGS ? SOON_MS : 30_000 })
const CODES: Record<Fault, WarehouseErrorCode> = {
  'hangs in the middle of the answer': 'warehouse_timeout',
  'an exception in the body of a 200': 'warehouse_unavailable',
  'a marked exception in the body of a 200': 'warehouse_unavailable',
  'too many parts': 'warehouse_unavailable',
  'the answer is lost after the commit': 'warehouse_unavailable',
  'the connection is reset while it is kept alive': 'warehouse_unavailable',
}

describe('a ClickHouse that fails in the middle', { timeout: 150_000 }, () => {
  let server: TestClickhouse
  let faulty: FaultyServer
  let warehouse: Warehouse
  /** Waits for no block longer than for a hang here. */
  let hasty: Warehouse
  const forFault = (fault: Fault): Warehouse => (fault === HANGS ? hasty : warehouse)
  let tenants = 0

  beforeAll(async () => {
    server = await startTestClickhouse()
    faulty = await startFaultyServer(server.port)
    const url = server.url().replace(`:${server.port}/`, `:${faulty.port}/`)
    warehouse = createClickhouseWarehouse(clickhouseOptions(url))
    hasty = createClickhouseWarehouse({ ...clickhouseOptions(url), insertTimeoutMs: SOON_MS })
    await warehouse.start()
    await hasty.start()
  })
  afterAll(async () => {
    await warehouse?.stop()
    await hasty?.stop()
    await faulty?.stop()
    await server?.stop()
  })

  const newTenant = (): string => `faults-${++tenants}`
  const reading = (tenantId: string, index: number): Reading =>
    ({
      tenantId,
      siteId: `${tenantId}-s1`,
      deviceId: `${tenantId}-d1`,
      ts: NOW + index * 1_000,
      receivedAt: NOW + index * 1_000 + 500,
      source: 'native',
      metrics: { ac_power_w: index },
      quality: [],
      rawRef: { connectionId: 'c1', partition: 0, offset: index, revision: 0 },
    }) as unknown as Reading
  const readings = (tenantId: string, count: number) =>
    Array.from({ length: count }, (_, index) => reading(tenantId, index))
  const powers = async (tenantId: string): Promise<(number | undefined)[]> =>
    (
      await warehouse.query<SelectedReading>(
        sql`SELECT ${READING_COLUMNS} FROM readings FINAL WHERE tenant_id = ${tenantId} ORDER BY device_id, ts`,
        system,
      )
    ).map((row) => readingFromRow(row).metrics['ac_power_w'])
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

  it.each(FAULTS)('an insert is an error where %s, and rows sent again are there once', async (fault) => {
    const tenant = newTenant()
    const rows = readings(tenant, 50).map(readingRow)
    faulty.meet(fault, INSERT)
    await expect(forFault(fault).insert('readings', rows)).rejects.toMatchObject({
      code: 'warehouse_unavailable',
      retryable: true,
    })
    await warehouse.insert('readings', rows)
    expect(await powers(tenant)).toEqual(upTo(50))
  })

  it.each(FAULTS)('the store loses and doubles nothing where %s, time and again', async (fault) => {
    const folder = mkdtempSync(join(tmpdir(), 'helio-faults-'))
    const log = createLmdbLog({ dir: folder })
    const tenant = newTenant()
    const write = createReadingWriter()
    await log.start()
    const observed: number[] = []
    const counted = new Map<string, number>()
    const errors: unknown[] = []
    const stage = createStoreStage({
      log,
      warehouse: forFault(fault),
      // Figures of their own tests; here, that they are told of each row once.
      rollups: {
        observe: (some) => void observed.push(...some.map(({ ts }) => ts)),
        recover: () => Promise.resolve(0),
        flush: () => Promise.resolve({ deviceRows: 0, siteRows: 0, recomputed: 0, waiting: 0, more: false }),
      },
      count: (result, rows) => counted.set(result, (counted.get(result) ?? 0) + rows),
      onError: (error) => errors.push(error),
      rollupEveryMs: 50,
    })
    const metBefore = faulty.met
    faulty.meet(fault, INSERT, 2)
    await stage.start()
    try {
      const producer = log.producer(TOPICS.readings)
      for (const part of [readings(tenant, 150), readings(tenant, 300).slice(150)]) {
        await producer.append(
          part.map((each) => ({ key: each.deviceId, value: write(each as unknown as ReadingRecord) })),
        )
        await vi.waitFor(async () => expect(await stage.lag()).toBe(0), { timeout: 60_000, interval: 50 })
      }
      expect(faulty.met - metBefore).toBe(2)
      // A slow machine may make another one of the short time.
      if (fault === HANGS) expect(errors.length).toBeGreaterThanOrEqual(2)
      else expect(errors).toHaveLength(2)
      expect(stage.trouble()).toBeUndefined()
      expect(await powers(tenant)).toEqual(upTo(300))
      expect([...counted]).toEqual([['stored', 300]])
      expect(observed).toHaveLength(300)
      await vi.waitFor(async () => {
        const saved = await log.committed(TOPICS.readings, 'store')
        expect(saved.reduce((sum, { offset }) => sum + offset, 0)).toBe(300)
      })
    } finally {
      await stage.stop()
      await log.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })

  const asked = /some_number/
  const numbers = (limit: number) => sql`SELECT number AS some_number FROM numbers(${limit})`
  const whole = (fault: Fault): boolean =>
    // Asked again, since nothing was answered yet and reading does no harm.
    fault === 'the connection is reset while it is kept alive' || fault === 'the answer is lost after the commit'

  it.each(FAULTS)('a query is whole or an error where %s', async (fault) => {
    faulty.meet(fault, asked)
    const answer = warehouse.query(numbers(1_000), asking(fault))
    if (whole(fault)) expect(await answer).toHaveLength(1_000)
    else await expect(answer).rejects.toMatchObject({ code: CODES[fault] })
  })

  it.each(FAULTS)('an export is whole or an error where %s', async (fault) => {
    faulty.meet(fault, asked)
    const count = async () => {
      let rows = 0
      for await (const some of warehouse.stream(numbers(50_000), asking(fault))) rows += some.length
      return rows
    }
    if (whole(fault)) expect(await count()).toBe(50_000)
    else await expect(count()).rejects.toMatchObject({ code: CODES[fault] })
  })

  it.each(FAULTS)('a statement is done or an error where %s', async (fault) => {
    const tenant = newTenant()
    await warehouse.insert('readings', readings(tenant, 5).map(readingRow))
    const remove = sql`ALTER TABLE readings DELETE WHERE tenant_id = ${tenant}`
    faulty.meet(fault, /ALTER TABLE readings DELETE/)
    // It answers with nothing, so that there is no middle to hang in.
    await expect(warehouse.execute(remove, asking(fault))).rejects.toMatchObject({
      code: CODES[fault],
    })
  })

  it('a connection that is reset at every try is told', async () => {
    faulty.meet('the connection is reset while it is kept alive', asked, 2)
    await expect(warehouse.query(numbers(10), system)).rejects.toMatchObject({ code: 'warehouse_unavailable' })
  })
})
