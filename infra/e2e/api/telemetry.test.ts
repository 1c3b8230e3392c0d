/** Readings, charts and dead letters from the real store: whose they are, how they come, what they look like. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readingRow, systemCaller } from '@heliograph/crm-core'
import {
  TOPICS,
  type ConnectionId,
  type DeviceId,
  type Reading,
  type SiteId,
  type TenantId,
} from '@heliograph/crm-core/contracts'
import { type Client, createWorld, PASSWORD, seedTenant, signIn, type Tenant, type World } from './world.ts'

let world: World
let mine: Tenant
let other: Tenant
let admin: Client
const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** 29 March 2026, the day Berlin's clocks go forward: 23 hours long. */
const DAY = Date.parse('2026-03-28T23:00:00Z')
const COUNT = 300
/** Of today: the store drops letters that are older than a month by its own clock. */
const LETTERS = Date.now() - 60_000

beforeAll(async () => {
  world = await createWorld({ warehouse: true, now: () => DAY + 20 * 3_600_000 })
  mine = await seedTenant(world, 'sun')
  other = await seedTenant(world, 'moon')
  admin = await signIn(world.app, mine.adminEmail)
  const readings = [mine, other].flatMap((tenant) =>
    Array.from({ length: COUNT }, (_, index) =>
      reading(tenant, DAY + index * MINUTE, index * (tenant === mine ? 10 : 77)),
    ),
  )
  await world.warehouse.insert('readings', readings.map(readingRow))
  await world.warehouse.insert(
    'rollup_site_5m',
    [mine, other].flatMap((tenant) =>
      Array.from({ length: 12 }, (_, index) => ({
        tenant_id: tenant.id,
        site_id: tenant.siteId,
        ts: DAY + index * 5 * MINUTE,
        date: '2026-03-29',
        energy_wh: 50,
        energy_method: 'counter',
        ac_power_w_avg: 600,
        ac_power_w_min: 500,
        ac_power_w_max: 700,
        irradiance_wm2_avg: 400,
        irradiance_wm2_min: 300,
        irradiance_wm2_max: 500,
        source: 'inverters',
        samples: 5,
        expected: 5,
        slots: 1,
        version: 1,
        is_deleted: 0,
      })),
    ),
  )
  const expected = (tenant: Tenant) => ({
    tenant_id: tenant.id,
    site_id: tenant.siteId,
    date: '2026-03-29',
    source: 'irradiance',
    version: 1,
    is_deleted: 0,
  })
  const scale = (tenant: Tenant) => (tenant === mine ? 1 : 1_000)
  await world.warehouse.insert(
    'expected_site_5m',
    [mine, other].flatMap((tenant) =>
      Array.from({ length: 12 }, (_, index) => ({
        ...expected(tenant),
        ts: DAY + index * 5 * MINUTE,
        expected_w: 720 * scale(tenant),
        low_w: 648 * scale(tenant),
        high_w: 792 * scale(tenant),
        expected_wh: 60 * scale(tenant),
        compared_wh: 50 * scale(tenant),
        loss_wh: 4 * scale(tenant),
        state: 'under',
        factor: 0.93,
      })),
    ),
  )
  await world.warehouse.insert(
    'expected_site_1d',
    [mine, other].map((tenant) => ({
      ...expected(tenant),
      ts: DAY,
      expected_wh: 720 * scale(tenant),
      compared_wh: 600 * scale(tenant),
      loss_wh: 48 * scale(tenant),
      slots: 12,
    })),
  )
  await world.warehouse.insert(
    'dead_letters',
    [mine, other].flatMap((tenant) =>
      Array.from({ length: 7 }, (_, index) => ({
        id: `${tenant === mine ? 'mine' : 'other'}-${index}`,
        tenant_id: tenant.id,
        connection_id: tenant.connectionId,
        vendor: 'native',
        transport: 'mqtt',
        topic: 'readings',
        received_at: LETTERS + Math.floor(index / 2) * 1000,
        reason: index % 2 ? 'not-json' : 'invalid-field',
        detail: `detail ${index}`,
        raw_partition: 0,
        raw_offset: index,
        revision: 0,
        size: 5,
        body: Buffer.from(`<b>${index}\0`).toString('base64'),
        resolved: 0,
        version: 1,
      })),
    ),
  )
}, 60_000)
afterAll(() => world.stop())

function reading(tenant: Tenant, ts: number, watts: number): Reading {
  return {
    tenantId: tenant.id as TenantId,
    siteId: tenant.siteId as SiteId,
    deviceId: tenant.deviceId as DeviceId,
    ts,
    receivedAt: ts + 500,
    source: 'native',
    metrics: { ac_power_w: watts, energy_total_wh: 1_000_000 + watts },
    status: 'producing',
    faults: [{ code: '=1+1' }],
    quality: [],
    rawRef: { connectionId: tenant.connectionId as ConnectionId, partition: 0, offset: ts - DAY, revision: 0 },
  }
}
const span = `from=2026-03-29&to=2026-03-30`

describe('worth of the energy', () => {
  test('by the contract of its days, at a site’s local midnights', async () => {
    await world.warehouse.insert('rollup_site_1d', [
      {
        tenant_id: mine.id,
        site_id: mine.siteId,
        ts: DAY,
        date: '2026-03-29',
        energy_wh: 600,
        version: 1,
        is_deleted: 0,
      },
    ])
    const read = async (client: Client, id: string) => await client.get(`sites/${id}/worth?${span}`)
    // 0.6 kWh at the 8.21 cents of the tenant's contract.
    expect((await read(admin, mine.siteId)).json()).toMatchObject({
      timezone: 'Europe/Berlin',
      energyWh: 600,
      pricedWh: 600,
      worth: [{ amount: 5, currency: 'EUR' }],
    })
    expect((await read(admin, other.siteId)).statusCode).toBe(404)
  })
})

describe('weather', () => {
  test('what a service told of a site’s place, hour by hour, for who may see the site', async () => {
    const hour = (siteId: string, tenantId: string, at: number, told: object) => ({
      tenant_id: tenantId,
      site_id: siteId,
      ts: at,
      ghi_wm2: 500,
      version: 1,
      ...told,
    })
    await world.warehouse.insert('weather_hours', [
      hour(mine.siteId, mine.id, DAY + 12 * HOUR, { ghi_wm2: 612.5, ambient_c: 14.5, wind_ms: 0 }),
      hour(mine.siteId, mine.id, DAY + 11 * HOUR, {}),
      hour(mine.siteId, mine.id, DAY + 40 * HOUR, {}),
      hour(other.siteId, other.id, DAY + 12 * HOUR, {}),
    ])
    const answer = await admin.get(`sites/${mine.siteId}/weather?${span}`)
    expect(answer.json()).toEqual({
      items: [
        { ts: new Date(DAY + 11 * HOUR).toISOString(), ghiWm2: 500, ambientC: null, windMs: null },
        { ts: new Date(DAY + 12 * HOUR).toISOString(), ghiWm2: 612.5, ambientC: 14.5, windMs: 0 },
      ],
      nextCursor: null,
    })
    expect((await admin.get(`sites/${other.siteId}/weather?${span}`)).statusCode).toBe(404)
    expect((await admin.get(`sites/${mine.siteId}/weather?from=2026-01-01&to=2026-03-01`)).statusCode).toBe(400)
  })
})

describe('readings', () => {
  test('all of a local day, page by page, once each and in order', async () => {
    const times: string[] = []
    let cursor = ''
    for (;;) {
      const response = await admin.get(`devices/${mine.deviceId}/readings?${span}&limit=70${cursor}`)
      expect(response.statusCode).toBe(200)
      const page = response.json<{ items: { ts: string; metrics: object }[]; nextCursor: string | null }>()
      times.push(...page.items.map(({ ts }) => ts))
      if (page.nextCursor === null) break
      cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`
    }
    expect(times).toHaveLength(COUNT)
    expect(times).toEqual([...times].sort())
    expect(times[0]).toBe('2026-03-28T23:00:00.000Z')
  })
  test('times in three spellings mean the same', async () => {
    const count = async (query: string) =>
      (await admin.get(`devices/${mine.deviceId}/readings?limit=500&${query}`)).json<{ items: unknown[] }>().items
        .length
    const from = DAY + 10 * MINUTE
    const to = DAY + 20 * MINUTE
    expect(await count(`from=${from}&to=${to}`)).toBe(10)
    expect(await count(`from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`)).toBe(10)
    expect(await count(`from=2026-03-29T00:10:00%2B01:00&to=2026-03-29T00:20:00%2B01:00`)).toBe(10)
  })
  test.each(['from=yesterday', 'from=2026-02-30', 'from=5&to=4', 'from=NaN', 'to=1e400', 'limit=501'])(
    '%s is refused',
    async (query) => {
      expect((await admin.get(`devices/${mine.deviceId}/readings?${query}`)).statusCode).toBe(400)
    },
  )
  test('as CSV, whole and safe for a spreadsheet', async () => {
    const response = await admin.get(`devices/${mine.deviceId}/readings?${span}`, { accept: 'text/csv' })
    expect(response.headers['content-type']).toBe('text/csv; charset=utf-8')
    const lines = response.body.trimEnd().split('\r\n')
    expect(lines).toHaveLength(COUNT + 1)
    expect(lines[0]).toContain('ac_power_w')
    expect(lines[1]).toContain("'=1+1")
  })
  test('a role that may not export gets none as CSV', async () => {
    const customer = await signIn(world.app, mine.email('customer'))
    expect((await customer.get(`devices/${mine.deviceId}/readings?${span}`)).statusCode).toBe(200)
    expect((await customer.get(`devices/${mine.deviceId}/readings?${span}`, { accept: 'text/csv' })).statusCode).toBe(
      403,
    )
  })
})

describe('now', () => {
  test('the last reading comes from the store where the live state has none', async () => {
    const answer = (await admin.get(`devices/${mine.deviceId}/latest`)).json<{ reading: Record<string, unknown> }>()
    expect(answer.reading).toMatchObject({
      ts: new Date(DAY + (COUNT - 1) * MINUTE).toISOString(),
      stale: true,
      metrics: { ac_power_w: (COUNT - 1) * 10 },
    })
    expect(answer.reading['ageMs']).toBe(20 * 3_600_000 - (COUNT - 1) * MINUTE)
  })
  test('and from the live state where it has one', async () => {
    const ts = DAY + 20 * 3_600_000 - 30_000
    world.live.publish([
      {
        key: `device:${mine.deviceId}`,
        ts,
        tenantId: mine.id,
        siteId: mine.siteId,
        value: { siteId: mine.siteId, receivedAt: ts, metrics: { ac_power_w: 42 }, quality: [] },
      },
      {
        key: `site:${mine.siteId}`,
        ts,
        tenantId: mine.id,
        siteId: mine.siteId,
        value: { status: 'producing', acPowerW: 42 },
      },
    ])
    expect((await admin.get(`devices/${mine.deviceId}/latest`)).json()).toMatchObject({
      reading: { ageMs: 30_000, stale: false, metrics: { ac_power_w: 42 } },
    })
    expect((await admin.get(`sites/${mine.siteId}/live`)).json()).toMatchObject({
      live: { status: 'producing', acPowerW: 42 },
      stale: false,
      devices: [{ deviceId: mine.deviceId }],
    })
    expect((await admin.get('sites?status=producing')).json()).toMatchObject({
      items: [{ id: mine.siteId, status: 'producing', live: { acPowerW: 42 } }],
    })
    expect((await admin.get('sites?status=down')).json()).toMatchObject({ items: [], nextCursor: null })
    expect((await admin.get(`devices/${mine.deviceId}`)).json()).toMatchObject({
      lastSeenAt: new Date(ts).toISOString(),
    })
    expect((await admin.get('fleet/summary')).json()).toMatchObject({
      sites: 1,
      acPowerW: 42,
      statuses: { producing: 1 },
    })
  })
})

describe('series', () => {
  const series = (query: string, headers?: Record<string, string>) => admin.get(`series?${query}&${span}`, headers)
  test('a device, raw, thinned to the width and with its extremes', async () => {
    const response = await series(`scope=device:${mine.deviceId}&metric=ac_power_w&width=10&bucket=raw`)
    expect(response.statusCode).toBe(200)
    const answer = response.json<{
      bucket: string
      timezone: string
      series: { unit: string; points: { avg: number; min: number; max: number; ts: string }[] }[]
    }>()
    expect(answer).toMatchObject({ bucket: 'raw', timezone: 'Europe/Berlin' })
    const { points } = answer.series[0]!
    expect(points.length).toBeLessThanOrEqual(10)
    expect(Math.max(...points.map(({ max }) => max))).toBe((COUNT - 1) * 10)
    expect(Math.min(...points.map(({ min }) => min))).toBe(0)
    expect(points[0]!.ts).toBe('2026-03-28T23:00:00.000Z')
  })
  test('several metrics at once, and what is expected of the irradiance', async () => {
    const response = await series(`scope=site:${mine.siteId}&metric=ac_power_w&metric=expected_power_w&bucket=5m`)
    const answer = response.json<{ series: { metric: string; source: string; points: { avg: number }[] }[] }>()
    expect(answer.series.map(({ metric }) => metric)).toEqual(['ac_power_w', 'expected_power_w'])
    expect(answer.series[0]!.points[0]!.avg).toBe(600)
    expect(answer.series[1]).toMatchObject({ source: 'irradiance', unit: 'W', coverage: 1 })
    expect(answer.series[1]!.points[0]).toEqual({ ts: '2026-03-28T23:00:00.000Z', avg: 720, min: 648, max: 792 })
  })
  test('energy expected and lost, of the site, its unit and the tenant; by days as by five minutes', async () => {
    for (const scope of [`site:${mine.siteId}`, `org:${mine.rootId}`, 'tenant'])
      for (const bucket of ['5m', '1h', '1d', '1mo']) {
        const response = await series(
          `scope=${scope}&metric=expected_energy_wh&metric=loss_wh&metric=energy_wh&bucket=${bucket}`,
        )
        const { series: answers } = response.json<{
          series: { metric: string; source: string; points: { sum: number }[] }[]
        }>()
        const sums = answers.slice(1).map(({ points }) => points.reduce((total, point) => total + point.sum, 0))
        expect([scope, bucket, answers.map(({ metric }) => metric), sums]).toEqual([
          scope,
          bucket,
          ['energy_wh', 'expected_energy_wh', 'loss_wh'],
          [720, 48],
        ])
        expect(answers[1]!.source).toBe('irradiance')
      }
    const alone = await series(`scope=tenant&metric=loss_wh&bucket=1d`)
    expect(alone.json<{ series: { points: object[] }[] }>().series[0]!.points).toEqual([
      { ts: '2026-03-28T23:00:00.000Z', date: '2026-03-29', sum: 48 },
    ])
  })
  test('figures of a stretch of time', async () => {
    const ask = (from: string, to: string) =>
      admin.get(`kpi?siteId=${mine.siteId}&from=${from}&to=${to}`).then((response) => response.json<object>())
    expect(await ask('2026-03-29', '2026-03-30')).toMatchObject({
      expectedEnergyWh: 720,
      comparedEnergyWh: 600,
      lossWh: 48,
    })
    const none = await ask('2026-02-01', '2026-02-02')
    expect(Object.keys(none).filter((name) => /expected|compared|loss/.test(name))).toEqual([])
  })
  test('the live state tells what is expected, and one sentence; not measured is no zero', async () => {
    const summary = async () => (await admin.get('fleet/summary')).json<Record<string, number | null>>()
    expect(await summary()).toMatchObject({ expectedTodayWh: null, lossTodayWh: null, comparedSites: 0 })
    const verdict = { kind: 'under-expected', percent: 4, since: DAY, source: 'peers', producing: true, string: 2 }
    const value = {
      status: 'producing',
      expectedPowerW: 5,
      expectedSource: 'peers',
      expectedTodayWh: 900,
      lossTodayWh: 40,
    }
    world.live.publish([
      {
        key: `site:${mine.siteId}`,
        ts: Date.now(),
        tenantId: mine.id,
        siteId: mine.siteId,
        value: { ...value, verdict },
      },
      { key: `site:${other.siteId}`, ts: Date.now(), tenantId: other.id, siteId: other.siteId, value: { ...value } },
    ])
    expect(await summary()).toMatchObject({ expectedTodayWh: 900, lossTodayWh: 40, comparedSites: 1 })
    const live = (await admin.get(`sites/${mine.siteId}/live`)).json<{ verdict: object; live: object }>()
    expect(live.verdict).toEqual(verdict)
    expect(live.live).toMatchObject({ ...value, verdict })
  })
  test('a curve is of one site; what is not measured has no points; a clear sky needs arrays', async () => {
    expect((await series(`scope=tenant&metric=expected_power_w`)).statusCode).toBe(400)
    type Answer = { series: { source: string; points: { avg: number }[]; coverage: number }[] }
    const device = (await series(`scope=device:${mine.deviceId}&metric=expected_power_w&bucket=5m`)).json<Answer>()
    expect(device.series[0]).toMatchObject({ source: 'not measured', points: [], coverage: 0 })
    const before = `scope=site:${mine.siteId}&from=2026-02-01&to=2026-02-02`
    const none = (await admin.get(`series?${before}&metric=expected_power_w&metric=loss_wh&bucket=5m`)).json<Answer>()
    expect(none.series.map(({ source, points }) => [source, points])).toEqual([
      ['not measured', []],
      ['not measured', []],
    ])
    const sky = async () =>
      (await series(`scope=site:${mine.siteId}&metric=clear_sky_power_w&bucket=1h`)).json<Answer>().series[0]!
    expect((await sky()).source).toBe('not measured')
    const site = (await admin.get(`sites/${mine.siteId}`)).json<{ version: number }>()
    expect(site).toBeDefined()
    const patched = await world.crm.sites.update(systemCaller('test', mine.id as TenantId), mine.siteId, {
      latitude: 52.5,
      longitude: 13.4,
    })
    await world.crm.arrays.create(systemCaller('test', mine.id as TenantId), {
      siteId: patched.id,
      name: 'Roof',
      azimuthDeg: 180,
      tiltDeg: 30,
      peakPowerW: 9_800,
    })
    const { source, points } = await sky()
    expect(source).toBe('clear sky')
    expect(Math.max(...points.map(({ avg }) => avg))).toBeGreaterThan(6_000)
    expect(Math.max(...points.map(({ avg }) => avg))).toBeLessThan(9_800)
    expect(points[0]!.avg).toBe(0)
  })
  test('energy of the site, of its unit and of the tenant is the same', async () => {
    for (const scope of [`site:${mine.siteId}`, `org:${mine.rootId}`, 'tenant']) {
      const response = await series(`scope=${scope}&metric=energy_wh&bucket=5m`)
      const { series: answers } = response.json<{ series: { points: { sum: number }[] }[] }>()
      expect([scope, answers[0]!.points.reduce((sum, point) => sum + point.sum, 0)]).toEqual([scope, 600])
    }
  })
  test('the CSV twin has the same numbers', async () => {
    const response = await series(`scope=site:${mine.siteId}&metric=ac_power_w&metric=energy_wh&bucket=5m`, {
      accept: 'text/csv',
    })
    const [head, first] = response.body.split('\r\n')
    expect(head).toBe('ts,date,ac_power_w,ac_power_w_min,ac_power_w_max,energy_wh')
    expect(first).toBe('2026-03-28T23:00:00.000Z,,600,500,700,50')
  })
  test("another tenant's scopes are not found, and its numbers in no sum", async () => {
    for (const scope of [`device:${other.deviceId}`, `site:${other.siteId}`, `org:${other.rootId}`]) {
      expect([scope, (await series(`scope=${scope}&metric=ac_power_w`)).statusCode]).toEqual([scope, 404])
    }
  })
  test('a customer’s tenant is the own sites', async () => {
    const other = (await admin.post('customers', { name: 'Else' })).json<{ id: string }>()
    const site = (await admin.post('sites', { name: 'Else', customerId: other.id, timezone: 'UTC' })).json<{
      id: string
    }>()
    const customer = await signIn(world.app, mine.email('customer'))
    expect((await customer.get(`series?scope=site:${site.id}&metric=ac_power_w`)).statusCode).toBe(404)
    expect((await customer.get(`series?scope=tenant&metric=energy_wh&bucket=1h&${span}`)).statusCode).toBe(200)
  })
  test.each([
    'scope=planet&metric=x',
    'scope=tenant',
    'scope=tenant&metric=no_such',
    'scope=tenant&metric=ac_power_w&width=0',
    'scope=tenant&metric=ac_power_w&bucket=2h',
    "scope=tenant&metric=a';DROP",
  ])('%s is refused', async (query) => {
    expect((await series(query)).statusCode).toBe(400)
  })
})

describe('dead letters', () => {
  test('are listed newest first, page by page, of the own tenant', async () => {
    const ids: string[] = []
    let cursor = ''
    for (;;) {
      const response = await admin.get(`dead-letters?limit=3${cursor}`)
      expect(response.statusCode).toBe(200)
      const page = response.json<{ items: { id: string; receivedAt: string }[]; nextCursor: string | null }>()
      ids.push(...page.items.map(({ id }) => id))
      if (page.nextCursor === null) break
      cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`
    }
    expect(ids).toEqual([6, 5, 4, 3, 2, 1, 0].map((index) => `mine-${index}`))
    expect((await admin.get('dead-letters?reason=not-json')).json<{ items: unknown[] }>().items).toHaveLength(3)
    expect((await admin.get('dead-letters?q=detail%205')).json<{ items: unknown[] }>().items).toHaveLength(1)
  })
  test('bytes come as they were, for saving and never for showing', async () => {
    const response = await admin.get('dead-letters/mine-3/body')
    expect(response.rawPayload).toEqual(Buffer.from('<b>3\0'))
    expect(response.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      'content-disposition': 'attachment; filename="dead-letter-mine-3.bin"',
    })
  })
  test('a replay of one is asked for and can be watched', async () => {
    const response = await admin.post('dead-letters/mine-3/replay')
    expect(response.statusCode).toBe(202)
    const { id } = response.json<{ id: string }>()
    expect((await admin.get(`replays/${id}`)).json()).toMatchObject({ id, kind: 'message', state: 'queued' })
  })
  test("another tenant's are not there", async () => {
    for (const path of ['dead-letters/other-3', 'dead-letters/other-3/body'])
      expect((await admin.get(path)).statusCode).toBe(404)
    expect((await admin.post('dead-letters/other-3/replay')).statusCode).toBe(404)
  })
  test('who sees some sites only sees the letters of their connections', async () => {
    const unit = (await admin.post('org-units', { name: 'North' })).json<{ id: string }>()
    await admin.post('users', {
      email: 'north@sun.test',
      name: 'North',
      password: PASSWORD,
      roles: [{ role: 'support', orgUnitId: unit.id }],
    })
    const north = await signIn(world.app, 'north@sun.test')
    expect((await north.get('dead-letters')).json<{ items: unknown[] }>().items).toHaveLength(0)
    expect((await north.get('dead-letters/mine-3')).statusCode).toBe(404)
  })
})

test('claiming answers at once with a device that can be read', async () => {
  await world.crm.desk.applyUnclaimed(
    [
      {
        tenantId: mine.id,
        connectionId: mine.connectionId as ConnectionId,
        vendor: 'native',
        receivedAt: DAY,
        reading: {
          device: 'new-1',
          ts: DAY,
          tsSource: 'device',
          metrics: { ac_power_w: 5 },
          quality: [],
          attributes: { serial: 'SN1' },
        },
        rawRef: { connectionId: mine.connectionId as ConnectionId, partition: 0, offset: 1, revision: 0 },
      },
    ],
    { topic: TOPICS.unclaimed, consumer: 'desk', partition: 0, offset: 1 },
  )
  const { items } = (await admin.get('unclaimed')).json<{
    items: { id: string; externalId: string; serial: string }[]
  }>()
  expect(items).toMatchObject([{ externalId: 'new-1', serial: 'SN1' }])
  expect((await admin.post(`unclaimed/${items[0]!.id}/claim`, { siteId: other.siteId })).statusCode).toBe(404)
  const claimed = await admin.post(`unclaimed/${items[0]!.id}/claim`, {
    siteId: mine.siteId,
    kind: 'meter',
    role: 'grid',
  })
  expect(claimed.statusCode).toBe(202)
  const { deviceId, replayId } = claimed.json<{ deviceId: string; replayId: string }>()
  expect((await admin.get(`devices/${deviceId}`)).json()).toMatchObject({
    kind: 'meter',
    role: 'grid',
    siteId: mine.siteId,
  })
  expect((await admin.get(`devices/${deviceId}/links`)).json()).toMatchObject({ items: [{ externalId: 'new-1' }] })
  expect((await admin.get(`replays/${replayId}`)).json()).toMatchObject({ state: 'queued', done: 0 })
  expect((await admin.get('unclaimed')).json()).toMatchObject({ items: [] })
})
