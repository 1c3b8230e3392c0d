/** What every engine of the warehouse port promises. Run by each engine's test file, unchanged. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { READING_COLUMNS, readingFromRow, readingRow, sql, type SelectedReading } from '@heliograph/crm-core'
import {
  METRIC_NAMES,
  WarehouseError,
  type ConnectionId,
  type DeviceId,
  type QueryOptions,
  type Reading,
  type SiteId,
  type Sql,
  type TenantId,
  type Warehouse,
} from '@heliograph/crm-core/contracts'

export interface WarehouseUnderTest {
  warehouse: Warehouse
  /** Another client of the same engine, not started yet. */
  another(): Warehouse
  /** Kills the engine without warning; `revive` brings it back on the same data. Absent where it is not ours to kill. */
  kill?(): Promise<void>
  revive?(): Promise<void>
  stop(): Promise<void>
}

const NOW = Date.UTC(2026, 5, 1, 12)
/** As long as a machine takes that does other things besides: how long a query may take has tests of its own. */
const system: QueryOptions = { scope: 'system', lane: 'light', timeoutMs: 30_000 }
const systemHeavy: QueryOptions = { scope: 'system', lane: 'heavy' }
const COUNT_ALL = sql`SELECT count() AS n FROM readings FINAL`
let tenants = 0

function reading(
  tenantId: string,
  more: Partial<Reading> & { device?: string; offset?: number; revision?: number } = {},
): Reading {
  const { device = 'd1', offset = 0, revision = 0, ...rest } = more
  return {
    tenantId: tenantId as TenantId,
    siteId: `${tenantId}-s1` as SiteId,
    deviceId: `${tenantId}-${device}` as DeviceId,
    ts: NOW,
    receivedAt: NOW + 500,
    source: 'native',
    metrics: { ac_power_w: 100 },
    quality: [],
    rawRef: { connectionId: 'c1' as ConnectionId, partition: 3, offset, revision },
    ...rest,
  }
}
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing thrown',
    (error: unknown) => (error instanceof WarehouseError ? error.code : String(error)),
  )

export function describeWarehouse(name: string, create: () => Promise<WarehouseUnderTest>): void {
  describe(`warehouse on ${name}`, () => {
    let under: WarehouseUnderTest
    let warehouse: Warehouse
    beforeAll(async () => {
      under = await create()
      warehouse = under.warehouse
      await warehouse.start()
    })
    afterAll(async () => {
      await warehouse.stop()
      await under.stop()
    })
    const newTenant = (): string => `w${Date.now().toString(36)}-${++tenants}`
    const insert = (readings: Reading[]): Promise<void> => warehouse.insert('readings', readings.map(readingRow))
    const read = async (tenantId: string): Promise<Reading[]> =>
      (
        await warehouse.query<SelectedReading>(
          sql`SELECT ${READING_COLUMNS} FROM readings FINAL WHERE tenant_id = ${tenantId} ORDER BY device_id, ts`,
          system,
        )
      ).map(readingFromRow)
    const count = async (tenantId: string, text: Sql = sql`readings FINAL`): Promise<number> => {
      const [row] = await warehouse.query<{ n: number }>(
        sql`SELECT count() AS n FROM ${text} WHERE tenant_id = ${tenantId}`,
        system,
      )
      return row!.n
    }

    it('shows a row as soon as its insert is acknowledged, exactly as it was given', async () => {
      const tenant = newTenant()
      const full = reading(tenant, {
        ts: NOW + 123,
        metrics: Object.fromEntries(
          METRIC_NAMES.map((metric, index) => [metric, index === 3 ? 1e15 - 1 : index + 0.1]),
        ),
        extra: { 'Überstrom "x"': 1.5, text: 'a\n\nb\\\t\u0000', on: true },
        status: 'producing',
        faults: [{ code: '0x1F', text: "it's\n\n;--" }],
        dc: [{ voltage_v: 600.5, current_a: 8 }, { power_w: -1 }, {}],
        ac: [{ voltage_v: 230 }],
        quality: ['stale', 'clock_suspect'],
      })
      full.rawRef.offset = 2 ** 40 + 1
      const silent = reading(tenant, { device: 'd2', metrics: {}, faults: [] })
      await insert([full, silent])
      expect(await read(tenant)).toEqual([full, silent])
    })
    it('has a column for every metric, spelled as in the contract', async () => {
      const columns = await warehouse.query<{ name: string }>(
        sql`SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'readings' AND type = 'Nullable(Float64)'`,
        system,
      )
      expect(columns.map((column) => column.name).sort()).toEqual([...METRIC_NAMES].sort())
    })
    it('shows one row per device and instant: the later message wins, then the later decoding, in any order of arrival', async () => {
      const tenant = newTenant()
      const version = (offset: number, revision: number) =>
        reading(tenant, { offset, revision, metrics: { ac_power_w: offset * 10 + revision } })
      const shown = async (): Promise<number | undefined> => (await read(tenant))[0]?.metrics.ac_power_w
      await insert([version(5, 0)])
      await insert([version(7, 0)])
      expect(await shown()).toBe(70)
      await insert([version(6, 3)])
      expect(await shown()).toBe(70)
      await insert([version(7, 2)])
      await insert([version(7, 1), version(7, 0), version(5, 0)])
      expect(await shown()).toBe(72)
      expect(await count(tenant)).toBe(1)
    })
    it('changes nothing when the same rows come again', async () => {
      const tenant = newTenant()
      const readings = Array.from({ length: 500 }, (_, index) =>
        reading(tenant, { ts: NOW + index * 1000, offset: index }),
      )
      await insert(readings)
      const before = await read(tenant)
      await insert(readings.slice(100, 300))
      await insert(readings)
      expect(await read(tenant)).toEqual(before)
    })
    it('keeps what is sent again, and shows it once', async () => {
      const tenant = newTenant()
      const readings = Array.from({ length: 50 }, (_, index) => reading(tenant, { ts: NOW + index }))
      // A merge would put the two into one whenever it likes.
      await warehouse.execute(sql`SYSTEM STOP MERGES readings`, system)
      try {
        await insert(readings)
        await insert(readings)
        // An engine that leaves out what it has seen would also leave out what it had noted and not kept when it died.
        expect(await count(tenant, sql`readings`)).toBe(100)
        expect(await count(tenant)).toBe(50)
      } finally {
        await warehouse.execute(sql`SYSTEM START MERGES readings`, system)
      }
    })
    it('takes dates of 300 different months in one batch', async () => {
      const tenant = newTenant()
      const readings = Array.from({ length: 300 }, (_, index) => reading(tenant, { ts: Date.UTC(2002, index, 15) }))
      await insert(readings)
      expect((await read(tenant)).map(({ ts }) => ts)).toEqual(readings.map(({ ts }) => ts))
    })
    it('takes rows that were made ready before, of different columns and months', async () => {
      const tenant = newTenant()
      const readings = [
        reading(tenant, { ts: NOW }),
        { ...reading(tenant, { ts: NOW + 1 }), faults: [{ code: '7' }], dc: [{ power_w: 5 }] },
        ...Array.from({ length: 130 }, (_, index) => reading(tenant, { ts: Date.UTC(2004, index, 15) })),
      ]
      const blocks = readings.flatMap((one) => warehouse.encode('readings', [readingRow(one)]))
      await warehouse.insert('readings', blocks)
      await warehouse.insert('readings', blocks)
      const found = await read(tenant)
      expect(found).toHaveLength(readings.length)
      expect(found.at(-1)).toMatchObject({ ts: NOW + 1, faults: [{ code: '7' }], dc: [{ power_w: 5 }] })
      expect(found.at(-2)).not.toHaveProperty('faults')
      expect(() => warehouse.encode('readings', [{ nonsense: 1 }])).toThrow('no such column')
    })
    it('refuses rows that are not of the table, and says that trying again is no use', async () => {
      for (const wrong of [{ nonsense: 1 }, { ac_power_w: '5' }, { ts: 'yesterday' }, { raw_offset: -1 }]) {
        const error = await warehouse
          .insert('readings', [{ ...readingRow(reading('x')), ...wrong }])
          .catch((thrown: unknown) => thrown)
        expect(error).toMatchObject({ code: 'warehouse_rejected', retryable: false })
      }
      expect(await codeOf(warehouse.insert('no_such_table', [{ a: 1 }]))).toBe('warehouse_bad_query')
    })

    describe('whose rows a query sees', () => {
      const mine = newTenant()
      const other = newTenant()
      const two: SiteId[] = [`${mine}-s1` as SiteId, `${mine}-s2` as SiteId]
      beforeAll(async () => {
        const readings = [mine, other].flatMap((tenant) =>
          [1, 2, 3].map((index) => reading(tenant, { device: `d${index}`, siteId: `${tenant}-s${index}` as SiteId })),
        )
        await insert(readings)
        await warehouse.insert(
          'rollup_site_5m',
          [mine, other].map((tenant) => ({
            tenant_id: tenant,
            site_id: `${tenant}-s1`,
            ts: NOW,
            date: '2026-06-01',
            energy_wh: 1,
            version: 1,
          })),
        )
      })
      it.each<[string, Sql]>([
        ['plain', sql`SELECT tenant_id, site_id FROM readings FINAL`],
        ['without FINAL', sql`SELECT tenant_id, site_id FROM readings`],
        [
          'asking for the other tenant by name',
          sql`SELECT tenant_id, site_id FROM readings FINAL WHERE tenant_id = ${other} OR tenant_id != ''`,
        ],
        ['an alias', sql`SELECT r.tenant_id AS tenant_id, r.site_id AS site_id FROM readings AS r FINAL`],
        ['a subquery', sql`SELECT tenant_id, site_id FROM (SELECT * FROM (SELECT tenant_id, site_id FROM readings))`],
        ['WITH', sql`WITH a AS (SELECT tenant_id, site_id FROM readings) SELECT * FROM a`],
        [
          'UNION',
          sql`SELECT tenant_id, site_id FROM readings UNION ALL SELECT tenant_id, site_id FROM readings UNION ALL SELECT tenant_id, site_id FROM rollup_site_5m`,
        ],
        [
          'a join',
          sql`SELECT b.tenant_id AS tenant_id, b.site_id AS site_id FROM readings AS a JOIN readings AS b ON 1 = 1`,
        ],
        ['IN', sql`SELECT tenant_id, site_id FROM rollup_site_5m WHERE 1 IN (SELECT 1 FROM readings)`],
        ['a comment', sql`SELECT tenant_id, site_id FROM readings -- the end`],
      ])('is decided by the engine, whatever the SQL forgets: %s', async (_, text) => {
        const whole = await warehouse.query<{ tenant_id: string; site_id: string }>(text, {
          scope: { tenantId: mine as TenantId },
          lane: 'light',
        })
        expect(new Set(whole.map((row) => row.tenant_id))).toEqual(new Set([mine]))
        const part = await warehouse.query<{ tenant_id: string; site_id: string }>(text, {
          scope: { tenantId: mine as TenantId, siteIds: two.slice(0, 1) },
          lane: 'light',
        })
        expect(new Set(part.map((row) => row.site_id))).toEqual(new Set(two.slice(0, 1)))
        const none = await warehouse.query(text, { scope: { tenantId: mine as TenantId, siteIds: [] }, lane: 'light' })
        expect(none).toEqual([])
      })
      it('holds for streams, and after a query of somebody else on the same connection', async () => {
        const seen: string[] = []
        for await (const rows of warehouse.stream<{ tenant_id: string }>(sql`SELECT tenant_id FROM readings`, {
          scope: { tenantId: mine as TenantId },
          lane: 'heavy',
        })) {
          seen.push(...rows.map((row) => row.tenant_id))
          await warehouse.query(COUNT_ALL, system)
        }
        expect(new Set(seen)).toEqual(new Set([mine]))
        const answers = await Promise.all(
          [mine, other, mine, other].map((tenant) =>
            warehouse.query<{ t: string }>(sql`SELECT DISTINCT tenant_id AS t FROM readings`, {
              scope: { tenantId: tenant as TenantId },
              lane: 'light',
            }),
          ),
        )
        expect(answers.map((rows) => rows.map(({ t }) => t))).toEqual([[mine], [other], [mine], [other]])
      })
      it('cannot be widened from within the SQL', async () => {
        const scope = { tenantId: mine as TenantId }
        expect(
          await codeOf(
            warehouse.query(sql`SELECT 1 FROM readings SETTINGS additional_table_filters = {}`, {
              scope,
              lane: 'light',
            }),
          ),
        ).toBe('warehouse_bad_query')
        expect(
          await codeOf(
            warehouse.query(sql`SELECT 1 FROM (SELECT * FROM readings SETTINGS max_threads = 1)`, {
              scope,
              lane: 'light',
            }),
          ),
        ).toBe('warehouse_bad_query')
      })
      it('shows a moved reading to its new site alone', async () => {
        const tenant = newTenant()
        await insert([reading(tenant)])
        await insert([reading(tenant, { siteId: `${tenant}-s2` as SiteId, offset: 1 })])
        const of = (siteId: string) =>
          warehouse.query(sql`SELECT ts FROM readings FINAL`, {
            scope: { tenantId: tenant as TenantId, siteIds: [siteId as SiteId] },
            lane: 'light',
          })
        expect(await of(`${tenant}-s2`)).toHaveLength(1)
        expect(await of(`${tenant}-s1`)).toHaveLength(0)
      })
      it('takes a set of ten thousand sites', async () => {
        const siteIds = Array.from(
          { length: 10_000 },
          (_, index) => `0190c0de-0000-7000-8000-${String(index).padStart(12, '0')}` as SiteId,
        ).concat(two)
        const rows = await warehouse.query(sql`SELECT site_id FROM readings FINAL WHERE tenant_id = ${mine}`, {
          scope: { tenantId: mine as TenantId, siteIds },
          lane: 'light',
        })
        expect(rows).toHaveLength(2)
      })
    })

    describe('bounds', () => {
      const endless = sql`SELECT count() AS n FROM numbers(1000000000000) WHERE sipHash64(number) % 7 = 0`
      it('answers too many rows with an error, never with a part', async () => {
        const numbers = sql`SELECT number FROM numbers(1001)`
        expect(await codeOf(warehouse.query(numbers, { ...system, maxRows: 1000 }))).toBe('warehouse_too_many_rows')
        expect(await warehouse.query(numbers, { ...system, maxRows: 1001 })).toHaveLength(1001)
        const drain = async (): Promise<void> => {
          for await (const _ of warehouse.stream(numbers, { ...systemHeavy, maxRows: 1000 })) void _
        }
        expect(await codeOf(drain())).toBe('warehouse_too_many_rows')
      })
      it('ends a query in its time, and goes on serving', async () => {
        const started = performance.now()
        const error = await warehouse.query(endless, { ...system, timeoutMs: 700 }).catch((thrown: unknown) => thrown)
        expect(error).toMatchObject({ code: 'warehouse_timeout', retryable: true })
        expect(performance.now() - started).toBeLessThan(5000)
        await warehouse.query(sql`SELECT 1 AS one`, system)
      })
      it('lets go of a query that is called off', async () => {
        const off = new AbortController()
        const work = codeOf(warehouse.query(endless, { ...systemHeavy, timeoutMs: 2000, signal: off.signal }))
        off.abort()
        expect(await work).toBe('warehouse_timeout')
      })
      it('refuses what is no query', async () => {
        for (const text of [
          sql`SELECT FROM`,
          sql`SELECT 1; SELECT 2`,
          sql`SELECT nothing FROM readings`,
          sql`SELECT 1 FROM no_such_table`,
        ])
          expect(await codeOf(warehouse.query(text, system))).toBe('warehouse_bad_query')
      })
      it('answers 64-bit integers as numbers', async () => {
        const [row] = await warehouse.query(
          sql`SELECT toUInt64(9007199254740991) AS a, toInt64(-5) AS b, 1 / 0 AS c`,
          system,
        )
        expect(row).toEqual({ a: Number.MAX_SAFE_INTEGER, b: -5, c: null })
      })
      it('keeps what a literal says', async () => {
        const nasty = [
          "'",
          '\\',
          "\\'",
          "'; DROP TABLE readings; --",
          '\n\n',
          '\t\r\b\f',
          '\u0000',
          '日本 ✓ 🌞',
          '{a:String}',
          '?',
          '`"',
          '%_',
          "''",
        ]
        const [row] = await warehouse.query<{ a: string[] }>(
          sql`SELECT [${nasty[0]!}, ${nasty[1]!}, ${nasty[2]!}, ${nasty[3]!}, ${nasty[4]!}, ${nasty[5]!}, ${nasty[6]!}, ${nasty[7]!}, ${nasty[8]!}, ${nasty[9]!}, ${nasty[10]!}, ${nasty[11]!}, ${nasty[12]!}] AS a`,
          system,
        )
        expect(row!.a).toEqual(nasty)
      })
    })

    it('lets nobody pay for a query that was called off before it was sent', async () => {
      const one = sql`SELECT 1 AS one`
      for (let round = 0; round < 4; round++) {
        await warehouse.query(one, system)
        const off = new AbortController()
        const query = codeOf(warehouse.query(one, { ...system, signal: off.signal }))
        off.abort()
        expect(await query).toBe('warehouse_timeout')
      }
      // On the same socket, and longer than any idle one is kept by the client.
      expect(await warehouse.query(sql`SELECT sleep(3) AS n`, system)).toEqual([{ n: 0 }])
    })
    it('serves many readers and writers at once', async () => {
      const tenant = newTenant()
      const batches = Array.from({ length: 10 }, (_, batch) =>
        Array.from({ length: 200 }, (_, index) =>
          reading(tenant, { device: `d${batch}`, ts: NOW + index * 1000, offset: batch * 200 + index }),
        ),
      )
      const writing = Promise.all(batches.map((batch) => insert(batch)))
      const reading_ = Promise.all(Array.from({ length: 60 }, () => count(tenant)))
      await writing
      const counts = await reading_
      // A batch is seen whole or not at all.
      expect(counts.every((n) => n % 200 === 0)).toBe(true)
      expect(await count(tenant)).toBe(2000)
    })
    it('does not let light queries wait behind a heavy one', async () => {
      const light = async (): Promise<number> => {
        const started = performance.now()
        await warehouse.query(sql`SELECT count() AS n FROM readings WHERE tenant_id = ${'nobody'}`, system)
        return performance.now() - started
      }
      const median = async (): Promise<number> => {
        const times: number[] = []
        for (let index = 0; index < 15; index++) times.push(await light())
        return times.sort((a, b) => a - b)[7]!
      }
      await median()
      const alone = await median()
      const heavy = codeOf(
        warehouse.query(sql`SELECT count() AS n FROM numbers(1000000000000) WHERE sipHash64(number) % 7 = 0`, {
          ...systemHeavy,
          timeoutMs: 6000,
        }),
      )
      await sleep(300)
      const beside = await median()
      // The heavy one takes six seconds; waiting behind it once would show.
      expect(beside).toBeLessThan(Math.max(alone * 5, 600))
      expect(await heavy).toBe('warehouse_timeout')
    }, 60_000)

    it('migrates once, however many start at the same time', async () => {
      const others = [under.another(), under.another(), under.another()]
      await Promise.all(others.map((one) => one.start()))
      for (const one of others) {
        expect(await one.health()).toEqual({ ok: true })
        await one.stop()
      }
      const applied = await warehouse.query<{ name: string; n: number }>(
        sql`SELECT name, count() AS n FROM schema_migrations GROUP BY name`,
        system,
      )
      expect(applied.length).toBeGreaterThan(2)
      expect(applied.every(({ n }) => n === 1)).toBe(true)
    })

    describe.runIf(name === 'chDB')('an engine that dies', () => {
      it('keeps what it acknowledged after a rewind and a replay, nothing twice', async () => {
        const tenant = newTenant()
        const acknowledged: Reading[][] = []
        let next = 0
        for (let round = 0; round < 3; round++) {
          let dying = false
          const writing = (async () => {
            for (;;) {
              const batch = Array.from({ length: 200 }, () =>
                reading(tenant, { ts: NOW + next * 1000, offset: next++ }),
              )
              try {
                await insert(batch)
                acknowledged.push(batch)
              } catch (error) {
                expect(error).toMatchObject({ code: 'warehouse_unavailable', retryable: true })
                expect(dying).toBe(true)
                // Not acknowledged: the log gives it again.
                acknowledged.push(batch)
                return
              }
            }
          })()
          await sleep(400 + round * 137)
          dying = true
          await under.kill!()
          await writing
          expect((await warehouse.health()).ok).toBe(false)
          await under.revive!()
          // The consumer rewinds a few batches and gives them again.
          for (const batch of acknowledged.slice(-5)) await insert(batch)
          expect(await count(tenant)).toBe(next)
        }
      }, 60_000)
    })
  })
}
