import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deviceBuckets, readingRow, siteAt, sql } from '@heliograph/crm-core'
import { WarehouseError } from '@heliograph/crm-core/contracts'
import type {
  ConnectionId,
  DeviceId,
  DeviceKind,
  DeviceRole,
  Metrics,
  Reading,
  RegistryDevice,
  RegistrySite,
  ReplayId,
  SiteId,
  TenantId,
} from '@heliograph/crm-core/contracts'
import { createRollups, tombstoneReplayed, verifyRollups, type RollupRegistry, type Rollups } from '@heliograph/stream'
import { startTestWarehouse, type TestWarehouse } from './test-warehouse.ts'

const MINUTE = 60_000
const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Midnight of Kathmandu's 2 June 2026: its days begin at a quarter past an hour. */
const START = Date.UTC(2026, 5, 1, 18, 15)

let test: TestWarehouse
let now = START + 30 * DAY
beforeAll(async () => {
  test = await startTestWarehouse()
})
afterAll(() => test.stop())

interface World extends RollupRegistry {
  tenantId: TenantId
  siteId: SiteId
  rollups: Rollups
  fresh(): Rollups
  insert(readings: Reading[], observe?: boolean): Promise<void>
  reading(device: string, ts: number, metrics: Metrics, more?: Partial<Reading>): Reading
  devices: Map<string, RegistryDevice>
}
let worlds = 0
/** A tenant with one site; the plans name its devices. */
function world(plans: [name: string, kind: DeviceKind, role: DeviceRole, more?: Partial<RegistryDevice>][]): World {
  const tenantId = `t${++worlds}` as TenantId
  const siteId = `${tenantId}-site` as SiteId
  const site: RegistrySite = {
    id: siteId,
    tenantId,
    name: 'Site',
    customerId: 'c' as RegistrySite['customerId'],
    orgUnitId: 'o' as RegistrySite['orgUnitId'],
    timezone: 'Asia/Kathmandu',
    latitude: 27.7,
    longitude: 85.3,
    peakPowerW: 20_000,
  }
  const devices = new Map<string, RegistryDevice>()
  for (const [name, kind, role, more] of plans)
    devices.set(name, {
      id: `${tenantId}-${name}` as DeviceId,
      tenantId,
      siteId,
      name,
      kind,
      vendor: 'native',
      serial: name,
      roles: [{ role, from: 0 }],
      links: [],
      sites: [{ siteId, from: 0 }],
      ...more,
    })
  const byId = new Map([...devices.values()].map((device) => [device.id, device]))
  const registry: RollupRegistry = {
    device: (id) => byId.get(id),
    site: (id) => (id === siteId ? site : undefined),
    devicesOfSite: (id) => [...byId.values()].filter((device) => device.sites.some((period) => period.siteId === id)),
  }
  const fresh = (): Rollups =>
    createRollups({ warehouse: test.warehouse, registry, clock: () => (now += 10), worker: tenantId })
  let offset = 0
  const created = fresh()
  return {
    ...registry,
    tenantId,
    siteId,
    devices,
    rollups: created,
    fresh,
    async insert(readings, observe = true) {
      await test.warehouse.insert('readings', readings.map(readingRow))
      if (observe) created.observe(readings)
    },
    reading: (name, ts, metrics, more) => ({
      tenantId,
      siteId,
      deviceId: devices.get(name)!.id,
      ts,
      receivedAt: ts,
      source: 'native',
      metrics,
      quality: [],
      rawRef: { connectionId: `${tenantId}-con` as ConnectionId, partition: 0, offset: offset++, revision: 0 },
      ...more,
    }),
  }
}

const system = { scope: 'system', lane: 'light' } as const
/** Every bucket by itself, however it is kept. */
const dump = async (table: string, tenantId: TenantId): Promise<object[]> => {
  const own = sql([table] as unknown as TemplateStringsArray)
  const keys = sql`version, is_deleted, tenant_id, site_id`
  if (table !== 'rollup_device_5m')
    return test.warehouse.query(
      sql`SELECT * EXCEPT (${keys}) FROM ${own} FINAL WHERE tenant_id = ${tenantId} ORDER BY ALL`,
      system,
    )
  const ids = await test.warehouse.query<{ id: DeviceId }>(
    sql`SELECT DISTINCT device_id AS id FROM ${own} WHERE tenant_id = ${tenantId}`,
    system,
  )
  const all = deviceBuckets(
    tenantId,
    ids.map(({ id }) => id),
    { from: 0, to: START + 4000 * DAY },
  )
  return test.warehouse.query(sql`SELECT * EXCEPT (${keys}, run) FROM ${all} ORDER BY ALL`, system)
}
const energy = async (scope: 'device' | 'site', bucket: string, tenantId: string, extra = sql`1`): Promise<number> => {
  const table = sql([`rollup_${scope}_${bucket}`] as unknown as TemplateStringsArray)
  const [row] = await test.warehouse.query<{ wh: number }>(
    sql`SELECT sum(energy_wh) AS wh FROM ${table} FINAL WHERE tenant_id = ${tenantId} AND ${extra}`,
    system,
  )
  return row!.wh
}
/** A bell over the day of Kathmandu, W. */
const sun = (ts: number, peak: number): number =>
  Math.max(0, Math.sin((((ts - START) % DAY) / DAY) * 2 * Math.PI - Math.PI / 2)) * peak
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
function shuffled<T>(values: readonly T[], chance: () => number): T[] {
  const list = [...values]
  for (let index = list.length - 1; index > 0; index--) {
    const other = Math.floor(chance() * (index + 1))
    ;[list[index], list[other]] = [list[other]!, list[index]!]
  }
  return list
}

/** Three days of an inverter with a counter, one with power alone, a meter, a weather station. */
function threeDays(w: World): Reading[] {
  const readings: Reading[] = []
  let wh = 1_000_000
  let exported = 50_000
  for (let ts = START; ts < START + 3 * DAY; ts += MINUTE) {
    const power = sun(ts, 9000)
    wh += power / 60
    exported += Math.max(0, power - 3000) / 60
    // The night of the second day and two hours at its noon are missing.
    const into = ts - START - DAY
    if (into > 11 * HOUR && into < 13 * HOUR) continue
    readings.push(w.reading('inverter', ts + 7000, { ac_power_w: power, energy_total_wh: wh }))
    if (ts % (5 * MINUTE) === 0) readings.push(w.reading('small', ts, { ac_power_w: sun(ts, 4000) }))
    if (ts % (15 * MINUTE) === 0) {
      readings.push(w.reading('meter', ts, { grid_power_w: 3000 - power, export_total_wh: exported }))
      readings.push(w.reading('weather', ts, { irradiance_wm2: sun(ts, 1000), ambient_temp_c: 20 }))
    }
  }
  return readings
}
const plant: Parameters<typeof world>[0] = [
  ['inverter', 'inverter', 'production', { peakPowerW: 10_000 }],
  ['small', 'inverter', 'production', { peakPowerW: 5000 }],
  ['meter', 'meter', 'grid'],
  ['weather', 'weather', 'irradiance'],
]
const TABLES = [
  'rollup_device_5m',
  'rollup_site_5m',
  'rollup_device_1h',
  'rollup_device_1d',
  'rollup_site_1d',
  'rollup_site_1mo',
]
const plain = (rows: object[], tenantId: string): unknown =>
  JSON.parse(
    JSON.stringify(rows)
      .replaceAll(`${tenantId}-`, '')
      .replace(/(\d+\.\d{9})\d+/g, '$1'),
  ) as unknown
/** Sums of floats in another order differ in their last digits. */
function expectAlike(actual: unknown, expected: unknown): void {
  const round = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value, (_, part: unknown) => (typeof part === 'number' ? Number(part.toPrecision(9)) + 0 : part)),
    ) as unknown
  expect(round(actual)).toEqual(round(expected))
}

describe('roll-ups', () => {
  let inOrder: World
  /** All tables of one tenant are those of readings that came in order. */
  async function expectAsInOrder({ tenantId }: { tenantId: TenantId }): Promise<void> {
    for (const table of TABLES)
      expectAlike(
        plain(await dump(table, tenantId), tenantId),
        plain(await dump(table, inOrder.tenantId), inOrder.tenantId),
      )
  }
  beforeAll(async () => {
    inOrder = world(plant)
    const readings = threeDays(inOrder)
    for (let at = 0; at < readings.length; at += 500) {
      await inOrder.insert(readings.slice(at, at + 500))
      if (at % 2500 === 0) await inOrder.rollups.flush()
    }
    await inOrder.rollups.flush({ all: true })
  }, 120_000)

  it('give the counter rise and the power integral, at every width', async () => {
    const { tenantId } = inOrder
    const [first, last] = await test.warehouse.query<{ c: number }>(
      sql`SELECT energy_total_wh AS c FROM readings WHERE tenant_id = ${tenantId} AND device_id = ${`${tenantId}-inverter`} AND ts IN (
        SELECT min(ts) FROM readings WHERE device_id = ${`${tenantId}-inverter`} UNION ALL SELECT max(ts) FROM readings WHERE device_id = ${`${tenantId}-inverter`}) ORDER BY c`,
      system,
    )
    const rise = last!.c - first!.c
    const own = sql`device_id = ${`${tenantId}-inverter`}`
    for (const bucket of ['5m', '1h', '1d', '1mo'])
      expect(await energy('device', bucket, tenantId, own)).toBeCloseTo(rise, 3)
    const days = await test.warehouse.query<{
      date: string
      ts: string
      energy_method: string
      estimated_wh: number
      expected: number
      slots: number
    }>(
      sql`SELECT date, ts, energy_method, estimated_wh, expected, slots FROM rollup_device_1d FINAL WHERE ${own} ORDER BY date`,
      system,
    )
    expect(days.map(({ date, ts }) => [date, ts])).toEqual([
      ['2026-06-02', '2026-06-01 18:15:00'],
      ['2026-06-03', '2026-06-02 18:15:00'],
      ['2026-06-04', '2026-06-03 18:15:00'],
    ])
    expect(days[1]!.estimated_wh).toBeGreaterThan(10_000)
    expect(days[0]!.estimated_wh).toBe(0)
    expect(days[0]).toMatchObject({ expected: 288, slots: 288 })
    const weather = await test.warehouse.query(
      sql`SELECT expected, slots, irradiance_wm2_max FROM rollup_device_1d FINAL WHERE device_id = ${`${tenantId}-weather`} ORDER BY date LIMIT 1`,
      system,
    )
    expect(weather).toEqual([{ expected: 96, slots: 96, irradiance_wm2_max: expect.closeTo(1000, 3) }])
  })
  it('add up to the site by what counts once', async () => {
    const { tenantId } = inOrder
    const devices = await energy('device', '5m', tenantId)
    expect(await energy('site', '5m', tenantId)).toBeCloseTo(devices, 3)
    expect(await energy('site', '1mo', tenantId)).toBeCloseTo(devices, 3)
    const [noon] = await test.warehouse.query<Record<string, unknown>>(
      sql`SELECT source, energy_method, ac_power_w_avg, grid_power_w_avg, irradiance_wm2_avg FROM rollup_site_5m FINAL
        WHERE tenant_id = ${tenantId} AND ts = toDateTime(${(START + 12 * HOUR + 10 * MINUTE) / 1000}, 'UTC')`,
      system,
    )
    expect(noon).toMatchObject({ source: 'inverters', energy_method: 'mixed' })
    expect(noon!['ac_power_w_avg']).toBeGreaterThan(12_500)
    // The weather station speaks every 15 minutes: its last word holds in between.
    expect(noon!['irradiance_wm2_avg']).toBeGreaterThan(950)
  })
  it('are what raw says, in random windows', async () => {
    const result = await verifyRollups({
      warehouse: test.warehouse,
      registry: inOrder,
      windows: 12,
      random: random(7),
      before: START + 10 * DAY,
    })
    expect(result.differences).toEqual([])
    expect(result.buckets).toBeGreaterThan(500)
  }, 60_000)

  it.each([1, 2])(
    'are the same for readings shuffled, doubled and late (%i)',
    async (seed) => {
      const chance = random(seed)
      const w = world(plant)
      const readings = threeDays(w)
      const late = readings.filter(() => chance() < 0.05)
      const arriving = shuffled(
        readings.filter((reading) => !late.includes(reading)).concat(readings.filter(() => chance() < 0.05)),
        chance,
      )
      for (let at = 0; at < arriving.length; at += 3000) {
        await w.insert(arriving.slice(at, at + 3000))
        await w.rollups.flush()
      }
      await w.insert(late)
      await w.rollups.flush({ all: true })
      await expectAsInOrder(w)
    },
    120_000,
  )

  it.each(['forwards', 'backwards'])(
    'are the same where the past comes in %s beside what is live',
    async (direction) => {
      const w = world(plant)
      const readings = threeDays(w)
      const split = START + 2 * DAY + 7 * HOUR
      const live = readings.filter(({ ts }) => ts >= split)
      const past = readings.filter(({ ts }) => ts < split)
      const pieces = Array.from({ length: 14 }, (_, piece) =>
        past.filter(({ ts }) => Math.floor((ts - START) / (4 * HOUR)) === piece),
      )
      if (direction === 'backwards') pieces.reverse()
      for (let piece = 0; piece < 14; piece++) {
        const from = split + piece * 72 * MINUTE
        await w.insert(live.filter(({ ts }) => ts >= from && (ts < from + 72 * MINUTE || piece === 13)))
        await w.rollups.flush()
        // The first while there is next to nothing live, the others when folds stand on their own.
        await w.insert(pieces[piece]!)
        await w.rollups.flush()
      }
      await w.rollups.flush({ all: true })
      await expectAsInOrder(w)
    },
    120_000,
  )

  it('end in the same numbers when the store fails now and then', async () => {
    const chance = random(3)
    const w = world(plant)
    let failures = 0
    const flaky = <Arguments extends unknown[], Answer>(call: (...values: Arguments) => Promise<Answer>) => {
      return (...values: Arguments): Promise<Answer> => {
        if (chance() > 0.15) return call(...values)
        failures += 1
        return Promise.reject(new WarehouseError('warehouse_unavailable', 'it fails now'))
      }
    }
    const { warehouse } = test
    const rollups = createRollups({
      warehouse: {
        ...warehouse,
        insert: flaky(warehouse.insert.bind(warehouse)),
        execute: flaky(warehouse.execute.bind(warehouse)),
        query: flaky(warehouse.query.bind(warehouse)) as typeof warehouse.query,
      },
      registry: w,
      clock: () => (now += 10),
      worker: w.tenantId,
    })
    const readings = threeDays(w)
    for (let at = 0; at < readings.length; at += 1000) {
      const some = readings.slice(at, at + 1000)
      await w.insert(some, false)
      rollups.observe(some)
      await rollups.flush({ all: true }).catch(() => undefined)
    }
    for (let done = false; !done;)
      done = await rollups.flush({ all: true }).then(
        () => true,
        () => false,
      )
    expect(failures).toBeGreaterThan(5)
    await expectAsInOrder(w)
  }, 120_000)

  it('stay as they are when everything is stored and computed again', async () => {
    const before = await Promise.all(TABLES.map((table) => dump(table, inOrder.tenantId)))
    const raw = await dump('readings', inOrder.tenantId)
    const again = inOrder.fresh()
    for (const device of inOrder.devices.values()) again.touch(device.id, START, START + 3 * DAY)
    await again.flush({ all: true })
    for (const [index, table] of TABLES.entries()) expectAlike(await dump(table, inOrder.tenantId), before[index])
    expect(await dump('readings', inOrder.tenantId)).toEqual(raw)
  }, 60_000)

  it('catch up after a crash between the store and the roll-up', async () => {
    const w = world(plant)
    const readings = threeDays(w).slice(0, 2000)
    await w.insert(readings, false)
    now = Date.now()
    const started = w.fresh()
    expect(await started.recover()).toBeGreaterThan(0)
    await started.flush({ all: true })
    expect(await energy('site', '1d', w.tenantId)).toBeGreaterThan(1000)
    now = START + 60 * DAY
  }, 60_000)

  it('keep a long past of devices that speak seldom in few rows, and are the same numbers', async () => {
    const plans: Parameters<typeof world>[0] = [
      ['hourly', 'inverter', 'production'],
      ['meter', 'meter', 'grid'],
    ]
    const everything = (w: World): Reading[] => {
      const readings: Reading[] = []
      let [wh, bought, sold] = [1_000_000, 5000, 7000]
      for (let ts = START + 2.5 * MINUTE; ts < START + 12 * DAY; ts += HOUR) {
        const power = sun(ts, 9000)
        wh += power
        bought += 300
        sold += power / 2
        // Nobody spoke for a day and a half.
        if (ts > START + 4 * DAY && ts < START + 5.5 * DAY) continue
        if (power > 0) readings.push(w.reading('hourly', ts, { ac_power_w: power, energy_total_wh: wh }))
        readings.push(w.reading('meter', ts, { grid_power_w: 300, import_total_wh: bought, export_total_wh: sold }))
      }
      return readings
    }
    const late = (w: World): Reading[] => [
      w.reading('hourly', START + 3 * DAY + 10 * HOUR + 33 * MINUTE, { ac_power_w: 5000 }),
      w.reading('meter', START + 5 * DAY + 31 * MINUTE, { import_total_wh: 5000 + 120 * 300 }),
    ]
    const rowsOf = async ({ tenantId }: World): Promise<number> => {
      const [row] = await test.warehouse.query<{ n: number }>(
        sql`SELECT toUInt32(count()) AS n FROM rollup_device_5m FINAL WHERE tenant_id = ${tenantId}`,
        system,
      )
      return row!.n
    }
    const restored = now
    // As it comes, hour by hour: every bucket is a row.
    const live = world(plans)
    let spoken = 0
    for (const reading of [...everything(live), ...late(live)].sort((a, b) => a.ts - b.ts)) {
      now = Math.max(reading.ts, now - 400 * DAY)
      await live.insert([reading])
      if (reading.deviceId.endsWith('meter') && ++spoken % 12 === 0) await live.rollups.flush()
    }
    await live.rollups.flush({ all: true })
    now = restored
    for (const seed of [1, 2]) {
      const chance = random(seed)
      const w = world(plans)
      const past = everything(w)
      await w.insert(past, seed === 1)
      if (seed === 2) for (const { id } of w.devices.values()) w.rollups.touch(id, START, START + 12 * DAY)
      await w.rollups.flush({ all: true })
      expect(await rowsOf(w)).toBeLessThan((await rowsOf(live)) / 2)
      const rows = await rowsOf(w)
      await w.insert(late(w))
      await w.rollups.flush({ all: true })
      // What is computed again anywhere ends in the same rows.
      for (let round = 0; round < 6; round++) {
        const from = START + Math.floor(chance() * 12 * 288) * 5 * MINUTE
        const to = from + Math.floor(chance() ** 3 * 4 * DAY) + MINUTE
        for (const { id } of w.devices.values()) w.rollups.touch(id, from, to)
        await w.rollups.flush({ all: round % 2 === 0 })
      }
      await w.rollups.flush({ all: true })
      expect((await rowsOf(w)) - rows).toBeLessThan(30)
      for (const table of TABLES)
        expectAlike(
          plain(await dump(table, w.tenantId), w.tenantId),
          plain(await dump(table, live.tenantId), live.tenantId),
        )
      const verified = await verifyRollups({
        warehouse: test.warehouse,
        registry: w,
        windows: 20,
        random: chance,
        before: START + 12 * DAY,
      })
      expect(verified.differences).toEqual([])
      // And it goes on from there as it speaks.
      const counted = past.flatMap(({ metrics }) => metrics.energy_total_wh ?? [])
      const end = counted.at(-1)! + 20_000
      await w.insert([w.reading('hourly', START + 12 * DAY + 12 * HOUR, { energy_total_wh: end })])
      await w.rollups.flush({ all: true })
      expect(await energy('device', '5m', w.tenantId)).toBeCloseTo(end - counted[0]!, 3)
    }
  }, 120_000)

  it('are right at midnight, whatever energy is told by', async () => {
    const w = world([
      ['interval', 'inverter', 'production'],
      ['power', 'inverter', 'production'],
      ['hybrid', 'inverter', 'production'],
    ])
    const readings: Reading[] = []
    let imported = 0
    // A plant that never sleeps, told every quarter of an hour through two midnights.
    for (let ts = START + 20 * HOUR; ts <= START + 52 * HOUR; ts += 15 * MINUTE) {
      readings.push(w.reading('interval', ts, { energy_interval_wh: 250, interval_s: 900 }))
      readings.push(w.reading('power', ts, { ac_power_w: 1000 }))
      readings.push(w.reading('hybrid', ts, { ac_power_w: 1000, import_total_wh: (imported += 10) }))
    }
    const days = async (name: string): Promise<unknown> =>
      (
        await test.warehouse.query<{ date: string; wh: number }>(
          sql`SELECT date, round(sum(energy_wh), 6) AS wh FROM rollup_device_5m FINAL WHERE device_id = ${`${w.tenantId}-${name}`} GROUP BY date ORDER BY date`,
          system,
        )
      ).map(({ date, wh }) => [date, wh])
    const byPower = [
      ['2026-06-02', 4000],
      ['2026-06-03', 24_000],
      ['2026-06-04', 4250],
    ]
    const byInterval = [
      ['2026-06-02', 4250],
      ['2026-06-03', 24_000],
      ['2026-06-04', 4000],
    ]
    // Day by day as they come, then each day by itself in another order.
    for (let at = 0; at < readings.length; at += 60) {
      await w.insert(readings.slice(at, at + 60))
      await w.rollups.flush({ all: true })
    }
    for (const day of [undefined, 1, 0, 2]) {
      if (day !== undefined)
        for (const device of w.devices.values()) w.rollups.touch(device.id, START + day * DAY, START + (day + 1) * DAY)
      await w.rollups.flush({ all: true })
      expect([await days('power'), await days('hybrid'), await days('interval')]).toEqual([
        byPower,
        byPower,
        byInterval,
      ])
    }
  }, 60_000)

  it('take a late counter reading into a gap, and lose nothing', async () => {
    const w = world([['inverter', 'inverter', 'production']])
    const at = (hours: number, wh: number) => w.reading('inverter', START + hours * HOUR, { energy_total_wh: wh })
    await w.insert([at(6, 1000), at(7, 2000), at(30, 30_000), at(31, 31_000)])
    await w.rollups.flush({ all: true })
    expect(await energy('site', '1mo', w.tenantId)).toBeCloseTo(30_000, 3)
    await w.insert([at(17, 28_000)])
    await w.rollups.flush({ all: true })
    expect(await energy('site', '1mo', w.tenantId)).toBeCloseTo(30_000, 3)
    const inGap = sql`ts >= toDateTime(${(START + 7 * HOUR) / 1000}, 'UTC') AND ts < toDateTime(${(START + 17 * HOUR) / 1000}, 'UTC')`
    expect(await energy('site', '5m', w.tenantId, inGap)).toBeCloseTo(26_000, 3)
    // 400 days late.
    await w.insert([at(-400 * 24, 500)])
    await w.rollups.flush({ all: true })
    expect(await energy('device', '5m', w.tenantId)).toBeCloseTo(30_500, 3)
    expect(await energy('site', '1d', w.tenantId)).toBeCloseTo(30_500, 3)
    expect(await energy('site', '1mo', w.tenantId)).toBeCloseTo(30_500, 3)
  }, 60_000)

  it('leave the days around alone when a day of power alone is computed again', async () => {
    // Every quarter of an hour: the last value of a day reaches over buckets without any reading of their own.
    const w = world([['roof', 'inverter', 'production']])
    const at = (ts: number) => w.reading('roof', ts, { ac_power_w: 1000 })
    await w.insert(Array.from({ length: 3 * 96 }, (_, slot) => at(START + slot * 15 * MINUTE)))
    await w.rollups.flush({ all: true })
    expect(await energy('device', '5m', w.tenantId)).toBeCloseTo(72_000, 3)
    await w.insert([at(START + DAY + 12 * HOUR + 7 * MINUTE)])
    await w.rollups.flush({ all: true })
    for (const bucket of ['5m', '1d']) expect(await energy('site', bucket, w.tenantId)).toBeCloseTo(72_000, 3)
  }, 60_000)

  it('keep what a last reading of power carries on, whatever stretch behind it is computed again', async () => {
    const w = world([['inv', 'inverter', 'production']])
    const evening = START + 20 * HOUR + 4 * MINUTE
    const morning = START + DAY + 9 * HOUR
    await w.insert([
      w.reading('inv', evening, { ac_power_w: 1_200 }),
      ...Array.from({ length: 4 }, (_, index) =>
        w.reading('inv', morning + index * 5 * MINUTE, { energy_total_wh: 5_000 + index * 100 }),
      ),
    ])
    await w.rollups.flush({ all: true })
    const before = await dump('rollup_device_5m', w.tenantId)
    const carried = evening - (evening % (5 * MINUTE)) + 5 * MINUTE
    expect(before).toContainEqual(expect.objectContaining({ samples: 0, energy_method: 'power' }))
    // A stretch that begins behind the reading reaches back to the bucket that it carries into, and no further.
    w.rollups.touch(w.devices.get('inv')!.id, carried + 10 * MINUTE, carried + 3 * HOUR)
    await w.rollups.flush({ all: true })
    expect(await dump('rollup_device_5m', w.tenantId)).toEqual(before)
  })

  it('let go of what a replay decodes to another time', async () => {
    const w = world([['inverter', 'inverter', 'production']])
    const wrong = [0, 1, 2].map((index) =>
      w.reading('inverter', START + (40 + index) * DAY + 6 * HOUR, { ac_power_w: 1000 }),
    )
    await w.insert(wrong)
    await w.rollups.flush({ all: true })
    expect(await energy('site', '1d', w.tenantId)).toBeCloseTo(3 * 83.333, 1)
    const right = wrong.map((reading, index) => ({
      ...reading,
      ts: START + 6 * HOUR + index * 5 * MINUTE,
      rawRef: { ...reading.rawRef, revision: 1 },
    }))
    await w.insert(right)
    const chunk = {
      chunk: true,
      replayId: 'r' as ReplayId,
      tenantId: w.tenantId,
      connectionId: right[0]!.rawRef.connectionId,
      partition: 0,
      fromOffset: 0,
      toOffset: 1000,
      revision: 1,
    } as const
    for (let round = 0; round < 2; round++) {
      const touched = await tombstoneReplayed(test.warehouse, [chunk])
      expect(touched.length > 0).toBe(round === 0)
      for (const { deviceId, from, to } of touched) w.rollups.touch(deviceId, from, to)
      await w.rollups.flush({ all: true })
    }
    const days = await test.warehouse.query<{ date: string }>(
      sql`SELECT date FROM rollup_site_1d FINAL WHERE tenant_id = ${w.tenantId}`,
      system,
    )
    expect(days).toEqual([{ date: '2026-06-02' }])
    expect(await energy('site', '1d', w.tenantId)).toBeCloseTo(250, 3)
    expect(
      await test.warehouse.query(sql`SELECT count() AS n FROM readings FINAL WHERE tenant_id = ${w.tenantId}`, system),
    ).toEqual([{ n: 3 }])
  }, 60_000)

  it('follow a device to its new site from the day it moved', async () => {
    const w = world([['inverter', 'inverter', 'production']])
    const other = `${w.tenantId}-other` as SiteId
    const device = w.devices.get('inverter')!
    const readings = [0, 1, 2, 3].map((hours) =>
      w.reading('inverter', START + (6 + hours) * HOUR, { energy_total_wh: hours * 1000 }),
    )
    await w.insert(readings)
    await w.rollups.flush({ all: true })
    device.sites = [
      { siteId: w.siteId, from: 0, to: START + 8 * HOUR },
      { siteId: other, from: START + 8 * HOUR },
    ]
    const moved = createRollups({
      warehouse: test.warehouse,
      registry: { ...w, site: (id) => (id === other ? { ...w.site(w.siteId)!, id: other } : w.site(id)) },
      clock: () => (now += 10),
    })
    moved.touch(device.id, START + 8 * HOUR, START + DAY)
    await moved.flush({ all: true })
    expect(siteAt(device, START + 9 * HOUR)).toBe(other)
    expect(await energy('site', '5m', w.tenantId, sql`site_id = ${w.siteId}`)).toBeCloseTo(2000, 3)
    expect(await energy('site', '5m', w.tenantId, sql`site_id = ${other}`)).toBeCloseTo(1000, 3)
    expect(await energy('site', '1d', w.tenantId, sql`site_id = ${w.siteId}`)).toBeCloseTo(2000, 3)
  }, 60_000)
})
