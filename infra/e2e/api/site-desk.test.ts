/** What the pages of a site, a device and a customer ask beyond lists: curves beside each other, raw bytes, files of tickets. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readingRow } from '@heliograph/crm-core'
import {
  encodeRaw,
  type ConnectionId,
  type DeviceId,
  type Reading,
  type SiteId,
  type TenantId,
} from '@heliograph/crm-core/contracts'
import { type Client, createWorld, seedTenant, signIn, type Tenant, type World } from './world.ts'

const MINUTE = 60_000
/** Noon in Berlin. */
const NOON = Date.parse('2026-06-21T10:00:00Z')
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')

let world: World
let mine: Tenant
let other: Tenant
let support: Client
let customer: Client
let analyst: Client
let foreign: Client
beforeAll(async () => {
  world = await createWorld({ warehouse: true, now: () => NOON + 60 * MINUTE })
  mine = await seedTenant(world, 'sun')
  other = await seedTenant(world, 'moon')
  support = await signIn(world.app, mine.email('support'))
  customer = await signIn(world.app, mine.email('customer'))
  analyst = await signIn(world.app, mine.email('analyst'))
  foreign = await signIn(world.app, other.adminEmail)
})
afterAll(() => world.stop())

function reading(tenant: Tenant, ts: number, place: { partition: number; offset: number }, dc: Reading['dc']): Reading {
  return {
    tenantId: tenant.id,
    siteId: tenant.siteId as SiteId,
    deviceId: tenant.deviceId as DeviceId,
    ts,
    receivedAt: ts + 1000,
    source: 'native',
    metrics: { ac_power_w: 5000 },
    ...(dc ? { dc } : {}),
    quality: [],
    rawRef: { connectionId: tenant.connectionId as ConnectionId, ...place, revision: 0 },
  }
}

describe('what is inside a site', () => {
  beforeAll(async () => {
    const bucket = (tenant: Tenant, index: number) => ({
      tenant_id: tenant.id,
      site_id: tenant.siteId,
      device_id: tenant.deviceId,
      ts: NOON + index * 5 * MINUTE,
      date: '2026-06-21',
      energy_wh: 100,
      energy_method: 'counter',
      ac_power_w_avg: 1200,
      ac_power_w_min: 1100,
      ac_power_w_max: 1300,
      samples: 5,
      expected: 5,
      version: 1,
      is_deleted: 0,
    })
    await world.warehouse.insert(
      'rollup_device_5m',
      [mine, other].flatMap((tenant) => Array.from({ length: 6 }, (_, index) => bucket(tenant, index))),
    )
    const state = (tenant: Tenant, index: number, name: string) => ({
      tenant_id: tenant.id,
      site_id: tenant.siteId,
      ts: NOON + index * 5 * MINUTE,
      date: '2026-06-21',
      source: 'irradiance',
      state: name,
      factor: 1,
      version: 1,
      is_deleted: 0,
    })
    await world.warehouse.insert('expected_site_5m', [
      ...['curtailed', 'curtailed', 'ok', 'curtailed', 'under'].map((name, index) => state(mine, index, name)),
      state(other, 0, 'clipped'),
    ])
    await world.warehouse.insert(
      'readings',
      [0, 1, 2].map((index) =>
        readingRow(
          reading(mine, NOON + index * MINUTE, { partition: 0, offset: 900 + index }, [
            { voltage_v: 600, current_a: 8, power_w: 4800 },
            { voltage_v: 598, current_a: 0, power_w: 0 },
            { voltage_v: 601, current_a: 8.2 },
          ]),
        ),
      ),
    )
  })
  const window = `from=${new Date(NOON).toISOString()}&to=${new Date(NOON + 60 * MINUTE).toISOString()}`

  test('its inverters stand beside each other in the same buckets, with their energy', async () => {
    const answer = (await support.get(`sites/${mine.siteId}/inverters?${window}`)).json<{
      stepMs: number
      timezone: string
      items: { deviceId: string; energyWh: number; points: { ts: number; avg: number }[] }[]
    }>()
    expect(answer).toMatchObject({ stepMs: 5 * MINUTE, timezone: 'Europe/Berlin' })
    expect(answer.items).toHaveLength(1)
    expect(answer.items[0]).toMatchObject({ deviceId: mine.deviceId, energyWh: 600 })
    expect(answer.items[0]!.points[0]).toEqual({ ts: NOON, avg: 1200 })
    const thinned = (await support.get(`sites/${mine.siteId}/inverters?${window}&width=3`)).json<{ stepMs: number }>()
    expect(thinned.stepMs).toBe(20 * MINUTE)
  })
  test('and beside what is usual around it, as far as the caller may see', async () => {
    const admin = await signIn(world.app, mine.adminEmail)
    const around = async (client: Client) =>
      (await client.get(`sites/${mine.siteId}/inverters?${window}`)).json<{
        neighbours: {
          sites: number
          withinKm: number
          yieldHours: number
          points: { ts: number; avg: number }[]
        } | null
      }>().neighbours
    const owner = (await admin.post('customers', { name: 'Of the neighbours' })).json<{ id: string }>()
    const { latitude, longitude } = (await admin.get(`sites/${mine.siteId}`)).json<Record<string, number>>()
    const site = async (facts: object): Promise<string> =>
      (await admin.post('sites', { name: 'N', customerId: owner.id, timezone: 'Europe/Berlin', ...facts })).json<{
        id: string
      }>().id
    const near = (north: number) => ({ latitude: latitude! + north, longitude: longitude! })
    // A kilometre is about 0.009 degrees of latitude.
    const places = [
      await site({ ...near(0.01), peakPowerW: 10_000 }),
      await site({ ...near(-0.05), peakPowerW: 5_000 }),
      await site({ ...near(0.1), peakPowerW: 20_000 }),
      await site({ ...near(0.5), peakPowerW: 10_000 }),
      await site(near(0.02)),
      await site({ peakPowerW: 10_000 }),
      await site({ ...near(0.03), peakPowerW: 10_000 }),
    ]
    // Nobody told how the site faces, so it is like those of which nobody told either.
    const array = { siteId: places.at(-1), name: 'Roof', azimuthDeg: 180, tiltDeg: 30, peakPowerW: 10_000 }
    expect((await admin.post('arrays', array)).statusCode).toBe(201)
    expect(await around(support)).toBeNull()
    await world.warehouse.insert(
      'rollup_site_5m',
      places.flatMap((site_id, index) =>
        [0, 1].map((slot) => ({
          tenant_id: mine.id,
          site_id,
          ts: NOON + slot * 5 * MINUTE,
          date: '2026-06-21',
          energy_wh: 100,
          ac_power_w_avg: 1_000 * (index + 1),
          version: 1,
          is_deleted: 0,
        })),
      ),
    )
    // 1 of 10, 2 of 5 and 3 of 20 kW in the middle of each other; 200 Wh of each, over the same ratings.
    expect(await around(support)).toEqual({
      sites: 3,
      withinKm: 25,
      yieldHours: 200 / 10_000,
      points: [0, 1].map((slot) => ({ ts: NOON + slot * 5 * MINUTE, avg: 3_000 / 20_000 })),
    })
    // Who sees a customer's sites alone learns of no others.
    expect(await around(customer)).toBeNull()
    expect((await foreign.get(`sites/${mine.siteId}/inverters?${window}`)).statusCode).toBe(404)
  })
  test('states of one kind that touch are one span, and a break is a break', async () => {
    const { items } = (await support.get(`sites/${mine.siteId}/states?${window}`)).json<{
      items: { from: number; to: number; state: string }[]
    }>()
    expect(items.map(({ from, to, state }) => [(from - NOON) / MINUTE, (to - NOON) / MINUTE, state])).toEqual([
      [0, 10, 'curtailed'],
      [15, 20, 'curtailed'],
      [20, 25, 'under'],
    ])
  })
  test('the strings of a device tell which of them is dead', async () => {
    const answer = (await customer.get(`devices/${mine.deviceId}/strings?${window}&width=12`)).json<{
      items: { input: number; points: { ts: number; current_a?: number; power_w?: number }[] }[]
      dead: number[]
      latest: { ts: number; dc: unknown[] }
    }>()
    expect(answer.items.map(({ input, points }) => [input, points[0]?.current_a])).toEqual([
      [1, 8],
      [2, 0],
      [3, 8.2],
    ])
    expect(answer.items[2]!.points[0]!.power_w).toBeUndefined()
    expect(answer.dead).toEqual([2])
    expect(answer.latest).toMatchObject({ ts: NOON + 2 * MINUTE })
    expect(answer.latest.dc).toHaveLength(3)
  })
  test('nothing of it is seen from another tenant, and nonsense is refused', async () => {
    for (const path of [
      `sites/${mine.siteId}/inverters`,
      `sites/${mine.siteId}/states`,
      `devices/${mine.deviceId}/strings`,
    ]) {
      expect([path, (await foreign.get(path)).statusCode]).toEqual([path, 404])
      expect([path, (await support.get(`${path}?more=1`)).statusCode]).toEqual([path, 400])
      expect([path, (await support.get(`${path}?from=2000-01-01&to=2026-01-01`)).statusCode]).toEqual([path, 400])
    }
  })
})

describe('raw messages of a device', () => {
  test('are the bytes as they came, newest first, for staff alone', async () => {
    const body = Buffer.from('{"device":"sun-1","metrics":{"ac_power_w":5000}}')
    const header = {
      tenantId: mine.id,
      connectionId: mine.connectionId as ConnectionId,
      vendor: 'native',
      transport: 'mqtt' as const,
      receivedAt: NOON + 30 * MINUTE,
      topic: 'readings',
    }
    const first = await world.log.producer('raw').append([{ key: mine.connectionId, value: encodeRaw(header, body) }])
    const strange = await world.log
      .producer('raw')
      .append([{ key: 'x', value: encodeRaw({ ...header, tenantId: other.id as TenantId }, Buffer.from('secret')) }])
    await world.warehouse.insert('readings', [
      readingRow(reading(mine, NOON + 30 * MINUTE, first, undefined)),
      // A row that claims to come from a message of somebody else.
      readingRow(reading(mine, NOON + 31 * MINUTE, strange, undefined)),
    ])
    const { items } = (await support.get(`devices/${mine.deviceId}/messages?limit=2`)).json<{
      items: { body: string | null; topic: string | null; size: number; readings: number; whole: boolean }[]
    }>()
    expect(items[0]).toMatchObject({ body: null, topic: null, size: 0 })
    expect(items[1]).toMatchObject({ topic: 'readings', size: body.length, readings: 1, whole: true })
    expect(Buffer.from(items[1]!.body!, 'base64').equals(body)).toBe(true)
    expect((await customer.get(`devices/${mine.deviceId}/messages`)).statusCode).toBe(403)
    expect((await foreign.get(`devices/${mine.deviceId}/messages`)).statusCode).toBe(404)
  })
})

describe('files of a ticket', () => {
  let ticketId: string
  const send = (client: Client, query = 'name=roof.png', bytes: Buffer = PNG, type = 'image/png', id = ticketId) =>
    world.app.inject({
      method: 'POST',
      url: `/api/v1/tickets/${id}/attachments?${query}`,
      headers: { ...client.headers, 'content-type': type },
      payload: bytes,
    })
  const timeline = async (client: Client) =>
    (await client.get(`tickets/${ticketId}/timeline`)).json<{
      items: {
        text: string
        isPublic: boolean
        data: { attachment?: { id: string; type: string; size: number } } | null
      }[]
    }>().items
  beforeAll(async () => {
    ticketId = (await customer.post('tickets', { subject: 'A panel is broken', siteId: mine.siteId })).json<{
      id: string
    }>().id
  })

  test('a customer adds a photo; it is in the timeline and comes back as it was', async () => {
    const made = await send(customer)
    expect(made.statusCode).toBe(201)
    const entry = (await timeline(customer)).find(({ data }) => data?.attachment)!
    expect(entry).toMatchObject({
      text: 'roof.png',
      isPublic: true,
      data: { attachment: { type: 'image/png', size: PNG.length } },
    })
    const address = `tickets/${ticketId}/attachments/${entry.data!.attachment!.id}`
    const back = await support.get(address)
    expect(back.rawPayload.equals(PNG)).toBe(true)
    expect(back.headers).toMatchObject({
      'content-type': 'image/png',
      'x-content-type-options': 'nosniff',
      'content-disposition': "inline; filename*=UTF-8''roof.png",
    })
    expect((await foreign.get(address)).statusCode).toBe(404)
    expect((await world.app.inject({ url: `/api/v1/${address}` })).statusCode).toBe(401)
  })
  test('what staff add is theirs until they say that the customer may see it', async () => {
    expect((await send(support, 'name=plan.pdf', Buffer.from('%PDF-1.7 inside'), 'application/pdf')).statusCode).toBe(
      201,
    )
    const inside = (await timeline(support)).find(({ text }) => text === 'plan.pdf')!
    expect(inside.isPublic).toBe(false)
    expect((await timeline(customer)).some(({ text }) => text === 'plan.pdf')).toBe(false)
    const address = `tickets/${ticketId}/attachments/${inside.data!.attachment!.id}`
    expect((await customer.get(address)).statusCode).toBe(404)
    expect((await support.get(address)).headers['content-disposition']).toMatch(/^attachment/)
    expect(
      (await send(support, 'name=offer.pdf&public=true', Buffer.from('%PDF-1.7'), 'application/pdf')).statusCode,
    ).toBe(201)
    expect((await timeline(customer)).some(({ text }) => text === 'offer.pdf')).toBe(true)
  })
  test("bytes decide what a file is: a script under a photo's name is refused", async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')
    expect((await send(customer, 'name=x.png', svg)).statusCode).toBe(415)
    expect((await send(customer, 'name=x.svg', svg, 'image/svg+xml')).statusCode).toBe(415)
    const wrong = await send(customer, 'name=really.jpg', PNG, 'image/jpeg')
    expect(wrong.json<{ data: { attachment: { type: string } } }>().data.attachment.type).toBe('image/png')
  })
  test('is bounded and refuses what is not a file name', async () => {
    const big = Buffer.concat([PNG, Buffer.alloc(12 * 1024 * 1024)])
    expect((await send(customer, 'name=big.png', big)).statusCode).toBe(413)
    for (const query of [
      '',
      'name=',
      `name=${'a'.repeat(201)}`,
      'name=..%2Fetc%2Fpasswd',
      'name=a%00b',
      'name=a&more=1',
    ])
      expect([query, (await send(customer, query)).statusCode]).toEqual([query, 400])
    expect((await send(customer, 'name=a.png', Buffer.alloc(0))).statusCode).toBeGreaterThanOrEqual(400)
    const json = await customer.post(`tickets/${ticketId}/attachments?name=a.png`, { a: 1 })
    expect(json.statusCode).toBeGreaterThanOrEqual(400)
    expect(json.statusCode).toBeLessThan(500)
  })
  test('who may not write tickets, and who sees none of it, adds nothing', async () => {
    expect((await send(analyst)).statusCode).toBe(403)
    expect((await send(foreign)).statusCode).toBe(404)
    expect((await send(customer, 'name=a.png', PNG, 'image/png', 'no-such-ticket')).statusCode).toBe(404)
  })
  test('the same request twice is one file', async () => {
    const twice = { ...customer.headers, 'content-type': 'image/png', 'idempotency-key': 'photo-1' }
    const url = `/api/v1/tickets/${ticketId}/attachments?name=twice.png`
    const answers = []
    for (let time = 0; time < 2; time++)
      answers.push(
        (await world.app.inject({ method: 'POST', url, headers: twice, payload: PNG })).json<{ id: string }>().id,
      )
    expect(answers[0]).toBe(answers[1])
    expect((await timeline(customer)).filter(({ text }) => text === 'twice.png')).toHaveLength(1)
  })
})
