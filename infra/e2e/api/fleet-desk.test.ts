/** What the fleet's pages ask beyond lists: search, tags, saved views, facts of the fleet, the map, and acts that can be taken back. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  TOPICS,
  type AlarmRecord,
  type ConnectionId,
  type DeviceId,
  type Severity,
  type SiteId,
} from '@heliograph/crm-core/contracts'
import { type Client, createWorld, seedTenant, signIn, type Tenant, type World } from './world.ts'

let world: World
let sun: Tenant
let moon: Tenant
let admin: Client
let support: Client
let customer: Client
let offset = 0
beforeAll(async () => {
  world = await createWorld()
  sun = await seedTenant(world, 'sun')
  moon = await seedTenant(world, 'moon')
  admin = await signIn(world.app, sun.adminEmail)
  support = await signIn(world.app, sun.email('support'))
  customer = await signIn(world.app, sun.email('customer'))
})
afterAll(() => world.stop())

async function make(path: string, body: object): Promise<{ id: string }> {
  const response = await admin.post(path, body)
  expect([path, response.statusCode]).toEqual([path, 201])
  return response.json<{ id: string }>()
}
async function raise(id: string, siteId: string, severity: Severity = 'major'): Promise<void> {
  const record: AlarmRecord = {
    id,
    action: 'raised',
    tenantId: sun.id,
    siteId: siteId as never,
    type: 'device-silent',
    severity,
    message: `${id} is silent`,
    at: Date.now(),
    historic: false,
  }
  await world.crm.desk.applyAlarms([record], {
    topic: TOPICS.alarms,
    consumer: 'desk',
    partition: 0,
    offset: ++offset,
  })
}
const titles = async (client: Client, q: string) =>
  (await client.get(`search?q=${encodeURIComponent(q)}`))
    .json<{ items: { kind: string; title: string }[] }>()
    .items.map(({ kind, title }) => `${kind} ${title}`)

describe('search', () => {
  test('finds sites, devices by serial, customers and tickets, best match first', async () => {
    const owner = await make('customers', { name: 'Zeppelin Werft' })
    const site = await make('sites', { name: 'Hangar Zeppelin', customerId: owner.id, timezone: 'Europe/Berlin' })
    await make('sites', { name: 'Zeppelin', customerId: owner.id, timezone: 'Europe/Berlin' })
    await make('devices', { siteId: site.id, kind: 'inverter', vendor: 'native', serial: 'ZX-4711', name: 'Roof' })
    await make('tickets', { subject: 'Zeppelin is dark', siteId: site.id })
    const found = await titles(support, 'zeppelin')
    expect(found[0]).toBe('site Zeppelin')
    expect(new Set(found.map((hit) => hit.split(' ')[0]))).toEqual(new Set(['site', 'customer', 'ticket']))
    expect(await titles(support, 'zx-47')).toEqual(['device Roof'])
    expect(await titles(support, 'zeppelin hangar')).toEqual(['site Hangar Zeppelin'])
    expect((await titles(support, '#1')).some((hit) => hit.startsWith('ticket #1 '))).toBe(true)
  })
  test('shows each what is theirs: no other tenant, no other customer', async () => {
    const other = await signIn(world.app, moon.adminEmail)
    expect(await titles(other, 'zeppelin')).toEqual([])
    expect(await titles(customer, 'zeppelin')).toEqual([])
    expect(await titles(admin, 'moon')).toEqual([])
    const own = await titles(customer, 'sun')
    expect(own.length).toBeGreaterThan(0)
    expect(own.some((hit) => hit.startsWith('customer'))).toBe(false)
  })
  test('refuses nonsense', async () => {
    for (const query of ['q=', 'q=a&limit=0', 'q=a&limit=99', 'q=a&more=1', ''])
      expect([query, (await support.get(`search?${query}`)).statusCode]).toEqual([query, 400])
  })
})

describe('tags', () => {
  test('are set with a site, added and removed on many, and filter the list', async () => {
    const site = await make('sites', {
      name: 'Tagged',
      customerId: sun.customerId,
      timezone: 'UTC',
      tags: ['roof', 'roof', ' vip '],
    })
    const read = async () => (await support.get(`sites/${site.id}`)).json<{ tags: string[] }>().tags
    expect(await read()).toEqual(['roof', 'vip'])
    const changed = await support.post('sites/tags', {
      siteIds: [site.id, sun.siteId],
      add: ['storm'],
      remove: ['roof'],
    })
    expect(changed.statusCode).toBe(200)
    expect(await read()).toEqual(['vip', 'storm'])
    const listed = (await support.get('sites?tag=storm')).json<{ items: { id: string }[] }>().items
    expect(new Set(listed.map(({ id }) => id))).toEqual(new Set([site.id, sun.siteId]))
  })
  test('of all sites or of none; never of another tenant; not by customers', async () => {
    const body = { siteIds: [sun.siteId, moon.siteId], add: ['stolen'] }
    expect((await support.post('sites/tags', body)).statusCode).toBe(404)
    expect((await support.get(`sites/${sun.siteId}`)).json<{ tags: string[] }>().tags).not.toContain('stolen')
    expect((await customer.post('sites/tags', { siteIds: [sun.siteId], add: ['x'] })).statusCode).toBe(403)
    for (const add of [
      ['a,b'],
      [''],
      ['x'.repeat(41)],
      ['line\nbreak'],
      Array.from({ length: 31 }, (_, at) => `t${at}`),
    ])
      expect((await support.post('sites/tags', { siteIds: [sun.siteId], add })).statusCode).toBe(422)
  })
})

describe('units of many sites', () => {
  test('are changed at once, for all of them or for none; never of or to another tenant; not by customers', async () => {
    const unit = await make('org-units', { name: 'South' })
    const site = await make('sites', { name: 'Movable', customerId: sun.customerId, timezone: 'UTC' })
    const read = async (id: string) => (await support.get(`sites/${id}`)).json<{ orgUnitId: string }>().orgUnitId
    const moved = await support.post('sites/unit', { siteIds: [site.id, sun.siteId], orgUnitId: unit.id })
    expect(moved.json()).toEqual({
      items: [
        { id: site.id, orgUnitId: unit.id },
        { id: sun.siteId, orgUnitId: unit.id },
      ],
    })
    for (const body of [
      { siteIds: [site.id, moon.siteId], orgUnitId: sun.rootId },
      { siteIds: [site.id], orgUnitId: moon.rootId },
    ])
      expect((await support.post('sites/unit', body)).statusCode).toBe(404)
    expect(await read(site.id)).toBe(unit.id)
    expect((await admin.delete(`org-units/${unit.id}`)).statusCode).toBe(409)
    const back = { siteIds: [site.id, sun.siteId], orgUnitId: sun.rootId }
    expect((await customer.post('sites/unit', back)).statusCode).toBe(403)
    expect((await support.post('sites/unit', back)).statusCode).toBe(200)
    expect(await read(sun.siteId)).toBe(sun.rootId)
    expect((await admin.delete(`org-units/${unit.id}`)).statusCode).toBe(204)
    expect((await support.post('sites/unit', { siteIds: [], orgUnitId: sun.rootId })).statusCode).toBe(422)
  })
})

describe('saved views', () => {
  test('are kept per person, under names of their own', async () => {
    const response = await support.post('saved-views', { name: 'Down', address: '/fleet?status=down' })
    expect(response.statusCode).toBe(201)
    const view = response.json<{ id: string }>()
    expect((await support.post('saved-views', { name: 'Down', address: '/fleet' })).statusCode).toBe(409)
    expect((await admin.get('saved-views')).json()).toEqual({ items: [], nextCursor: null })
    expect((await admin.patch(`saved-views/${view.id}`, { name: 'Mine' })).statusCode).toBe(404)
    expect((await admin.delete(`saved-views/${view.id}`)).statusCode).toBe(404)
    const renamed = await support.patch(`saved-views/${view.id}`, { name: 'Down now' })
    expect(renamed.json()).toMatchObject({ name: 'Down now', address: '/fleet?status=down' })
    expect((await support.delete(`saved-views/${view.id}`)).statusCode).toBe(204)
    expect((await support.get('saved-views')).json()).toEqual({ items: [], nextCursor: null })
  })
  test('lead nowhere but into the pages', async () => {
    for (const address of ['https://evil.test/', '//evil.test', '/\\evil.test', 'javascript:alert(1)', 'fleet', '/a b'])
      expect([address, (await support.post('saved-views', { name: 'x', address })).statusCode]).toEqual([address, 422])
  })
  test('go with the person', async () => {
    const person = await admin.post('users', {
      email: 'leaver@sun.test',
      name: 'Leaver',
      password: 'a long enough password',
      roles: [{ role: 'support' }],
    })
    const leaver = await signIn(world.app, 'leaver@sun.test', 'a long enough password')
    expect((await leaver.post('saved-views', { name: 'x', address: '/fleet' })).statusCode).toBe(201)
    expect((await admin.delete(`users/${person.json<{ id: string }>().id}`)).statusCode).toBe(204)
  })
})

describe('facts of the fleet', () => {
  interface Facts {
    names: string[]
    sites: Record<string, { vendors: number[]; firmwares: number[]; connections: number[] }>
    openTickets: Record<string, number>
  }
  test('tell what stands where and what waits there, and follow changes', async () => {
    await make('tickets', { subject: 'One that waits', siteId: sun.siteId })
    const facts = (await support.get('fleet/facts')).json<Facts>()
    expect(facts.sites[sun.siteId]?.vendors.map((at) => facts.names[at])).not.toEqual([])
    expect(facts.sites[moon.siteId]).toBeUndefined()
    const before = facts.openTickets[sun.siteId]!
    expect(before).toBeGreaterThan(0)
    const { id } = await make('tickets', { subject: 'One more', siteId: sun.siteId })
    world.publish({ type: 'record.changed', resource: 'ticket', id, tenantId: sun.id, version: 1, at: Date.now() })
    await expect
      .poll(async () => (await support.get('fleet/facts')).json<Facts>().openTickets[sun.siteId])
      .toBe(before + 1)
  })
  test('name the firmware that a device tells', async () => {
    const unclaimed = {
      tenantId: sun.id,
      connectionId: sun.connectionId as ConnectionId,
      vendor: 'native',
      receivedAt: Date.now(),
      reading: {
        device: 'FW-1',
        ts: Date.now(),
        tsSource: 'device' as const,
        metrics: { ac_power_w: 5 },
        quality: [],
        attributes: { firmware: '4.11.2' },
      },
      rawRef: { connectionId: sun.connectionId as ConnectionId, partition: 0, offset: 1, revision: 0 },
    }
    await world.crm.desk.applyUnclaimed([unclaimed], {
      topic: 'unclaimed',
      consumer: 'test',
      partition: 0,
      offset: 1,
    })
    const { items } = (await support.get('unclaimed?q=FW-1')).json<{ items: { id: string }[] }>()
    const claimed = await support.post(`unclaimed/${items[0]!.id}/claim`, { siteId: sun.siteId })
    const { deviceId } = claimed.json<{ deviceId: string }>()
    expect((await support.get(`devices/${deviceId}`)).json()).toMatchObject({ firmware: '4.11.2' })
    world.publish({
      type: 'device.deleted',
      deviceId: 'nobody' as DeviceId,
      siteId: sun.siteId as SiteId,
      tenantId: sun.id,
      version: 2,
      at: Date.now(),
    })
    const facts = (await support.get('fleet/facts')).json<Facts>()
    expect(facts.sites[sun.siteId]?.firmwares.map((at) => facts.names[at])).toContain('4.11.2')
    // Nobody enters it: it is the device's own word.
    expect((await support.patch(`devices/${deviceId}`, { firmware: '9' })).statusCode).toBe(422)
  })
  test('say nothing of connections to who may not see them', async () => {
    const sales = await signIn(world.app, sun.email('sales'))
    const facts = (await sales.get('fleet/facts')).json<Facts>()
    expect(facts).toEqual({ names: [], sites: {}, openTickets: {} })
  })
})

describe('acts that can be taken back', () => {
  const open = async () =>
    (await support.get('alarms?open=true&limit=500')).json<{
      items: { id: string; acknowledgedAt: string | null; mutedUntil: string | null; siteId: string }[]
    }>().items
  test('all alarms of some sites are acknowledged at once, and each can be new again', async () => {
    await raise('many-1', sun.siteId)
    await raise('many-2', sun.siteId)
    const done = await support.post('alarms/acknowledge', { siteIds: [sun.siteId, moon.siteId] })
    expect(done.statusCode).toBe(200)
    expect(done.json<{ items: unknown[] }>().items.length).toBeGreaterThanOrEqual(2)
    expect((await open()).every(({ acknowledgedAt }) => acknowledgedAt !== null)).toBe(true)
    expect((await support.post('alarms/acknowledge', { siteIds: [sun.siteId] })).json()).toMatchObject({ items: [] })
    expect((await support.delete('alarms/many-1/acknowledge')).json()).toMatchObject({ acknowledgedAt: null })
    expect((await support.delete('alarms/many-1/acknowledge')).statusCode).toBe(200)
  })
  test('a mute ends when somebody ends it', async () => {
    await raise('muted', sun.siteId)
    await support.post('alarms/muted/mute', { until: new Date(Date.now() + 3_600_000), reason: 'on site' })
    expect((await support.delete('alarms/muted/mute')).json()).toMatchObject({ mutedUntil: null, muteReason: null })
  })
  test('say which alarms; customers do neither', async () => {
    expect((await support.post('alarms/acknowledge', {})).statusCode).toBe(422)
    expect((await customer.post('alarms/acknowledge', { siteIds: [sun.siteId] })).statusCode).toBe(403)
    expect((await customer.delete('alarms/muted/mute')).statusCode).toBe(403)
  })
})

describe('the scope', () => {
  test('narrows alarms, tickets and the map to a unit', async () => {
    const unit = await make('org-units', { name: 'North', parentId: sun.rootId })
    const site = await make('sites', {
      name: 'Northern',
      customerId: sun.customerId,
      orgUnitId: unit.id,
      timezone: 'UTC',
      latitude: 60,
      longitude: 10,
    })
    await raise('northern', site.id)
    await make('tickets', { subject: 'In the north', siteId: site.id })
    for (const path of ['alarms', 'tickets']) {
      const { items } = (await support.get(`${path}?orgUnitId=${unit.id}`)).json<{ items: { siteId: string }[] }>()
      expect(items.map(({ siteId }) => siteId)).toEqual([site.id])
    }
    const map = (await support.get(`fleet/map?zoom=4&orgUnitId=${unit.id}`)).json<{ points: { id: string }[] }>()
    expect(map.points.map(({ id }) => id)).toEqual([site.id])
    const listed = (await support.get(`fleet/map/sites?bbox=0,55,20,70`)).json<{ total: number; items: unknown[] }>()
    expect(listed).toMatchObject({ total: 1, items: [{ id: site.id, status: 'unknown' }] })
    expect((await support.get('fleet/map/sites?bbox=0,50,20')).statusCode).toBe(400)
  })
})

test('tickets are given to people of the staff, and customers see none of them', async () => {
  const people = (await support.get('tickets/assignees')).json<{ items: { name: string }[] }>().items
  expect(people.length).toBeGreaterThanOrEqual(2)
  expect((await customer.get('tickets/assignees')).json()).toEqual({ items: [], nextCursor: null })
})

test('the pages are told of a style for the map, and where devices connect', async () => {
  expect((await customer.get('page-settings')).json()).toEqual({ mapStyleUrl: null, mqtt: null })
})
