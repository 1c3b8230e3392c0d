/** The live socket over real WebSockets: snapshots, updates, rights, resuming, slow readers. */
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import type { LiveAudience, LiveServerFrame, LiveUpdate, LiveValue } from '@heliograph/crm-core/contracts'
import { Client, createWorld, listening, PASSWORD, seedTenant, signIn, type Tenant, type World } from './world.ts'

let world: World
let mine: Tenant
let other: Tenant
let url: string
let admin: Client
const open: WebSocket[] = []

beforeAll(async () => {
  world = await createWorld()
  mine = await seedTenant(world, 'sun')
  other = await seedTenant(world, 'moon')
  url = await listening(world)
  admin = await signIn(world.app, mine.adminEmail)
})
afterAll(async () => {
  for (const socket of open) socket.terminate()
  await world.stop()
})

/** With a server of its own, whose sockets viewers open meanwhile. */
async function inOwnWorld(
  options: Parameters<typeof createWorld>[0],
  work: (own: World, tenant: Tenant, client: Client) => Promise<void>,
): Promise<void> {
  const own = await createWorld(options)
  const before = url
  try {
    const tenant = await seedTenant(own, 'own')
    url = await listening(own)
    await work(own, tenant, await signIn(own.app, tenant.adminEmail))
  } finally {
    url = before
    await own.stop()
  }
}

/** A client that keeps its frames and can wait for the next one of a kind. */
class Viewer {
  readonly socket: WebSocket
  readonly frames: LiveServerFrame[] = []
  closeCode: number | undefined
  #taken = 0
  constructor(client: Client, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(url, { headers: { ...client.headers, ...headers } })
    open.push(this.socket)
    this.socket.on('message', (data: Buffer) => this.frames.push(JSON.parse(data.toString()) as LiveServerFrame))
    this.socket.on('close', (code) => (this.closeCode = code))
    this.socket.on('error', () => undefined)
  }
  send(frame: object): void {
    this.socket.send(JSON.stringify(frame))
  }
  async opened(): Promise<this> {
    await once(this.socket, 'open')
    return this
  }
  /** The next frame that was not taken yet. */
  async next<T extends LiveServerFrame['type']>(type: T, ms = 2_000): Promise<Extract<LiveServerFrame, { type: T }>> {
    const until = Date.now() + ms
    while (Date.now() < until) {
      for (; this.#taken < this.frames.length;) {
        const frame = this.frames[this.#taken++]!
        if (frame.type === type) return frame as Extract<LiveServerFrame, { type: T }>
      }
      await pause(5)
    }
    throw new Error(`no ${type} frame within ${ms} ms; got ${JSON.stringify(this.frames.slice(-3))}`)
  }
  async subscribe(topic: string, more: object = {}) {
    this.send({ type: 'subscribe', id: 'a', topic, ...more })
    return await this.next('snapshot')
  }
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const keys = (data: LiveUpdate[]) => data.map(({ key }) => key).sort()

const siteValue = (tenant: Tenant, ts: number, acPowerW: number, id = tenant.siteId): LiveValue => ({
  key: `site:${id}`,
  ts,
  tenantId: tenant.id,
  siteId: id,
  customerId: tenant.customerId,
  value: { status: 'producing', acPowerW },
})
const deviceValue = (tenant: Tenant, ts: number, watts: number): LiveValue => ({
  key: `device:${tenant.deviceId}`,
  ts,
  tenantId: tenant.id,
  siteId: tenant.siteId,
  value: { siteId: tenant.siteId, receivedAt: ts, metrics: { ac_power_w: watts }, quality: [] },
})

describe('topics', () => {
  test('a snapshot, then what changes; nothing of another tenant', async () => {
    world.live.publish([siteValue(mine, 1_000, 10), siteValue(other, 1_000, 99)])
    const viewer = await new Viewer(admin).opened()
    const snapshot = await viewer.subscribe('fleet')
    expect(snapshot).toMatchObject({
      id: 'a',
      data: [{ key: `site:${mine.siteId}`, ts: 1_000, value: { acPowerW: 10 } }],
    })
    world.live.publish([siteValue(mine, 2_000, 20), siteValue(other, 2_000, 98), deviceValue(mine, 2_000, 20)])
    const update = await viewer.next('update')
    expect(update.data).toEqual([
      { key: `site:${mine.siteId}`, ts: 2_000, value: { status: 'producing', acPowerW: 20 } },
    ])
    expect(viewer.frames.map((frame) => JSON.stringify(frame)).join()).not.toContain(other.siteId)
  })
  test('a site shows its devices and alarms, a device itself', async () => {
    world.live.publish([
      deviceValue(mine, 3_000, 30),
      { key: 'alarm:x', ts: 3_000, tenantId: mine.id, siteId: mine.siteId, value: { severity: 'major' } },
      { key: 'alarm:y', ts: 3_000, tenantId: other.id, siteId: other.siteId, value: { severity: 'major' } },
    ])
    const viewer = await new Viewer(admin).opened()
    expect(keys((await viewer.subscribe(`site:${mine.siteId}`)).data)).toEqual(
      ['alarm:x', `device:${mine.deviceId}`, `site:${mine.siteId}`].sort(),
    )
    expect(keys((await viewer.subscribe(`device:${mine.deviceId}`)).data)).toEqual([`device:${mine.deviceId}`])
    expect(keys((await viewer.subscribe('alarms')).data)).toEqual(['alarm:x'])
  })
  test('a device that comes later, or moves, is on the page of its site and of no other', async () => {
    const inside = await signIn(world.app, mine.adminEmail)
    const site = (await inside.post('sites', { name: 'Second', customerId: mine.customerId, timezone: 'UTC' })).json<{
      id: string
    }>()
    const moving = (ts: number, siteId: string): LiveValue => ({
      key: 'device:moving',
      ts,
      tenantId: mine.id,
      siteId,
      value: { siteId },
    })
    const devices = async (siteId: string) => {
      const viewer = await new Viewer(admin).opened()
      return keys((await viewer.subscribe(`site:${siteId}`)).data).filter((key) => key === 'device:moving')
    }
    expect(await devices(site.id)).toEqual([])
    world.live.publish([moving(1, mine.siteId)])
    expect(await devices(mine.siteId)).toEqual(['device:moving'])
    world.live.publish([moving(2, site.id)])
    expect(await devices(mine.siteId)).toEqual([])
    expect(await devices(site.id)).toEqual(['device:moving'])
  })
  test("another tenant's site or device is not found; a topic beyond the role is forbidden", async () => {
    const viewer = await new Viewer(admin).opened()
    for (const topic of [`site:${other.siteId}`, `device:${other.deviceId}`, 'site:nobody']) {
      viewer.send({ type: 'subscribe', id: 'b', topic })
      expect(await viewer.next('error')).toMatchObject({ id: 'b', code: 'not_found' })
    }
    const sales = await new Viewer(await signIn(world.app, mine.email('sales'))).opened()
    sales.send({ type: 'subscribe', id: 'c', topic: 'alarms' })
    expect(await sales.next('error')).toMatchObject({ id: 'c', code: 'forbidden' })
  })
  test('a customer sees the own sites alone', async () => {
    const inside = await signIn(world.app, mine.adminEmail)
    const customer = (await inside.post('customers', { name: 'Somebody else' })).json<{ id: string }>()
    const site = (await inside.post('sites', { name: 'Theirs', customerId: customer.id, timezone: 'UTC' })).json<{
      id: string
    }>()
    world.live.publish([siteValue(mine, 4_000, 40), siteValue(mine, 4_000, 41, site.id)])
    const viewer = await new Viewer(await signIn(world.app, mine.email('customer'))).opened()
    expect(keys((await viewer.subscribe('fleet')).data)).toEqual([`site:${mine.siteId}`])
    viewer.send({ type: 'subscribe', id: 'd', topic: `site:${site.id}` })
    expect(await viewer.next('error')).toMatchObject({ code: 'not_found' })
    world.live.publish([siteValue(mine, 5_000, 51, site.id), siteValue(mine, 5_000, 50)])
    expect(keys((await viewer.next('update')).data)).toEqual([`site:${mine.siteId}`])
  })
  test('keys and filters narrow; what leaves a filter is told once', async () => {
    const viewer = await new Viewer(admin).opened()
    expect((await viewer.subscribe('fleet', { keys: ['nobody'] })).data).toEqual([])
    const down = { ...siteValue(mine, 6_000, 0), value: { status: 'down' } }
    world.live.publish([down])
    await pause(150)
    const filtered = await viewer.subscribe('fleet', { filter: { status: 'down' } })
    expect(keys(filtered.data)).toEqual([`site:${mine.siteId}`])
    world.live.publish([siteValue(mine, 7_000, 70)])
    expect((await viewer.next('update')).data).toMatchObject([{ value: { status: 'producing' } }])
    world.live.publish([siteValue(mine, 8_000, 80)])
    await expect(viewer.next('update', 350)).rejects.toThrow()
  })
})

describe('conflation', () => {
  test('latest wins per key, and an older value never replaces a newer one', async () => {
    const viewer = await new Viewer(admin).opened()
    await viewer.subscribe('fleet')
    for (let ts = 20_000; ts <= 20_500; ts++) world.live.publish([siteValue(mine, ts, ts)])
    world.live.publish([siteValue(mine, 19_000, 1)])
    await pause(300)
    const updates = viewer.frames.filter((frame) => frame.type === 'update')
    expect(updates.length).toBeLessThanOrEqual(3)
    expect(updates.at(-1)!.data).toMatchObject([{ ts: 20_500 }])
  })
  test('at most ten frames a second, over all subscriptions of a socket', async () => {
    const viewer = await new Viewer(admin).opened()
    for (const id of ['a', 'b', 'c', 'd']) viewer.send({ type: 'subscribe', id, topic: 'fleet' })
    for (let turn = 0; turn < 4; turn++) await viewer.next('snapshot')
    const before = viewer.frames.length
    const until = Date.now() + 2_000
    for (let ts = 30_000; Date.now() < until; ts++) {
      world.live.publish([siteValue(mine, ts, ts)])
      await pause(5)
    }
    const sent = viewer.frames.length - before
    expect(sent).toBeLessThanOrEqual(24)
    expect(sent).toBeGreaterThan(12)
    await pause(600)
    // Every subscription ends with the newest value all the same.
    const last = new Map<string, number>()
    for (const frame of viewer.frames) if (frame.type === 'update') last.set(frame.id, frame.data.at(-1)!.ts)
    expect(new Set(last.values()).size).toBe(1)
    expect([...last.keys()].sort()).toEqual(['a', 'b', 'c', 'd'])
  }, 10_000)
})

describe('resuming', () => {
  test('a known cursor gives what was missed; an unknown one a fresh snapshot', async () => {
    const first = await new Viewer(admin).opened()
    const { cursor } = await first.subscribe('fleet')
    first.socket.terminate()
    world.live.publish([siteValue(mine, 90_000, 900)])
    const second = await new Viewer(admin).opened()
    second.send({ type: 'subscribe', id: 'a', topic: 'fleet', cursor })
    const missed = await second.next('update')
    expect(missed.data).toMatchObject([{ ts: 90_000, value: { acPowerW: 900 } }])
    const third = await new Viewer(admin).opened()
    third.send({ type: 'subscribe', id: 'a', topic: 'fleet', cursor: 'another-epoch.5' })
    expect((await third.next('snapshot')).data.length).toBeGreaterThan(0)
  })
  test('the cursor of any frame resumes without a gap', async () => {
    const viewer = await new Viewer(admin).opened()
    await viewer.subscribe('fleet')
    const seen: number[] = []
    for (let ts = 100_000; ts < 100_040; ts++) {
      world.live.publish([siteValue(mine, ts, ts)])
      await pause(12)
    }
    await pause(150)
    const updates = viewer.frames.filter((frame) => frame.type === 'update')
    for (const frame of updates) {
      const again = await new Viewer(admin).opened()
      again.send({ type: 'subscribe', id: 'a', topic: 'fleet', cursor: frame.cursor })
      const missed = await again.next('update')
      const newest = missed.data.find(({ key }) => key === `site:${mine.siteId}`)?.ts ?? frame.data.at(-1)!.ts
      seen.push(newest)
      again.socket.terminate()
    }
    expect(new Set(seen)).toEqual(new Set([100_039]))
  }, 15_000)
})

describe('rights', () => {
  test('nobody, and another site’s page, do not get in', async () => {
    const nobody = new Viewer(new Client(world.app))
    const [error] = (await once(nobody.socket, 'error')) as [Error]
    expect(error.message).toContain('401')
    const foreign = new Viewer(admin, { origin: 'https://evil.test' })
    expect(((await once(foreign.socket, 'error')) as [Error])[0].message).toContain('403')
  })
  test('a key may be used instead of a cookie', async () => {
    const { key, id } = (await admin.post('api-keys', { name: 'live', scopes: ['read'] })).json<{
      key: string
      id: string
    }>()
    const viewer = await new Viewer(new Client(world.app, { authorization: `Bearer ${key}` })).opened()
    await viewer.subscribe('fleet')
    await admin.delete(`api-keys/${id}`)
    await within(1_200, () => viewer.closeCode !== undefined)
    expect(viewer.closeCode).toBe(4401)
  })
  test('the end of the session ends the socket within a second', async () => {
    const client = await signIn(world.app, mine.email('support'))
    const viewer = await new Viewer(client).opened()
    await viewer.subscribe('fleet')
    await client.post('auth/logout')
    await within(1_200, () => viewer.closeCode !== undefined)
    expect(viewer.closeCode).toBe(4401)
  })
  test('a right that is taken ends it with 4403; nothing flows after', async () => {
    const email = 'moving@sun.test'
    const user = (
      await admin.post('users', { email, name: 'Moving', password: PASSWORD, roles: [{ role: 'support' }] })
    ).json<{ id: string }>()
    const viewer = await new Viewer(await signIn(world.app, email)).opened()
    await viewer.subscribe('alarms')
    expect((await admin.patch(`users/${user.id}`, { roles: [{ role: 'sales' }] })).statusCode).toBe(200)
    await within(1_200, () => viewer.closeCode !== undefined)
    expect(viewer.closeCode).toBe(4403)
  })
  test('a site that moves to another customer is gone from the portal’s socket', async () => {
    const inside = await signIn(world.app, mine.adminEmail)
    const customer = (await inside.post('customers', { name: 'Buyer' })).json<{ id: string }>()
    const site = (await inside.post('sites', { name: 'Sold', customerId: mine.customerId, timezone: 'UTC' })).json<{
      id: string
    }>()
    const viewer = await new Viewer(await signIn(world.app, mine.email('customer'))).opened()
    await viewer.subscribe('fleet')
    await inside.patch(`sites/${site.id}`, { customerId: customer.id })
    const row = await world.db.system.get('site', site.id)
    world.publish({
      version: 1,
      at: Date.now(),
      tenantId: mine.id,
      type: 'site.upserted',
      site: row as never,
    })
    await within(1_500, () => viewer.closeCode !== undefined)
    expect(viewer.closeCode).toBe(4403)
  })
})

describe('a slow reader', () => {
  test('is conflated for while it does not read, holds up nobody, and is closed in the end', async () => {
    const limits = { slowSocketBytes: 64 * 1024, slowSocketMs: 700 }
    await inOwnWorld({ limits }, async ({ live }, tenant, client) => {
      const [slow, fast] = [await new Viewer(client).opened(), await new Viewer(client).opened()]
      await slow.subscribe('fleet')
      await fast.subscribe('fleet')
      slow.socket.pause()
      const large = 'x'.repeat(4_000)
      let late = 0
      const started = Date.now()
      for (let ts = 1; Date.now() - started < 4_000 && slow.closeCode === undefined; ts++) {
        const values = Array.from({ length: 400 }, (_, index) => ({
          ...siteValue(tenant, ts, index, `s${index}`),
          value: { status: 'producing', large, ts },
        }))
        const at = Date.now()
        live.publish(values)
        await fast.next('update')
        late = Math.max(late, Date.now() - at)
        if (Date.now() - started > 2_500) slow.socket.resume()
      }
      // Far less than the slow one was held up; a busy machine takes its share.
      expect(late).toBeLessThan(1_200)
      await within(3_000, () => slow.closeCode !== undefined)
      expect([4408, 1006]).toContain(slow.closeCode)
      expect(fast.closeCode).toBeUndefined()
      expect((await client.get('/metrics')).body).toMatch(/helio_live_dropped_updates_total [1-9]/)
    })
  }, 20_000)
})

test('how closely anybody looks is told as it changes', async () => {
  const told: LiveAudience[] = []
  await inOwnWorld({ deps: { onAudience: (audience) => told.push(audience) } }, async (_world, tenant, client) => {
    const one = await new Viewer(client).opened()
    await one.subscribe('fleet')
    const two = await new Viewer(client).opened()
    await two.subscribe(`site:${tenant.siteId}`)
    await two.subscribe('alarms')
    await two.subscribe(`device:${tenant.deviceId}`)
    two.socket.close()
    await within(3_000, () => told.length === 5)
    one.socket.close()
    await within(3_000, () => told.length === 6)
    expect(told).toEqual(['sites', 'devices', 'sites', 'devices', 'sites', 'nobody'])
  })
})

describe('bad frames', () => {
  test.each([
    ['no JSON', 'hello'],
    ['an unknown type', '{"type":"shout"}'],
    ['an unknown topic', '{"type":"subscribe","id":"a","topic":"everything"}'],
    ['an unknown field', '{"type":"subscribe","id":"a","topic":"fleet","colour":"red"}'],
    ['too many keys', JSON.stringify({ type: 'subscribe', id: 'a', topic: 'fleet', keys: Array(501).fill('x') })],
    ['null', 'null'],
  ])('%s is answered with an error, and the socket stays', async (_name, text) => {
    const viewer = await new Viewer(admin).opened()
    viewer.socket.send(text)
    expect((await viewer.next('error')).code).toMatch(/malformed_body|invalid_fields/)
    await viewer.subscribe('fleet')
  })
  test('a frame of a megabyte ends the socket', async () => {
    const viewer = await new Viewer(admin).opened()
    viewer.socket.send('x'.repeat(1_000_000))
    await within(2_000, () => viewer.closeCode !== undefined)
    expect(viewer.closeCode).toBe(1009)
  })
  test('subscriptions are capped', async () => {
    const viewer = await new Viewer(admin).opened()
    for (let index = 0; index <= 50; index++) viewer.send({ type: 'subscribe', id: `s${index}`, topic: 'alarms' })
    expect(await viewer.next('error')).toMatchObject({ id: 's50', code: 'rate_limited' })
  })
  test('a flood ends the socket', async () => {
    const viewer = await new Viewer(admin).opened()
    for (let index = 0; index < 400; index++) viewer.send({ type: 'unsubscribe', id: 'x' })
    await within(2_000, () => viewer.closeCode !== undefined)
    expect(viewer.closeCode).toBe(1008)
  })
})

async function within(ms: number, condition: () => boolean): Promise<void> {
  const until = Date.now() + ms
  while (!condition()) {
    if (Date.now() > until) throw new Error(`not within ${ms} ms`)
    await pause(10)
  }
}
