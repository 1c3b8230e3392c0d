import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  BUCKET_MS,
  clearSkyPower,
  dayStart,
  localDate,
  plantOf,
  powerUnderIndex,
  readingRow,
  siteAt,
  solarGeometry,
  sql,
  type Registry,
} from '@heliograph/crm-core'
import type {
  ConnectionId,
  DeviceId,
  DeviceStatus,
  Metrics,
  Reading,
  RegistryDevice,
  RegistrySite,
  SiteId,
  TenantId,
  Warehouse,
  WeatherService,
} from '@heliograph/crm-core/contracts'
import { createExpectedNow } from '../roles/expected-now.ts'
import {
  createExpected,
  createRollups,
  createWeatherFeed,
  type Expected,
  type Rollups,
  type WeatherFeed,
} from '@heliograph/stream'
import { startTestWarehouse, type TestWarehouse } from './test-warehouse.ts'

const MINUTE = 60_000
const HOUR = 3_600_000
const DAY = 24 * HOUR

let test: TestWarehouse
beforeAll(async () => {
  test = await startTestWarehouse()
})
afterAll(() => test.stop())

const system = { scope: 'system', lane: 'light' } as const
let worlds = 0

interface Place {
  timezone: string
  latitude?: number
  longitude?: number
  withArrays?: boolean
}
/** A tenant with some sites of one inverter each, a kilometre apart, and a worker that follows a clock of its own. */
function world(place: Place, names: string[], startsAt: number) {
  const tenantId = `x${++worlds}` as TenantId
  let now = startsAt
  const sites = new Map<SiteId, RegistrySite>()
  const devices = new Map<DeviceId, RegistryDevice>()
  for (const [index, name] of names.entries()) {
    const id = `${tenantId}-${name}` as SiteId
    sites.set(id, {
      id,
      tenantId,
      name,
      customerId: 'c' as RegistrySite['customerId'],
      orgUnitId: 'o' as RegistrySite['orgUnitId'],
      timezone: place.timezone,
      ...(place.latitude !== undefined && { latitude: place.latitude, longitude: place.longitude! + index * 0.01 }),
      peakPowerW: 10_000,
      acCapacityW: 9_000,
      ...(place.withArrays !== false && {
        arrays: [{ azimuthDeg: (place.latitude ?? 1) > 0 ? 180 : 0, tiltDeg: 20, peakPowerW: 10_000 }],
      }),
    })
    const device = (suffix: string, kind: RegistryDevice['kind'], role: 'production' | 'irradiance'): void => {
      const deviceId = `${id}-${suffix}` as DeviceId
      devices.set(deviceId, {
        id: deviceId,
        tenantId,
        siteId: id,
        name: deviceId,
        kind,
        vendor: 'native',
        serial: deviceId,
        roles: [{ role, from: 0 }],
        links: [],
        sites: [{ siteId: id, from: 0 }],
        ...(kind === 'inverter' && { peakPowerW: 10_000 }),
      })
    }
    device('inv', 'inverter', 'production')
    device('wx', 'weather', 'irradiance')
  }
  const registry = {
    site: (id: SiteId) => sites.get(id),
    sites: () => sites.values(),
    device: (id: DeviceId) => devices.get(id),
    devicesOfSite: (id: SiteId) => [...devices.values()].filter((device) => siteAt(device, now) === id),
  }
  const clock = () => (now += 1)
  const make = (
    warehouse: Warehouse = test.warehouse,
    weather?: WeatherFeed,
    pastIsComing: () => boolean = () => false,
  ): Expected =>
    createExpected({
      warehouse,
      registry,
      clock,
      worker: `${tenantId}-e`,
      onError: fail,
      pastIsComing,
      ...(weather && { weather }),
    })
  const state = { expected: make() }
  const rollups: Rollups = createRollups({
    warehouse: test.warehouse,
    registry,
    clock,
    worker: tenantId,
    onSiteRows: (id, from, to) => state.expected.changed(id, from, to),
  })
  let offset = 0
  const siteId = (name: string) => `${tenantId}-${name}` as SiteId
  return {
    tenantId,
    sites,
    siteId,
    site: (name: string) => sites.get(siteId(name))!,
    state,
    make,
    at: (ts: number) => (now = ts),
    rollups,
    reading: (
      name: string,
      ts: number,
      metrics: Metrics,
      more: Partial<Reading> & { suffix?: string } = {},
    ): Reading => {
      const { suffix = 'inv', ...rest } = more
      return {
        tenantId,
        siteId: siteId(name),
        deviceId: `${siteId(name)}-${suffix}` as DeviceId,
        ts,
        receivedAt: ts,
        source: 'native',
        metrics,
        quality: [],
        rawRef: { connectionId: 'con' as ConnectionId, partition: 0, offset: offset++, revision: 0 },
        ...rest,
      }
    },
    async store(readings: Reading[]) {
      await test.warehouse.insert('readings', readings.map(readingRow))
      rollups.observe(readings)
    },
    async settle() {
      await rollups.flush({ all: true })
      return state.expected.run({ all: true })
    },
    rows: (name: string, from: number, to: number) =>
      test.warehouse.query<ExpectedRow>(
        sql`SELECT toUnixTimestamp(ts) * 1000 AS at, toString(date) AS date, expected_w, low_w, high_w, expected_wh, compared_wh, loss_wh, source, state, factor
          FROM expected_site_5m AS r FINAL WHERE tenant_id = ${tenantId} AND site_id = ${siteId(name)}
          AND toUnixTimestamp(r.ts) >= ${from / 1000} AND toUnixTimestamp(r.ts) < ${to / 1000} ORDER BY at`,
        system,
      ),
    days: (name: string) =>
      test.warehouse.query<DayRow>(
        sql`SELECT toString(date) AS date, toUnixTimestamp(ts) * 1000 AS at, expected_wh, compared_wh, loss_wh, slots, source
          FROM expected_site_1d FINAL WHERE tenant_id = ${tenantId} AND site_id = ${siteId(name)} ORDER BY date`,
        system,
      ),
  }
}
type World = ReturnType<typeof world>
interface ExpectedRow {
  at: number
  date: string
  expected_w: number | null
  low_w: number | null
  high_w: number | null
  expected_wh: number | null
  compared_wh: number | null
  loss_wh: number | null
  source: string
  state: string
  factor: number
}
interface DayRow {
  date: string
  at: number
  expected_wh: number | null
  compared_wh: number | null
  loss_wh: number | null
  slots: number
  source: string
}
const fail = (error: unknown): never => {
  throw error as Error
}
const sum = (rows: readonly { loss_wh: number | null }[]): number =>
  rows.reduce((total, { loss_wh }) => total + (loss_wh ?? 0), 0)

/** Power under a sky of this index, as a plant with this true factor gives it. */
function power(site: RegistrySite, ts: number, index: number, factor = 0.93): number {
  const middle = ts - (ts % BUCKET_MS) + BUCKET_MS / 2
  return powerUnderIndex(plantOf(site), solarGeometry(middle, site.latitude!, site.longitude!), index, {}, factor)
}
/** A stretch of one site at five minutes, with a counter. */
function* stretch(
  w: World,
  name: string,
  from: number,
  to: number,
  of: (
    ts: number,
  ) => { share?: number; index?: number; status?: DeviceStatus; metrics?: Metrics } | undefined = () => ({}),
): Generator<Reading> {
  let total = 1_000_000
  for (let ts = from; ts < to; ts += BUCKET_MS) {
    const { share = 1, index = 1, status, metrics } = of(ts) ?? { share: 0 }
    const made = power(w.site(name), ts, index) * share
    total += made / 12
    if (of(ts))
      yield w.reading(
        name,
        ts + MINUTE,
        { ac_power_w: made, energy_total_wh: total, ...metrics },
        status ? { status } : {},
      )
  }
}
const MUNICH = { timezone: 'Europe/Berlin', latitude: 48.1, longitude: 11.5 }
const NEIGHBOURS = ['a', 'b', 'c', 'd', 'e']

describe('from healthy neighbours', () => {
  const from = Date.parse('2026-06-01T22:00:00Z')
  const today = from + 5 * DAY
  let w: World
  beforeAll(async () => {
    w = world(MUNICH, NEIGHBOURS, today + 14 * HOUR)
    // Days one to five clear or cloudy alike for all; the last one half of site a is dead from nine o'clock.
    const cloud = (ts: number) => (Math.floor((ts - from) / DAY) % 2 === 1 ? 0.45 : 1)
    for (const name of NEIGHBOURS)
      await w.store([
        ...stretch(w, name, from, today + 13 * HOUR, (ts) => ({
          index: cloud(ts),
          share: name === 'a' && ts >= today + 9 * HOUR ? 0.5 : 1,
        })),
      ])
    await w.settle()
  })

  it('learns the factor from clear days and expects what is made on cloudy ones', async () => {
    const cloudy = await w.rows('b', from + DAY, from + 2 * DAY)
    const noon = cloudy.find(({ at }) => at === from + DAY + 12 * HOUR)!
    expect(noon.factor).toBeCloseTo(0.93, 2)
    expect(noon).toMatchObject({ source: 'peers', state: 'ok', date: '2026-06-03' })
    expect(Math.abs(noon.expected_w! / power(w.site('b'), noon.at, 0.45) - 1)).toBeLessThan(0.03)
    expect(noon.low_w!).toBeLessThan(noon.expected_w!)
    expect(noon.high_w!).toBeGreaterThan(noon.expected_w!)
    expect(sum(cloudy)).toBe(0)
  })
  it('finds the dead half, since when and how much', async () => {
    const rows = await w.rows('a', today, today + 13 * HOUR)
    expect(rows.find(({ state }) => state === 'under')!.at).toBe(today + 9 * HOUR)
    const lost = rows.filter(({ at }) => at >= today + 9 * HOUR)
    for (const row of lost) expect(row.loss_wh!).toBeCloseTo(Math.max(0, row.low_w! / 12 - row.compared_wh!), 6)
    const [day] = (await w.days('a')).slice(-1)
    expect(day).toMatchObject({ date: '2026-06-07', source: 'peers' })
    expect(day!.loss_wh!).toBeCloseTo(sum(rows), 6)
    expect(sum(rows)).toBeGreaterThan(3_500)
    // Its neighbours are not pulled down by it.
    expect(sum(await w.rows('b', today, today + 13 * HOUR))).toBe(0)
  })
  it('corrects a loss that late data explain, also for neighbours, and ends where a fresh computation ends', async () => {
    const before = sum(await w.rows('a', today, today + 13 * HOUR))
    // The logger of site a delivers what the inverter really made.
    await w.store([...stretch(w, 'a', today + 9 * HOUR, today + 13 * HOUR)])
    await w.settle()
    expect(before).toBeGreaterThan(3_500)
    expect(sum(await w.rows('a', today, today + 13 * HOUR))).toBe(0)
    const kept = await w.rows('c', from, today + 13 * HOUR)
    const fresh = w.make()
    await fresh.recover()
    for (const id of w.sites.keys()) fresh.changed(id, from, today + 13 * HOUR)
    await fresh.run({ all: true })
    expect(await w.rows('c', from, today + 13 * HOUR)).toEqual(kept)
  })
  it('tells the live list what holds now, and nothing of another day', async () => {
    await w.store([
      ...stretch(w, 'a', today + 13 * HOUR, today + 15 * HOUR, () => ({ share: 0.5, index: 0.45 })),
      ...NEIGHBOURS.slice(1).flatMap((name) => [
        ...stretch(w, name, today + 13 * HOUR, today + 15 * HOUR, () => ({ index: 0.45 })),
      ]),
    ])
    w.at(today + 15 * HOUR + 30_000)
    await w.settle()
    const registry = { site: (id: SiteId) => w.sites.get(id) } as Registry
    let at = today + 15 * HOUR + 30_000
    const now = createExpectedNow({ warehouse: test.warehouse, registry, onError: fail, now: () => at })
    await now.look()
    expect(now.of(w.siteId('a'))).toMatchObject({
      expectedSource: 'peers',
      expectedState: 'under',
      underSince: today + 13 * HOUR,
    })
    expect(now.of(w.siteId('a'))!.performanceNow).toBeCloseTo(0.5, 1)
    const fine = now.of(w.siteId('b'))!
    expect(fine).toMatchObject({ expectedState: 'ok', lossTodayWh: 0 })
    expect(fine.performanceToday).toBeCloseTo(1, 1)
    expect(fine.comparedTodayWh! / fine.expectedTodayWh!).toBe(fine.performanceToday)
    expect(fine.underSince).toBeUndefined()
    // Half an hour on without a word it does not speak for now; tomorrow not for today.
    at += HOUR
    expect(Object.keys(now.of(w.siteId('b'))!).sort()).toEqual([
      'comparedTodayWh',
      'expectedTodayWh',
      'lossTodayWh',
      'performanceToday',
    ])
    at += 12 * HOUR
    expect(now.of(w.siteId('b'))).toBeUndefined()
  })
  it('is not fooled by a street without grid: dead neighbours are no sky', async () => {
    const street = world(MUNICH, NEIGHBOURS, today + 14 * HOUR)
    for (const name of NEIGHBOURS)
      await street.store([
        ...stretch(street, name, today, today + 13 * HOUR, (ts) => ({ share: ts >= today + 10 * HOUR ? 0 : 1 })),
      ])
    await street.settle()
    expect(await street.rows('a', today + 10 * HOUR, today + 13 * HOUR)).toEqual([])
  })
  it('needs three of them, of the same tenant', async () => {
    const pair = world(MUNICH, ['a', 'b', 'c'], today + 14 * HOUR)
    for (const name of ['a', 'b', 'c']) await pair.store([...stretch(pair, name, today, today + 13 * HOUR)])
    await pair.settle()
    expect(await pair.rows('a', today, today + 13 * HOUR)).toEqual([])
    expect(await pair.days('a')).toEqual([])
  })
})

describe('a worker', () => {
  const day = Date.parse('2026-06-20T22:00:00Z')
  async function clearDay(): Promise<World> {
    const w = world(MUNICH, NEIGHBOURS, day + 15 * HOUR)
    for (const name of NEIGHBOURS) await w.store([...stretch(w, name, day, day + 14 * HOUR)])
    return w
  }
  it('that comes back takes up what was rolled up meanwhile, and little when nothing was', async () => {
    const w = await clearDay()
    w.state.expected = { ...w.make(), changed: () => undefined }
    await w.settle()
    expect(await w.rows('a', day, day + DAY)).toEqual([])
    const back = w.make()
    expect(await back.recover()).toBeGreaterThan(0)
    await back.run({ all: true })
    expect((await w.rows('a', day, day + DAY)).length).toBeGreaterThan(80)
    w.at(day + 15 * HOUR + 10 * MINUTE)
    await back.run()
    expect(await w.make().recover()).toBe(0)
  })
  it('follows a change of arrays through all that was', async () => {
    const w = await clearDay()
    await w.settle()
    const before = (await w.rows('a', day, day + DAY)).find(({ at }) => at === day + 12 * HOUR)!
    const site = w.site('a')
    w.sites.set(site.id, { ...site, arrays: [{ azimuthDeg: 180, tiltDeg: 20, peakPowerW: 5_000 }] })
    w.state.expected.siteChanged(site.id)
    await w.state.expected.run({ all: true })
    const after = (await w.rows('a', day, day + DAY)).find(({ at }) => at === day + 12 * HOUR)!
    expect(after.expected_w! / before.expected_w!).toBeCloseTo(0.5, 1)
    w.sites.set(site.id, { ...site, arrays: [], latitude: undefined, longitude: undefined } as unknown as RegistrySite)
    w.state.expected.siteChanged(site.id)
    await w.state.expected.run({ all: true })
    expect(await w.rows('a', day, day + DAY)).toEqual([])
    expect(await w.days('a')).toEqual([])
  })
  it('goes on where a store that failed comes back', async () => {
    const w = await clearDay()
    const broken = { ...test.warehouse, insert: () => Promise.reject(new Error('down')) }
    const failing = w.make(broken)
    for (const id of w.sites.keys()) failing.changed(id, day, day + 14 * HOUR)
    await expect(failing.run()).rejects.toThrow('down')
    expect(failing.waiting).toBeGreaterThanOrEqual(5)
    broken.insert = test.warehouse.insert as never
    await w.settle()
    await failing.run({ all: true })
    expect(failing.waiting).toBe(0)
    expect((await w.rows('a', day, day + DAY)).length).toBeGreaterThan(80)
  })
  it('leaves what is old until a long past is in, and computes what is young meanwhile', async () => {
    const w = await clearDay()
    await w.rollups.flush({ all: true })
    w.at(day + 9 * DAY)
    let coming = true
    const waiting = w.make(test.warehouse, undefined, () => coming)
    for (const id of w.sites.keys()) waiting.changed(id, day, day + 9 * DAY)
    const first = await waiting.run()
    expect([first.waiting, await w.rows('a', day, day + DAY)]).toEqual([expect.any(Number), []])
    for (let round = 0; round < 20 && (await waiting.run()).days > 0; round++);
    expect(waiting.waiting).toBeGreaterThan(0)
    expect(await w.rows('a', day, day + DAY)).toEqual([])
    coming = false
    await waiting.run({ all: true })
    expect(waiting.waiting).toBe(0)
    expect((await w.rows('a', day, day + DAY)).length).toBeGreaterThan(80)
    // Nor does it wait for ever.
    coming = true
    for (const id of w.sites.keys()) waiting.changed(id, day, day + DAY)
    const before = (await waiting.run()).waiting
    w.at(day + 9 * DAY + 20 * MINUTE)
    for (let round = 0; round < 20 && waiting.waiting > 0; round++) await waiting.run()
    expect([before > 0, waiting.waiting]).toEqual([true, 0])
  })
  it('asks a weather service once an hour and place, and expects by what it tells', async () => {
    const w = world(MUNICH, ['alone'], day + 15 * HOUR)
    await w.store([...stretch(w, 'alone', day, day + 14 * HOUR, () => ({ index: 0.5 }))])
    let asked = 0
    let fails = true
    const errors: unknown[] = []
    const service: WeatherService = {
      recent({ latitude, longitude }) {
        asked += 1
        if (fails) return Promise.reject(new Error('no answer'))
        const hours = Array.from({ length: 48 }, (_, index) => day - DAY + index * HOUR)
        return Promise.resolve(
          hours.map((ts) => {
            const steps = Array.from({ length: 12 }, (_each, index) => ts + (index + 0.5) * BUCKET_MS)
            const ghi = steps.reduce((total, at) => total + solarGeometry(at, latitude, longitude).clearGhi / 12, 0)
            return { ts, ghiWm2: ghi * 0.5, ambientC: 20, windMs: 1 }
          }),
        )
      },
    }
    const feed = createWeatherFeed({ warehouse: test.warehouse, service, onError: (error) => errors.push(error) })
    const expected = (w.state.expected = w.make(test.warehouse, feed))
    await w.settle()
    expect([asked, errors.length, await w.rows('alone', day, day + DAY)]).toEqual([1, 1, []])
    fails = false
    w.at(day + 15 * HOUR + 11 * MINUTE)
    await expected.run({ all: true })
    await expected.run()
    expect(asked).toBe(2)
    const rows = await w.rows('alone', day, day + DAY)
    const noon = rows.find(({ at }) => at === day + 12 * HOUR)!
    expect(noon).toMatchObject({ source: 'weather', state: 'ok', loss_wh: 0 })
    expect(Math.abs(noon.expected_w! / power(w.site('alone'), noon.at, 0.5, 1) - 1)).toBeLessThan(0.03)
    // A forecast is no measure: hours that are not over have none.
    expect(Math.max(...rows.map(({ at }) => at))).toBeLessThan(day + 15 * HOUR)
  })
})

describe('not measured', () => {
  const day = Date.parse('2026-06-20T22:00:00Z')
  it('a cloudy day under a clear sky of the model is no loss: alone there is no expectation', async () => {
    const w = world(MUNICH, ['alone'], day + 20 * HOUR)
    await w.store([...stretch(w, 'alone', day, day + 19 * HOUR, () => ({ index: 0.2 }))])
    await w.settle()
    expect(clearSkyPower(plantOf(w.site('alone')), day + 12 * HOUR)!).toBeGreaterThan(5_000)
    expect(await w.rows('alone', day, day + DAY)).toEqual([])
  })
  it('neither arrays nor a place: neighbours say nothing', async () => {
    const w = world({ ...MUNICH, withArrays: false }, NEIGHBOURS, day + 20 * HOUR)
    for (const name of NEIGHBOURS)
      await w.store([w.reading(name, day + 12 * HOUR, { ac_power_w: 4_000, energy_total_wh: 5 })])
    await w.settle()
    expect(await w.rows('a', day, day + DAY)).toEqual([])
  })
})

describe('from the irradiance sensor of the site', () => {
  const from = Date.parse('2026-03-28T23:00:00Z')
  const sensor = (w: World, ts: number, wm2: number) =>
    w.reading('s', ts + MINUTE, { irradiance_wm2: wm2 }, { suffix: 'wx' })

  it('needs no arrays; a day of 23 hours is one day; night, limits and lost contact are no loss', async () => {
    // Berlin's clocks go forward on 29 March 2026.
    const w = world({ timezone: 'Europe/Berlin', withArrays: false }, ['s'], from + 23 * HOUR)
    const noon = Date.parse('2026-03-29T10:00:00Z')
    const readings: Reading[] = []
    for (let ts = from; ts < from + 22 * HOUR; ts += BUCKET_MS) {
      const wm2 = Math.max(0, Math.cos(((ts - noon) / (14 * HOUR)) * Math.PI)) * 800
      const expected = (wm2 / 1000) * 10_000 * 0.85
      const hour = Math.floor((ts - from) / HOUR)
      readings.push(sensor(w, ts, wm2))
      // From ten to eleven UTC it is held back, then silent for an hour, then at half.
      if (hour === 12) continue
      const made = expected * (hour === 11 ? 0.3 : hour === 13 ? 0.4 : 1)
      const limit: Metrics = hour === 11 ? { power_limit_pct: 30 } : {}
      readings.push(w.reading('s', ts + MINUTE, { ac_power_w: made, ...limit }))
    }
    await w.store(readings)
    await w.settle()
    const rows = await w.rows('s', from, from + DAY)
    const during = (hour: number) => rows.filter(({ at }) => Math.floor((at - from) / HOUR) === hour)
    expect(new Set(rows.map(({ source }) => source))).toEqual(new Set(['irradiance']))
    expect(new Set(rows.map(({ date }) => date))).toEqual(new Set(['2026-03-29']))
    expect([11, 12].flatMap((hour) => [...new Set(during(hour).map(({ state }) => state))])).toEqual([
      'curtailed',
      'no-contact',
    ])
    expect(during(12)[5]!.expected_w!).toBeGreaterThan(5_000)
    expect([11, 12].map((hour) => sum(during(hour)))).toEqual([0, 0])
    expect(during(13).every(({ state }) => state === 'under')).toBe(true)
    expect(during(12).every(({ expected_wh }) => expected_wh === null)).toBe(true)
    const days = await w.days('s')
    expect(days).toHaveLength(1)
    expect(days[0]).toMatchObject({ date: '2026-03-29', at: from, source: 'irradiance' })
    expect(days[0]!.loss_wh!).toBeCloseTo(sum(during(13)), 6)
  })

  it('lost contact is lost production only when the counter says so', async () => {
    const w = world({ timezone: 'Europe/Berlin', withArrays: false }, ['s'], from + 23 * HOUR)
    const start = Date.parse('2026-03-29T08:00:00Z')
    const gap = { from: start + HOUR, to: start + 2 * HOUR }
    let total = 5_000
    const reading = (ts: number): Reading => w.reading('s', ts + MINUTE, { ac_power_w: 5_100, energy_total_wh: total })
    const readings: Reading[] = []
    for (let ts = start; ts < start + 4 * HOUR; ts += BUCKET_MS) {
      readings.push(sensor(w, ts, 600))
      const silent = ts >= gap.from && ts < gap.to
      // It stood still for the silent hour.
      if (!silent) total += 5_100 / 12
      if (ts < gap.from) readings.push(reading(ts))
    }
    await w.store(readings)
    await w.settle()
    expect(
      (await w.rows('s', gap.from + BUCKET_MS, gap.to)).every(
        ({ state, loss_wh }) => state === 'no-contact' && loss_wh === null,
      ),
    ).toBe(true)
    total = 5_000 + 12 * 425
    const later: Reading[] = []
    for (let ts = gap.to; ts < start + 4 * HOUR; ts += BUCKET_MS) {
      total += 425
      later.push(reading(ts))
    }
    await w.store(later)
    await w.settle()
    const rows = await w.rows('s', gap.from, gap.to)
    expect(rows.every(({ state }) => state === 'under')).toBe(true)
    // Without a factor yet the band is a quarter; what was made in that hour is one bucket's rise.
    expect(sum(rows)).toBeGreaterThan(3_000)
    expect(sum(rows)).toBeLessThan(4_500)
    expect(sum(await w.rows('s', gap.to + BUCKET_MS, start + 4 * HOUR))).toBe(0)
  })

  it.each([
    ['a half-hour zone', { timezone: 'Asia/Kolkata', latitude: 19, longitude: 73 }, '2026-02-10'],
    [
      'a site east of the date line',
      { timezone: 'Pacific/Kiritimati', latitude: 1.9, longitude: -157.4 },
      '2026-02-10',
    ],
    ['a day of 25 hours', { timezone: 'America/New_York', latitude: 41, longitude: -74 }, '2026-11-01'],
  ])('in %s the local day is one day', async (_, place, date) => {
    const start = dayStart(place.timezone, date)
    const end = dayStart(place.timezone, localDate(place.timezone, start + 26 * HOUR))
    const w = world(place, ['s'], end + HOUR)
    const readings: Reading[] = []
    for (let ts = start; ts < end; ts += BUCKET_MS) {
      const site = w.site('s')
      const geometry = solarGeometry(ts + BUCKET_MS / 2, site.latitude!, site.longitude!)
      readings.push(sensor(w, ts, geometry.clearGhi))
      readings.push(w.reading('s', ts + MINUTE, { ac_power_w: 0.85 * 10 * geometry.clearGhi }))
    }
    await w.store(readings)
    await w.settle()
    const days = await w.days('s')
    expect(days.map((each) => [each.date, each.at, each.loss_wh])).toEqual([[date, start, 0]])
    const rows = await w.rows('s', start, end)
    expect(days[0]!.slots).toBe(rows.filter(({ expected_wh }) => expected_wh !== null).length)
    expect(days[0]!.slots).toBeGreaterThan(80)
  })
})
