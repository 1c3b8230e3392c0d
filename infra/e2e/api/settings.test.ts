/** What a tenant and a person set for themselves, and what the data desk tells of connections and of the data's quality. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  DEFAULT_THRESHOLDS,
  encodeRaw,
  MAX_LOGO_BYTES,
  TOPICS,
  type Brand,
  type ConnectionId,
  type DeviceId,
  type SiteId,
  type Thresholds,
} from '@heliograph/crm-core/contracts'
import { readingRow } from '@heliograph/crm-core'
import { createRawTail } from '../../src/roles/raw-lookup.ts'
import { Client, createWorld, seedTenant, signIn, type Tenant, type World } from './world.ts'

let world: World
let sun: Tenant
let moon: Tenant
let admin: Client
let support: Client
let customer: Client
let nobody: Client
beforeAll(async () => {
  world = await createWorld({ warehouse: true })
  sun = await seedTenant(world, 'sun')
  moon = await seedTenant(world, 'moon')
  admin = await signIn(world.app, sun.adminEmail)
  support = await signIn(world.app, sun.email('support'))
  customer = await signIn(world.app, sun.email('customer'))
  nobody = new Client(world.app)
}, 60_000)
afterAll(() => world.stop())

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const SVG = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')
const put = (client: Client, path: string, body: unknown, headers?: Record<string, string>) =>
  client.request('PUT', `/api/v1/${path}`, body, headers)

describe('the brand', () => {
  test('is the name of the company until something else is chosen, and customers see it', async () => {
    const before = await customer.get('brand')
    expect(before.json()).toEqual({ name: expect.any(String) as string })
    expect((await put(admin, 'brand', { name: 'Sonne & Söhne', accentColor: '#204080' })).json()).toEqual({
      name: 'Sonne & Söhne',
      accentColor: '#204080',
    })
    expect((await customer.get('brand')).json()).toMatchObject({ name: 'Sonne & Söhne', accentColor: '#204080' })
    // Where its customers sign in, nobody is known yet.
    expect((await nobody.get(`brand?tenant=${sun.id}`)).json()).toMatchObject({ name: 'Sonne & Söhne' })
    expect((await nobody.get('brand')).statusCode).toBe(404)
    expect((await nobody.get('brand?tenant=nowhere')).statusCode).toBe(404)
    expect((await put(admin, 'brand', { accentColor: null })).json()).toEqual({ name: 'Sonne & Söhne' })
  })
  test('a colour is a colour, and a change of a state that is gone is refused', async () => {
    for (const accentColor of ['red', '#fff', 'url(x)', '#12345G'])
      expect((await put(admin, 'brand', { accentColor })).statusCode).toBe(422)
    const { etag } = (await admin.get('brand')).headers
    await put(admin, 'brand', { name: 'First' })
    expect((await put(admin, 'brand', { name: 'Second' }, { 'if-match': String(etag) })).statusCode).toBe(412)
    expect((await customer.get('brand')).json<Brand>().name).toBe('First')
  })
  test('a logo is a picture that cannot carry a script, and small', async () => {
    const logo = (data: Buffer) => put(admin, 'brand/logo', { data: data.toString('base64') })
    expect((await logo(SVG)).statusCode).toBe(422)
    expect((await logo(Buffer.concat([PNG, Buffer.alloc(MAX_LOGO_BYTES)]))).statusCode).toBeGreaterThanOrEqual(400)
    const { logoUrl } = (await logo(PNG)).json<Brand>()
    const answer = await nobody.request('GET', logoUrl!)
    expect(answer.headers['content-type']).toBe('image/png')
    expect(answer.headers['x-content-type-options']).toBe('nosniff')
    expect(answer.rawPayload.equals(PNG)).toBe(true)
    expect((await admin.request('DELETE', '/api/v1/brand/logo')).statusCode).toBe(204)
    expect((await nobody.request('GET', logoUrl!)).statusCode).toBe(404)
  })
  test('is changed by nobody else', async () => {
    for (const client of [support, customer]) {
      expect((await put(client, 'brand', { name: 'x' })).statusCode).toBe(403)
      expect((await put(client, 'brand/logo', { data: PNG.toString('base64') })).statusCode).toBe(403)
    }
  })
})

describe('thresholds', () => {
  test('are the ordinary ones until they are set; the rules then learn them', async () => {
    expect((await support.get('thresholds')).json()).toEqual(DEFAULT_THRESHOLDS)
    const wanted: Thresholds = { ...DEFAULT_THRESHOLDS, silenceMinutes: 30, underperformancePercent: 25 }
    expect((await put(admin, 'thresholds', wanted)).json()).toEqual(wanted)
    expect((await support.get('thresholds')).json()).toEqual(wanted)
    expect((await put(admin, 'thresholds', { ...wanted, silenceMinutes: 0 })).statusCode).toBe(422)
    expect((await put(support, 'thresholds', wanted)).statusCode).toBe(403)
    expect((await customer.get('thresholds')).statusCode).toBe(403)
    // What a worker that starts now reads, and what one that runs is told.
    const events = await world.db.system.find('outbox', { orderBy: [['version', 'desc']], limit: 1 })
    expect(JSON.stringify(events[0])).toContain('silenceMinutes')
    const { tenants } = await world.deps.reader.registry()
    expect(tenants.find(({ id }) => id === sun.id)?.thresholds).toEqual(wanted)
    expect(tenants.find(({ id }) => id === moon.id)?.thresholds).toBeUndefined()
  })
})

test('everybody changes its own name and phone, and nothing else of itself', async () => {
  const patched = await customer.request('PATCH', '/api/v1/me', { name: 'Ann <b>', phone: '+491701234567' })
  expect(patched.json()).toMatchObject({ user: { name: 'Ann <b>', phone: '+491701234567' } })
  expect((await customer.request('PATCH', '/api/v1/me', { phone: '0170' })).statusCode).toBe(422)
  for (const body of [{ email: 'a@b.test' }, { roles: [{ role: 'admin' }] }])
    expect((await customer.request('PATCH', '/api/v1/me', body)).statusCode).toBe(422)
  expect((await nobody.request('PATCH', '/api/v1/me', { name: 'x' })).statusCode).toBe(401)
})

test('the tap shows the newest messages of one connection and what became of them, to nobody else', async () => {
  world.deps.recentRaw = createRawTail(world.log)
  const at = Date.now()
  const producer = world.log.producer(TOPICS.raw)
  const send = (connectionId: string, tenantId: string, body: string) =>
    producer.append([
      {
        key: connectionId,
        value: encodeRaw(
          {
            tenantId: tenantId as never,
            connectionId: connectionId as ConnectionId,
            vendor: 'native',
            transport: 'mqtt',
            receivedAt: at,
            topic: 'readings',
          },
          Buffer.from(body),
        ),
      },
    ])
  await send(sun.connectionId, sun.id, '{"first":1}')
  await send(moon.connectionId, moon.id, '{"foreign":1}')
  const good = await send(sun.connectionId, sun.id, '{"second":2}')
  await world.warehouse.insert('readings', [
    readingRow({
      tenantId: sun.id,
      siteId: sun.siteId as SiteId,
      deviceId: sun.deviceId as DeviceId,
      ts: at,
      receivedAt: at,
      source: 'native',
      metrics: { ac_power_w: 1 },
      quality: ['stale'],
      rawRef: {
        connectionId: sun.connectionId as ConnectionId,
        partition: good.partition,
        offset: good.offset,
        revision: 0,
      },
    }),
  ])
  const { items } = (await support.get(`connections/${sun.connectionId}/messages`)).json<{
    items: { body: string; outcome: string; readings: number; topic: string }[]
  }>()
  expect(
    items.map(({ body, outcome, readings, topic }) => [
      Buffer.from(body, 'base64').toString(),
      outcome,
      readings,
      topic,
    ]),
  ).toEqual([
    ['{"second":2}', 'stored', 1, 'readings'],
    ['{"first":1}', 'no-readings', 0, 'readings'],
  ])
  expect((await support.get(`connections/${moon.connectionId}/messages`)).statusCode).toBe(404)
  expect((await customer.get(`connections/${sun.connectionId}/messages`)).statusCode).toBe(403)

  const quality = (await support.get('data-quality')).json<{
    items: { deviceId: string; flags: Record<string, number> }[]
  }>()
  expect(quality.items).toMatchObject([{ deviceId: sun.deviceId, readings: 1, gaps: 0, flags: { stale: 1 } }])
  expect((await customer.get('data-quality')).statusCode).toBe(403)
  expect((await support.get(`data-quality?siteId=${moon.siteId}`)).statusCode).toBe(404)
  expect((await support.get('data-quality?from=2020-01-01')).statusCode).toBe(400)
})
