/** The resources of the CRM by their routes: made, changed, listed, and shown as far as one may see. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TOPICS, type AlarmRecord } from '@heliograph/crm-core/contracts'
import { type Client, createWorld, PASSWORD, seedTenant, signIn, type Tenant, type World } from './world.ts'

let world: World
let tenant: Tenant
let admin: Client
let offset = 0
beforeAll(async () => {
  world = await createWorld()
  tenant = await seedTenant(world, 'sun')
  admin = await signIn(world.app, tenant.adminEmail)
})
afterAll(() => world.stop())

async function make<T = { id: string }>(path: string, body: object): Promise<T> {
  const response = await admin.post(path, body)
  expect([path, response.statusCode, response.statusCode < 300 ? '' : response.body]).toEqual([path, 201, ''])
  return response.json<T>()
}
const items = async <T = Record<string, unknown>>(path: string, client = admin) =>
  (await client.get(path)).json<{ items: T[] }>().items

async function raise(id: string, action: AlarmRecord['action'] = 'raised'): Promise<void> {
  await world.crm.desk.applyAlarms(
    [
      {
        id,
        action,
        tenantId: tenant.id,
        siteId: tenant.siteId as never,
        deviceId: tenant.deviceId as never,
        type: 'inverter-fault',
        severity: 'critical',
        message: 'Isolation fault',
        at: Date.now(),
        historic: false,
      },
    ],
    { topic: TOPICS.alarms, consumer: 'desk', partition: 0, offset: ++offset },
  )
}

describe('sites', () => {
  test('with their arrays inline; the rating is the arrays’ sum where none is given', async () => {
    const array = { name: 'South', azimuthDeg: 180, tiltDeg: 35, peakPowerW: 5_000 }
    const site = await make<{ id: string; peakPowerW: number; arrays: object[]; status: string; live: null }>('sites', {
      name: 'Barn',
      customerId: tenant.customerId,
      timezone: 'Europe/Vienna',
      arrays: [array, { ...array, name: 'East', azimuthDeg: 90 }],
    })
    expect(site).toMatchObject({ peakPowerW: 10_000, status: 'unknown', live: null })
    expect(site.arrays).toHaveLength(2)
    await make('arrays', { ...array, siteId: site.id, name: 'West' })
    expect((await items(`arrays?siteId=${site.id}`)).length).toBe(3)
    expect((await admin.get(`sites/${site.id}`)).json<{ arrays: object[] }>().arrays).toHaveLength(3)
    expect(
      (await admin.post('sites', { name: 'x', customerId: tenant.customerId, timezone: '+02:00' })).statusCode,
    ).toBe(422)
  })
  test.each([
    ['europe/berlin', 'Europe/Berlin'],
    ['utc', 'UTC'],
    ['Asia/Kolkata', 'Asia/Kolkata'],
  ])('in the zone %s, spelled %s', async (timezone, spelled) => {
    const site = await make<{ timezone: string }>('sites', { name: 'Zone', customerId: tenant.customerId, timezone })
    expect(site.timezone).toBe(spelled)
  })
  test('by unit, with everything below it', async () => {
    const north = await make('org-units', { name: 'North' })
    const oslo = await make('org-units', { name: 'Oslo', parentId: north.id })
    const site = await make('sites', {
      name: 'Fjord',
      customerId: tenant.customerId,
      timezone: 'Europe/Oslo',
      orgUnitId: oslo.id,
    })
    for (const unit of [north, oslo])
      expect((await items(`sites?orgUnitId=${unit.id}`)).map(({ id }) => id)).toEqual([site.id])
    expect((await items(`sites?orgUnitId=${tenant.rootId}`)).length).toBeGreaterThan(1)
  })
  test('by status, page by page, though no column knows it', async () => {
    const ids: string[] = []
    for (let index = 0; index < 12; index++) {
      const { id } = await make('sites', {
        name: `S ${String(index).padStart(2, '0')}`,
        customerId: tenant.customerId,
        timezone: 'UTC',
      })
      ids.push(id)
    }
    world.live.publish(
      ids.map((id, index) => ({
        key: `site:${id}`,
        ts: 1,
        tenantId: tenant.id,
        siteId: id,
        value: { status: index % 2 ? 'idle' : 'down' },
      })),
    )
    for (const [status, expected] of [
      ['idle', ids.filter((_, index) => index % 2 === 1)],
      ['down', ids.filter((_, index) => index % 2 === 0)],
    ] as const) {
      const found: string[] = []
      let cursor = ''
      for (;;) {
        const page = (await admin.get(`sites?status=${status}&limit=4${cursor}`)).json<{
          items: { id: string }[]
          nextCursor: string | null
        }>()
        expect(page.items.length).toBeLessThanOrEqual(4)
        found.push(...page.items.map(({ id }) => id))
        if (page.nextCursor === null) break
        cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`
      }
      expect(found).toEqual(expected)
    }
    // What was never heard is unknown, and pages of it are as complete.
    const unknown: string[] = []
    let cursor = ''
    for (;;) {
      const page = (await admin.get(`sites?status=unknown&limit=1${cursor}`)).json<{
        items: { id: string }[]
        nextCursor: string | null
      }>()
      unknown.push(...page.items.map(({ id }) => id))
      if (page.nextCursor === null) break
      cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`
    }
    const all = await items<{ id: string; status: string }>('sites?limit=500')
    expect(unknown).toEqual(all.filter(({ status }) => status === 'unknown').map(({ id }) => id))
    expect(new Set(unknown).size).toBe(unknown.length)
  })
})

describe('devices', () => {
  test('keep their periods when they change', async () => {
    const device = await make('devices', {
      siteId: tenant.siteId,
      kind: 'meter',
      vendor: 'shelly',
      serial: 'M-1',
      role: 'grid',
    })
    const changed = await admin.patch(`devices/${device.id}`, { role: 'load', effectiveFrom: '2026-01-01T00:00:00Z' })
    expect(changed.json()).toMatchObject({ role: 'load' })
    const roles = await items(`devices/${device.id}/roles`)
    expect(roles.at(-1)).toMatchObject({ role: 'load', from: '2026-01-01T00:00:00.000Z', to: null })
    expect((await admin.get(`devices/${device.id}`)).json()).toMatchObject({ roles: expect.any(Array), links: [] })
    expect((await items(`devices?kind=meter&siteId=${tenant.siteId}`)).map(({ id }) => id)).toEqual([device.id])
    expect((await items('devices?serial=M-1')).map(({ id }) => id)).toEqual([device.id])
  })
})

describe('alarm to ticket', () => {
  test('an alarm is acknowledged, muted and ends; its ticket tells all of it', async () => {
    await raise('alarm-1')
    const [alarm] = await items<{ id: string; ticketId: string }>('alarms?open=true')
    expect(alarm).toMatchObject({ id: 'alarm-1', severity: 'critical', clearedAt: null, acknowledgedAt: null })
    const acknowledged = await admin.post('alarms/alarm-1/acknowledge')
    expect(acknowledged.json()).toMatchObject({ acknowledgedAt: expect.any(String), clearedAt: null })
    expect((await items('alarms?acknowledged=false')).length).toBe(0)
    const muted = await admin.post('alarms/alarm-1/mute', {
      until: '2030-01-01T00:00:00Z',
      reason: 'Known; part ordered',
    })
    expect(muted.json()).toMatchObject({ muteReason: 'Known; part ordered', mutedUntil: '2030-01-01T00:00:00.000Z' })

    const ticket = (await admin.get(`tickets/${alarm!.ticketId}`)).json<{ id: string }>()
    expect(ticket).toMatchObject({
      siteId: tenant.siteId,
      customerId: tenant.customerId,
      alarmIds: ['alarm-1'],
      status: 'new',
    })
    expect((await items(`tickets?siteId=${tenant.siteId}&open=true`)).length).toBe(1)
    const comment = await admin.post(`tickets/${ticket.id}/comments`, { text: 'On our way', isPublic: true })
    expect(comment.statusCode).toBe(201)
    await admin.post(`tickets/${ticket.id}/comments`, { text: 'Between us', isPublic: false })
    expect((await admin.patch(`tickets/${ticket.id}`, { status: 'open', priority: 'high' })).json()).toMatchObject({
      status: 'open',
    })

    await raise('alarm-1', 'cleared')
    expect((await items('alarms?open=true')).length).toBe(0)
    const customer = await signIn(world.app, tenant.email('customer'))
    const seen = JSON.stringify(await items(`tickets/${ticket.id}/timeline`, customer))
    expect(seen).toContain('On our way')
    expect(seen).not.toContain('Between us')
    expect(JSON.stringify(await items(`tickets/${ticket.id}/timeline`))).toContain('Between us')
  })
})

describe('incidents', () => {
  test('a street that is lost at once is one incident with its alarms; a customer sees the own site of it', async () => {
    const neighbour = await make('customers', { name: 'Across the street' })
    const place = { timezone: 'UTC', longitude: 13.4 }
    const sites = [
      await make('sites', { ...place, name: 'No 1', customerId: tenant.customerId, latitude: 52.6 }),
      await make('sites', { ...place, name: 'No 2', customerId: neighbour.id, latitude: 52.601 }),
      await make('sites', { ...place, name: 'No 3', customerId: neighbour.id, latitude: 52.602 }),
    ]
    const at = Date.now()
    await world.crm.desk.applyAlarms(
      sites.map(({ id }, index) => ({
        id: `lost-${index}`,
        action: 'raised',
        tenantId: tenant.id,
        siteId: id as never,
        type: 'device-silent',
        severity: 'major',
        message: 'Nothing was heard',
        at,
        historic: false,
      })),
      { topic: TOPICS.alarms, consumer: 'desk', partition: 0, offset: (offset += 3) },
    )
    const [incident, ...more] = await items<{ id: string; siteIds: string[] }>('incidents?open=true')
    expect(more).toEqual([])
    expect(incident).toMatchObject({ cause: 'grid', clearedAt: null, startedAt: new Date(at).toISOString() })
    expect([...incident!.siteIds].sort()).toEqual(sites.map(({ id }) => id).sort())
    expect((await admin.get(`incidents/${incident!.id}`)).json()).toEqual(incident)
    expect(await items(`alarms?incidentId=${incident!.id}`)).toHaveLength(3)
    expect(await items('incidents?open=false')).toEqual([])
    const customer = await signIn(world.app, tenant.email('customer'))
    expect(await items('incidents', customer)).toMatchObject([{ id: incident!.id, siteIds: [sites[0]!.id] }])
    const sales = await signIn(world.app, tenant.email('sales'))
    expect((await sales.get('incidents')).statusCode).toBe(403)
  })
})

describe('contracts', () => {
  test('are made once, read, changed by who has the newest, listed by what they cover, and removed', async () => {
    const body = {
      name: 'Full care',
      customerId: tenant.customerId,
      kind: 'full-service',
      validFrom: '2026-01-01',
      validTo: '2030-12-31',
      siteIds: [tenant.siteId],
      sla: { firstResponseH: 2, solutionH: null, hours: 'weekdays' },
      guarantee: { kind: 'energy', value: 9_500 },
      tariff: { perKwh: '0.10', currency: 'EUR' },
    }
    const key = { 'idempotency-key': 'one-contract' }
    const made = await admin.post('contracts', body, key)
    expect([made.statusCode, made.json()]).toMatchObject([201, { ...body, status: 'active', number: 'C-2' }])
    expect((await admin.post('contracts', body, key)).json<{ id: string }>().id).toBe(made.json<{ id: string }>().id)
    const { id } = made.json<{ id: string }>()
    const etag = made.headers.etag as string
    const changed = await admin.patch(`contracts/${id}`, { status: 'ended', tariff: null }, { 'if-match': etag })
    expect(changed.json()).toMatchObject({ status: 'ended', tariff: null, guarantee: body.guarantee })
    expect((await admin.patch(`contracts/${id}`, { name: 'x' }, { 'if-match': etag })).statusCode).toBe(412)
    expect((await admin.delete(`contracts/${id}`, { 'if-match': etag })).statusCode).toBe(412)

    const elsewhere = await make('sites', { name: 'Other roof', customerId: tenant.customerId, timezone: 'UTC' })
    const ids = async (query: string) => (await items<{ id: string }>(`contracts?${query}`)).map((each) => each.id)
    expect(await ids(`siteId=${tenant.siteId}`)).toEqual([id, tenant.contractId])
    expect(await ids(`siteId=${elsewhere.id}`)).toEqual([tenant.contractId])
    expect(await ids(`customerId=${tenant.customerId}&status=ended`)).toEqual([id])
    expect(await ids('q=full')).toEqual([id])
    expect((await admin.delete(`contracts/${id}`)).statusCode).toBe(204)
  })
  test('refuse what is no promise and no price', async () => {
    const whole = { name: 'x', customerId: tenant.customerId, validFrom: '2026-01-01' }
    for (const wrong of [
      { tariff: { perKwh: '0,1', currency: 'EUR' } },
      { tariff: { perKwh: '-1', currency: 'EUR' } },
      { tariff: { perKwh: '1', currency: 'euro' } },
      { guarantee: { kind: 'performance-ratio', value: 80 } },
      { sla: { firstResponseH: 0, solutionH: 1, hours: 'always' } },
      { validFrom: '2026-02-30' },
      { validTo: '2025-12-31' },
      { siteIds: [] },
      { price: 5 },
    ])
      expect([wrong, (await admin.post('contracts', { ...whole, ...wrong })).statusCode]).toEqual([wrong, 422])
  })
  test('are behind a ticket: its due dates and the worth of a loss; the customer sees both, not the contract', async () => {
    const ticket = await make<{ id: string; contractId: string; sla: object }>('tickets', {
      subject: 'Too little',
      siteId: tenant.siteId,
    })
    expect(ticket).toMatchObject({
      contractId: tenant.contractId,
      sla: { firstResponseDueAt: expect.any(String), solutionDueAt: expect.any(String), firstRespondedAt: null },
    })
    const lost = await admin.patch(`tickets/${ticket.id}`, { lossWh: 100_000 })
    expect(lost.json()).toMatchObject({ lossMoney: { amount: 821, currency: 'EUR' } })
    const customer = await signIn(world.app, tenant.email('customer'))
    const seen = (await customer.get(`tickets/${ticket.id}`)).json<object>()
    expect(seen).toMatchObject({
      contractId: null,
      lossMoney: { amount: 821, currency: 'EUR' },
      sla: lost.json<typeof ticket>().sla,
    })
    expect((await customer.get('contracts')).statusCode).toBe(403)
  })
})

describe('what a customer sees', () => {
  test('the own sites, devices and tickets, and 403 on the desk', async () => {
    const other = await make('customers', { name: 'Neighbour' })
    const site = await make('sites', { name: 'Next door', customerId: other.id, timezone: 'UTC' })
    await make('tickets', { subject: 'Theirs', customerId: other.id, siteId: site.id })
    const customer = await signIn(world.app, tenant.email('customer'))
    const seen = await items<{ customerId: string }>('sites?limit=500', customer)
    expect(new Set(seen.map(({ customerId }) => customerId))).toEqual(new Set([tenant.customerId]))
    expect((await customer.get(`sites/${site.id}`)).statusCode).toBe(404)
    expect(JSON.stringify(await items('tickets', customer))).not.toContain('Theirs')
    for (const path of [
      'connections',
      'unclaimed',
      'dead-letters',
      'users',
      'audit',
      'api-keys',
      'notifications',
      'status',
    ])
      expect([path, (await customer.get(path)).statusCode]).toEqual([path, 403])
  })
})

describe('people', () => {
  test('are invited, given roles, disabled; a disabled one is out at once', async () => {
    const user = await make('users', {
      email: 'new@sun.test',
      name: 'New',
      password: PASSWORD,
      roles: [{ role: 'support' }],
    })
    const client = await signIn(world.app, 'new@sun.test')
    expect((await client.get('devices')).statusCode).toBe(200)
    expect((await admin.patch(`users/${user.id}`, { roles: [{ role: 'sales' }] })).json()).toMatchObject({
      roles: [{ role: 'sales' }],
    })
    expect((await client.get('devices')).statusCode).toBe(403)
    await admin.patch(`users/${user.id}`, { status: 'disabled' })
    expect((await client.get('me')).statusCode).toBe(401)
    expect(JSON.stringify(await items('users'))).not.toMatch(/password|hash/i)
  })
  test('support may not give itself more', async () => {
    const support = await signIn(world.app, tenant.email('support'))
    expect(
      (await support.post('users', { email: 'x@sun.test', name: 'X', roles: [{ role: 'admin' }] })).statusCode,
    ).toBe(403)
    expect((await support.post('api-keys', { name: 'x', scopes: ['admin'] })).statusCode).toBe(403)
  })
})

test('changes and refusals are in the trail', async () => {
  const support = await signIn(world.app, tenant.email('support'))
  await support.get('audit')
  const customer = await make('customers', { name: 'Traced' })
  const trail = await items<{ action: string; resource: string; resourceId: string }>('audit?limit=200')
  expect(trail.some(({ resource, resourceId }) => resource === 'customer' && resourceId === customer.id)).toBe(true)
  expect(trail.some(({ action }) => action.startsWith('denied:'))).toBe(true)
  expect(await items(`audit?resourceId=${customer.id}`)).toHaveLength(1)
})

test('asking for what is somebody else’s is in the trail of who asked', async () => {
  const other = await seedTenant(world, 'moon')
  expect((await admin.get(`sites/${other.siteId}`)).statusCode).toBe(404)
  expect((await admin.get('sites/01900000-0000-7000-8000-000000000000')).statusCode).toBe(404)
  const trail = await items<{ action: string; resource: string; resourceId: string }>(
    'audit?action=denied:get&resource=site',
  )
  const ids = trail.map(({ resourceId }) => resourceId)
  expect(ids.filter((id) => id === other.siteId)).toHaveLength(1)
  expect(ids).not.toContain('01900000-0000-7000-8000-000000000000')
})

test('vendors are told by whoever wires the line', async () => {
  expect((await admin.get('vendors')).json()).toEqual({ items: [], nextCursor: null })
})
