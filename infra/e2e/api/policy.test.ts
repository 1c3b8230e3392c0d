/** Every route declares who may call it, and the server keeps to it: for every role, and for other tenants' ids. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DEFAULT_ROLES, PROBLEMS, type RoleName } from '@heliograph/crm-core/contracts'
import { Client, createWorld, seedTenant, signIn, type Tenant, type World } from './world.ts'

let world: World
let mine: Tenant
let other: Tenant
const clients = new Map<RoleName | 'nobody', Client>()
const ROLES = ['admin', 'support', 'sales', 'analyst', 'customer'] as const

beforeAll(async () => {
  world = await createWorld()
  mine = await seedTenant(world, 'sun')
  other = await seedTenant(world, 'moon')
  for (const role of ROLES) clients.set(role, await signIn(world.app, mine.email(role)))
  clients.set('nobody', new Client(world.app))
})
afterAll(() => world.stop())

const NOWHERE = '01900000-0000-7000-8000-000000000000'
/** Routes with policies of the table, without the copies that answer HEAD. */
const routes = () => world.app.routeTable.filter(({ method }) => method !== 'HEAD' && method !== 'OPTIONS')
const fill = (url: string, id: string) => url.replace(/:[A-Za-z]+/g, id).replace('*', 'x')

test('every route has a policy, and there are routes', () => {
  expect(routes().length).toBeGreaterThan(70)
  for (const { policy } of routes()) expect(policy).toBeDefined()
})

test('a route without a policy is refused when the server is built', async () => {
  const { createApi } = await import('@heliograph/api')
  const app = createApi(
    { ...world.deps, metrics: new (await import('prom-client')).Registry() },
    { publicUrl: 'http://x.test', secret: 'x'.repeat(16) },
  )
  expect(() => app.get('/forgotten', () => 'x')).toThrow(/declares no policy/)
  await app.close()
})

describe('who is nobody', () => {
  test('is asked to sign in on every route that is not open', async () => {
    for (const { method, url, policy } of routes()) {
      if (policy === 'public') continue
      const response = await clients.get('nobody')!.request(method as 'GET', fill(url, NOWHERE))
      const expected = policy === 'ingest' && url.includes('webhooks') ? 404 : 401
      expect([method, url, response.statusCode]).toEqual([method, url, expected])
      expect(response.headers['content-type']).toContain('application/problem+json')
    }
  })
})

describe.each(ROLES)('%s', (role) => {
  test('is refused with 403 exactly where its permissions end', async () => {
    const may = new Set(DEFAULT_ROLES[role])
    for (const { method, url, policy } of routes()) {
      if (typeof policy !== 'object') continue
      const response = await clients
        .get(role)!
        .request(method as 'GET', fill(url, NOWHERE), method === 'GET' ? undefined : {})
      // A customer writes tickets and comments on them; running them is the staff's.
      const staffOnly = role === 'customer' && method === 'PATCH' && url === '/api/v1/tickets/:id'
      const allowed = may.has(policy.permission) && !staffOnly
      // What is allowed goes on to be judged as a request: never 401 or 403.
      const told = [401, 403].includes(response.statusCode) ? response.statusCode : 'allowed'
      expect([method, url, told]).toEqual([method, url, allowed ? 'allowed' : 403])
      if (!allowed) expect(response.json()).toMatchObject({ code: 'forbidden', status: PROBLEMS.forbidden.status })
    }
  })
})

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')

describe('the company itself', () => {
  const patch = (role: RoleName, id: string, body: object) => clients.get(role)!.patch(`tenants/${id}`, body)
  test('is renamed by its administrators, and its root unit with it while that bears the name', async () => {
    const name = 'Sun & Söhne'
    const renamed = await patch('admin', mine.id, { name })
    expect([renamed.statusCode, renamed.json()]).toMatchObject([200, { id: mine.id, name, status: 'active' }])
    expect((await clients.get('admin')!.get('me')).json()).toMatchObject({ tenant: { name } })
    const root = () => clients.get('admin')!.get(`org-units/${mine.rootId}`)
    expect((await root()).json()).toMatchObject({ name })
    await clients.get('admin')!.patch(`org-units/${mine.rootId}`, { name: 'All of it' })
    expect((await patch('admin', mine.id, { name: 'sun' })).statusCode).toBe(200)
    expect((await root()).json()).toMatchObject({ name: 'All of it' })
    await clients.get('admin')!.patch(`org-units/${mine.rootId}`, { name: 'sun' })
  })
  test('is suspended by the operator alone, and another one is not there', async () => {
    expect((await patch('admin', mine.id, { status: 'suspended' })).statusCode).toBe(403)
    expect((await patch('admin', mine.id, { name: 'x', status: 'active' })).statusCode).toBe(403)
    expect((await patch('admin', other.id, { name: 'theirs' })).statusCode).toBe(404)
    expect((await patch('support', mine.id, { name: 'ours' })).statusCode).toBe(403)
    expect((await clients.get('admin')!.post('tenants', {})).statusCode).toBe(403)
    expect((await clients.get('admin')!.get(`tenants/${mine.id}`)).json()).toMatchObject({ name: 'sun' })
  })
  test('is not renamed by who administers a unit of it', async () => {
    const admin = clients.get('admin')!
    const unit = (await admin.post('org-units', { name: 'North' })).json<{ id: string }>()
    await admin.post('users', {
      email: 'north@sun.test',
      name: 'North',
      password: 'a long enough password',
      roles: [{ role: 'admin', orgUnitId: unit.id }],
    })
    const north = await signIn(world.app, 'north@sun.test', 'a long enough password')
    expect((await north.patch(`tenants/${mine.id}`, { name: 'North' })).statusCode).toBe(403)
    // Its own part of the tree is its to arrange; what is above it is not there.
    expect((await north.post('org-units', { name: 'Far north' })).json()).toMatchObject({ parentId: unit.id })
    expect((await north.patch(`org-units/${mine.rootId}`, { name: 'x' })).statusCode).toBe(404)
  })
})

describe("another tenant's ids", () => {
  test('are not there, on every route that takes one', async () => {
    const ids = [
      other.siteId,
      other.deviceId,
      other.customerId,
      other.connectionId,
      other.contractId,
      other.rootId,
      other.id,
    ]
    const bodies: Record<string, unknown> = {
      '/api/v1/unclaimed/:id/claim': { siteId: mine.siteId },
      '/api/v1/alarms/:id/mute': { until: '2030-01-01T00:00:00Z', reason: 'no' },
      '/api/v1/tickets/:id/comments': { text: 'hello' },
    }
    for (const { method, url, policy } of routes()) {
      // Those of tenants are the operator's to see; what of them is the company's own has tests above.
      if (!url.includes(':id') || typeof policy !== 'object' || url.startsWith('/api/v1/tenants')) continue
      // Read from the warehouse, which is down here; the tenant filter there has tests of its own.
      if (url.startsWith('/api/v1/dead-letters')) continue
      for (const id of ids) {
        const isFile = method === 'POST' && url === '/api/v1/tickets/:id/attachments'
        const body = method === 'GET' || method === 'DELETE' ? undefined : isFile ? PNG : (bodies[url] ?? {})
        const response = await clients
          .get('admin')!
          .request(
            method as 'GET',
            `${url.replace(':id', id)}${isFile ? '?name=roof.png' : ''}`,
            body,
            isFile ? { 'content-type': 'image/png' } : {},
          )
        expect([method, url, response.statusCode]).toEqual([method, url, 404])
        expect(response.body).not.toContain('moon')
      }
    }
  })
  test('are not found in lists and searches either', async () => {
    for (const path of [
      'sites',
      'devices',
      'customers',
      'connections',
      'users',
      'org-units',
      'contacts',
      'contracts',
      'arrays',
      'audit',
    ]) {
      const response = await clients.get('admin')!.get(`${path}?limit=500${path === 'audit' ? '' : '&q=moon'}`)
      expect([path, response.statusCode]).toEqual([path, 200])
      expect(response.body).not.toContain('moon')
    }
  })
  test('cannot be referred to in what is written', async () => {
    const admin = clients.get('admin')!
    const site = { name: 'x', timezone: 'UTC' }
    for (const [path, body] of [
      ['sites', { ...site, customerId: other.customerId }],
      ['sites', { ...site, customerId: mine.customerId, orgUnitId: other.rootId }],
      ['devices', { siteId: other.siteId, kind: 'meter', vendor: 'native', serial: 'y' }],
      ['contacts', { customerId: other.customerId, name: 'y' }],
      ['contracts', { customerId: other.customerId, name: 'y', validFrom: '2026-01-01' }],
      ['contracts', { customerId: mine.customerId, name: 'y', validFrom: '2026-01-01', siteIds: [other.siteId] }],
      ['arrays', { siteId: other.siteId, name: 'y', azimuthDeg: 180, tiltDeg: 30, peakPowerW: 1 }],
      ['connections', { name: 'y', transport: 'mqtt', vendor: 'native', siteId: other.siteId }],
      ['tickets', { subject: 'y', siteId: other.siteId }],
      ['org-units', { name: 'y', parentId: other.rootId }],
    ] as const) {
      const response = await admin.post(path, body)
      expect([path, response.statusCode]).toEqual([path, 404])
    }
  })
})
