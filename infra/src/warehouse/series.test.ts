import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  deviceCurves,
  fleetEnergyToday,
  kpi,
  latestReadings,
  readingRow,
  readingsPage,
  seriesQuery,
  sql,
  type GaugePoint,
  type SeriesRequest,
  type SumPoint,
} from '@heliograph/crm-core'
import type {
  ConnectionId,
  DeviceId,
  DeviceKind,
  DeviceRole,
  Metrics,
  Reading,
  RegistryDevice,
  RegistrySite,
  SiteId,
  TenantId,
} from '@heliograph/crm-core/contracts'
import { createRollups } from '@heliograph/stream'
import { startTestWarehouse, type TestWarehouse } from './test-warehouse.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Midnight in Berlin of Saturday, 28 March 2026: the day after it has 23 hours. */
const START = Date.UTC(2026, 2, 27, 23)
const NOW = START + 4 * DAY
const tenantId = 't' as TenantId
const scope = { tenantId }

function site(id: string, timezone: string): RegistrySite {
  return {
    id: id as SiteId,
    tenantId,
    name: id,
    customerId: 'c' as RegistrySite['customerId'],
    orgUnitId: 'o' as RegistrySite['orgUnitId'],
    timezone,
    peakPowerW: 10_000,
  }
}
function device(id: string, siteId: string, kind: DeviceKind, role: DeviceRole): RegistryDevice {
  return {
    id: id as DeviceId,
    tenantId,
    siteId: siteId as SiteId,
    name: id,
    kind,
    vendor: 'native',
    serial: id,
    roles: [{ role, from: 0 }],
    links: [],
    sites: [{ siteId: siteId as SiteId, from: 0 }],
  }
}
const berlin = site('berlin', 'Europe/Berlin')
const lisbon = site('lisbon', 'Europe/Lisbon')
const sites = [berlin, lisbon]
const devices = [
  device('counter', 'berlin', 'inverter', 'production'),
  device('weather', 'berlin', 'weather', 'irradiance'),
  device('power', 'lisbon', 'inverter', 'production'),
]
const power = (ts: number): number => Math.max(0, Math.sin(((ts - START) / DAY) * 2 * Math.PI - Math.PI / 2)) * 8000

let test: TestWarehouse
/** Three local days: a reading a minute with a counter, one a minute missing for six hours; power every five minutes elsewhere. */
const readings: Reading[] = []
beforeAll(async () => {
  test = await startTestWarehouse()
  let offset = 0
  const add = (deviceId: string, siteId: string, ts: number, metrics: Metrics): void => {
    readings.push({
      tenantId,
      siteId: siteId as SiteId,
      deviceId: deviceId as DeviceId,
      ts,
      receivedAt: ts,
      source: 'native',
      metrics,
      quality: [],
      rawRef: { connectionId: 'c' as ConnectionId, partition: 0, offset: offset++, revision: 0 },
    })
  }
  let wh = 5_000_000
  for (let ts = START; ts < START + 71 * HOUR; ts += MINUTE) {
    wh += power(ts) / 60
    const missing = ts >= START + 30 * HOUR && ts < START + 36 * HOUR
    // One spike of a single minute, which no chart may lose.
    if (!missing)
      add('counter', 'berlin', ts, {
        ac_power_w: ts === START + 11 * HOUR ? 9999 : power(ts),
        energy_total_wh: wh,
        frequency_hz: 50,
      })
    if (ts % (15 * MINUTE) === 0) add('weather', 'berlin', ts, { irradiance_wm2: power(ts) / 8 })
    if (ts % (5 * MINUTE) === 0) add('power', 'lisbon', ts, { ac_power_w: power(ts) / 2 })
  }
  for (let at = 0; at < readings.length; at += 5000)
    await test.warehouse.insert('readings', readings.slice(at, at + 5000).map(readingRow))
  const byId = new Map(devices.map((item) => [item.id, item]))
  const rollups = createRollups({
    warehouse: test.warehouse,
    registry: {
      device: (id) => byId.get(id),
      site: (id) => sites.find((item) => item.id === id),
      devicesOfSite: (id) => devices.filter((item) => item.siteId === id),
    },
    clock: () => NOW,
  })
  rollups.observe(readings)
  await rollups.flush({ all: true })
}, 120_000)
afterAll(() => test.stop())

const ask = (more: Partial<SeriesRequest>) =>
  seriesQuery(test.warehouse, scope, {
    tenantId,
    target: { kind: 'device', deviceId: 'counter' as DeviceId },
    timezone: 'Europe/Berlin',
    metrics: ['ac_power_w'],
    from: START,
    to: START + 71 * HOUR,
    width: 800,
    bucket: 'auto',
    now: NOW,
    ...more,
  })
const gauges = (points: (GaugePoint | SumPoint)[]) => points as GaugePoint[]
const sums = (points: (GaugePoint | SumPoint)[]) => points as SumPoint[]
const total = (points: (GaugePoint | SumPoint)[]): number => sums(points).reduce((sum, point) => sum + point.sum, 0)

describe('series', () => {
  it.each([
    ['raw', 100],
    ['raw', 2000],
    ['5m', 100],
    ['5m', 1000],
    ['1h', 50],
  ] as const)('keep extremes when thinned: %s in %d points', async (bucket, width) => {
    const { series } = await ask({ bucket, width })
    const points = gauges(series[0]!.points)
    expect(points.length).toBeLessThanOrEqual(width + 1)
    expect(Math.max(...points.map(({ max }) => max))).toBe(9999)
    expect(Math.min(...points.map(({ min }) => min))).toBe(0)
    for (const { min, avg, max } of points) expect(min <= avg && avg <= max).toBe(true)
    expect(points.every(({ ts }, index) => index === 0 || ts > points[index - 1]!.ts)).toBe(true)
  })
  it('give the same energy at every width and bucket', async () => {
    const last = readings.filter(({ deviceId }) => deviceId === 'counter').at(-1)!.metrics.energy_total_wh!
    const first = readings.find(({ deviceId }) => deviceId === 'counter')!.metrics.energy_total_wh!
    for (const bucket of ['raw', '5m', '1h', '1d', '1mo'] as const)
      for (const width of [7, 800]) {
        const { series } = await ask({ metrics: ['energy_wh'], bucket, width })
        expect(total(series[0]!.points)).toBeCloseTo(last - first, 3)
        expect(series[0]).toMatchObject({ unit: 'Wh', source: 'counter' })
      }
  })
  it('tell each five minutes of a device that spoke once an hour long ago', async () => {
    const slowTenant = 'slow' as TenantId
    const place = { ...site('slow-site', 'Asia/Kathmandu'), tenantId: slowTenant }
    const slow = { ...device('hourly', place.id, 'inverter', 'production'), tenantId: slowTenant }
    const said = Array.from({ length: 30 }, (_, hour): Reading => ({
      ...readings[0]!,
      tenantId: slowTenant,
      siteId: place.id,
      deviceId: slow.id,
      ts: START + hour * HOUR,
      receivedAt: START,
      metrics: { energy_total_wh: 1_000_000 + hour * 1200 },
    }))
    await test.warehouse.insert('readings', said.map(readingRow))
    const registry = { device: () => slow, site: () => place, devicesOfSite: () => [slow] }
    const rollups = createRollups({ warehouse: test.warehouse, registry, clock: () => START + 30 * DAY })
    rollups.touch(slow.id, START, START + 30 * HOUR)
    await rollups.flush({ all: true })
    const kept = await test.warehouse.query<{ run: number }>(
      sql`SELECT run FROM rollup_device_5m FINAL WHERE tenant_id = ${slowTenant}`,
      { scope: 'system', lane: 'light' },
    )
    // Two an hour, three where Kathmandu's day ends at a quarter past one.
    expect(kept.reduce((sum, { run }) => sum + run, 0)).toBe(29 * 12 + 1)
    expect(kept.length).toBeLessThanOrEqual(2 * 30 + 2)
    const [from, to] = [START + 5 * HOUR + 20 * MINUTE, START + 6 * HOUR + 10 * MINUTE]
    const asked = { tenantId: slowTenant, from, to, width: 100 }
    const { series } = await seriesQuery(
      test.warehouse,
      { tenantId: slowTenant },
      {
        ...asked,
        target: { kind: 'device', deviceId: slow.id },
        timezone: 'Asia/Kathmandu',
        metrics: ['energy_wh'],
        bucket: '5m',
        now: NOW,
      },
    )
    expect(sums(series[0]!.points)).toEqual(
      Array.from({ length: 10 }, (_, slot) => ({
        ts: from + slot * 5 * MINUTE,
        sum: expect.closeTo(100, 6) as number,
      })),
    )
    const { curves } = await deviceCurves(test.warehouse, { tenantId: slowTenant }, { ...asked, deviceIds: [slow.id] })
    expect(curves).toEqual([{ deviceId: slow.id, energyWh: expect.closeTo(1000, 6) as number, points: [] }])
  })
  it('tell days by the local date of each site', async () => {
    const { series, bucket } = await ask({ target: { kind: 'sites' }, metrics: ['energy_wh'], bucket: '1d' })
    expect(bucket).toBe('1d')
    expect(sums(series[0]!.points).map(({ ts, date }) => [date, new Date(ts).toISOString()])).toEqual([
      ['2026-03-28', '2026-03-27T23:00:00.000Z'],
      ['2026-03-29', '2026-03-28T23:00:00.000Z'],
      ['2026-03-30', '2026-03-29T22:00:00.000Z'],
    ])
    const parts = await Promise.all(
      sites.map(({ id }) => ask({ target: { kind: 'sites', siteIds: [id] }, metrics: ['energy_wh'], bucket: '1mo' })),
    )
    expect(total(parts[0]!.series[0]!.points) + total(parts[1]!.series[0]!.points)).toBeCloseTo(
      total(series[0]!.points),
      3,
    )
    expect(parts.map(({ series: [energy] }) => energy!.source)).toEqual(['inverters', 'inverters'])
  })
  it('add up powers of sites, and tell the mean of what does not add up', async () => {
    const noon = START + 60 * HOUR
    const { series, bucket } = await ask({
      target: { kind: 'sites' },
      metrics: ['ac_power_w', 'irradiance_wm2'],
      from: noon,
      to: noon + 10 * MINUTE,
    })
    expect(bucket).toBe('5m')
    expect(gauges(series[0]!.points)[0]!.avg).toBeGreaterThan(11_900)
    expect(gauges(series[1]!.points)[0]!.avg).toBeCloseTo(1000, 0)
  })
  it('tell how much of the expected is there', async () => {
    const whole = await ask({ to: START + 24 * HOUR })
    expect(whole.series[0]!.coverage).toBe(1)
    const gap = await ask({ from: START + 24 * HOUR, to: START + 48 * HOUR })
    expect(gap.series[0]!.coverage).toBeCloseTo(0.75, 2)
    const weather = await ask({
      target: { kind: 'device', deviceId: 'weather' as DeviceId },
      metrics: ['irradiance_wm2'],
      to: START + 24 * HOUR,
    })
    expect(weather.series[0]!.coverage).toBe(1)
    const long = await ask({ to: START + 70 * HOUR })
    expect(long.series[0]!.coverage).toBeGreaterThan(0.88)
    expect(long.series[0]!.coverage).toBeLessThan(0.94)
    expect((await ask({ target: { kind: 'sites', siteIds: [] } })).series[0]!.coverage).toBe(0)
  })
  it('choose the resolution by the window', async () => {
    expect((await ask({ to: START + 24 * HOUR })).bucket).toBe('raw')
    expect((await ask({})).bucket).toBe('5m')
    expect((await ask({ from: START - 30 * DAY })).bucket).toBe('1h')
    expect((await ask({ from: START - 300 * DAY })).bucket).toBe('1d')
    expect((await ask({ metrics: ['energy_wh'], to: START + 24 * HOUR })).bucket).toBe('1h')
    expect((await ask({ metrics: ['energy_wh'] })).bucket).toBe('1d')
    expect((await ask({ metrics: ['energy_wh'], from: START - 300 * DAY })).bucket).toBe('1mo')
  })
  it('serve metrics that are kept raw only, of a device and for a while', async () => {
    const { series } = await ask({ metrics: ['frequency_hz'], bucket: '1h' })
    expect(gauges(series[0]!.points)[0]).toMatchObject({ avg: 50, min: 50, max: 50 })
    await expect(ask({ metrics: ['frequency_hz'], target: { kind: 'sites' } })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    await expect(ask({ metrics: ['frequency_hz'], from: START - 60 * DAY })).rejects.toMatchObject({
      code: 'too_many_rows',
    })
    await expect(ask({ metrics: ["x'; DROP"] })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(ask({ to: START })).rejects.toMatchObject({ code: 'invalid_request' })
  })
  it('show nothing of another tenant', async () => {
    const stranger = 'stranger' as TenantId
    const request = {
      tenantId,
      target: { kind: 'sites' },
      timezone: 'UTC',
      metrics: ['energy_wh'],
      from: START,
      to: NOW,
      width: 10,
      bucket: '1d',
      now: NOW,
    } as const
    const { series } = await seriesQuery(test.warehouse, { tenantId: stranger }, request)
    expect(series[0]!.points).toEqual([])
  })
})

describe('readings and figures', () => {
  it('page through the readings of a device without loss', async () => {
    const seen: number[] = []
    let cursor: string | null | undefined
    do {
      const page: Awaited<ReturnType<typeof readingsPage>> = await readingsPage(test.warehouse, scope, {
        tenantId,
        deviceId: 'counter' as DeviceId,
        from: START,
        to: START + DAY,
        limit: 500,
        ...(cursor ? { cursor } : {}),
      })
      seen.push(...page.items.map(({ ts }) => ts))
      cursor = page.nextCursor
    } while (cursor)
    expect(seen).toEqual(Array.from({ length: 1440 }, (_, index) => START + index * MINUTE))
    await expect(
      readingsPage(test.warehouse, scope, {
        tenantId,
        deviceId: 'counter' as DeviceId,
        from: START,
        to: NOW,
        limit: 1,
        cursor: '1 OR 1',
      }),
    ).rejects.toMatchObject({ code: 'invalid_cursor' })
  })
  it('find the last reading of each device', async () => {
    const found = await latestReadings(test.warehouse, 'system', {
      tenantId,
      deviceIds: [...devices.map(({ id }) => id), 'none' as DeviceId],
      now: NOW,
    })
    expect(new Map(found.map(({ deviceId, ts }) => [deviceId, ts]))).toEqual(
      new Map([
        ['counter', START + 71 * HOUR - MINUTE],
        ['weather', START + 71 * HOUR - 15 * MINUTE],
        ['power', START + 71 * HOUR - 5 * MINUTE],
      ]),
    )
  })
  it('sum each site over its own today', async () => {
    const at = START + 60 * HOUR
    const today = await fleetEnergyToday(test.warehouse, scope, { tenantId, sites, now: at })
    const raw = await kpi(test.warehouse, scope, {
      site: berlin,
      devices,
      from: START + 47 * HOUR,
      to: START + 71 * HOUR,
      now: NOW,
    })
    // Rows after "now" exist here because the days are over.
    expect(today.get(berlin.id)).toBeCloseTo(raw.days.find(({ date }) => date === '2026-03-30')!.energyWh, 3)
    expect(today.has(lisbon.id)).toBe(true)
  })
  it('give empty figures of a site that has no devices yet', async () => {
    const figures = await kpi(test.warehouse, scope, { site: berlin, devices: [], from: START, to: NOW, now: NOW })
    expect(figures).toMatchObject({ rows: 0, energyWh: 0, coverage: 0, days: [] })
    expect(figures).not.toHaveProperty('peakAcPowerW')
  })
  it('give the same figures from raw and from the roll-ups', async () => {
    const figures = await kpi(test.warehouse, scope, {
      site: berlin,
      devices,
      from: START,
      to: START + 71 * HOUR,
      now: NOW,
    })
    const { series } = await ask({
      target: { kind: 'sites', siteIds: [berlin.id] },
      metrics: ['energy_wh'],
      bucket: '1mo',
    })
    expect(figures.energyWh).toBeCloseTo(total(series[0]!.points), 3)
    expect(figures).toMatchObject({
      rows: 71 * 60 - 6 * 60,
      method: 'counter',
      peakAcPowerW: 9999,
      timezone: 'Europe/Berlin',
    })
    expect(figures.days.map(({ date }) => date)).toEqual(['2026-03-28', '2026-03-29', '2026-03-30'])
    expect(figures.coverage).toBeCloseTo(65 / 71, 2)
    expect(figures.specificYieldKwhPerKwp).toBeCloseTo(figures.energyWh / 10_000, 6)
    const sun = readings
      .filter(({ deviceId }) => deviceId === 'weather')
      .reduce((sum, { metrics }) => sum + metrics.irradiance_wm2! / 4, 0)
    expect(figures.insolationWhM2).toBeCloseTo(sun, 3)
    expect(figures.performanceRatio).toBeCloseTo(figures.energyWh / 10_000 / (sun / 1000), 6)
  })
})
