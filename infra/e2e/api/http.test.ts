/** What every route has in common: problems, cookies, origins, ETags, idempotency, lists, limits. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pino } from 'pino'
import { createMemoryLive } from '../../src/live/memory.ts'
import { Client, createWorld, PASSWORD, PUBLIC_URL, seedTenant, signIn, type Tenant, type World } from './world.ts'

let world: World
let tenant: Tenant
let admin: Client
beforeAll(async () => {
  world = await createWorld({
    config: {
      isLocalAdmin: (request) => request.headers['x-test-admin-socket'] === 'yes',
      metricsToken: 'a token for the metrics',
    },
  })
  tenant = await seedTenant(world, 'sun')
  admin = await signIn(world.app, tenant.adminEmail)
})
afterAll(() => world.stop())

test('a line of the log names request, tenant and the caller’s trace, and nobody', async () => {
  const lines: Record<string, unknown>[] = []
  const logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) })
  const broken = await createWorld({
    config: { logger },
    // Not an outage, which is said elsewhere: something that nobody thought of.
    deps: { live: { ...createMemoryLive(), get: () => expect.unreachable('broken inside') } },
  })
  const here = await seedTenant(broken, 'sun')
  const client = await signIn(broken.app, here.adminEmail)
  const traceId = 'ab'.repeat(16)
  const response = await client.request('GET', `sites/${here.siteId}/live`, undefined, {
    traceparent: `00-${traceId}-${'cd'.repeat(8)}-01`,
  })
  expect(response.statusCode).toBe(500)
  const line = lines.find(({ msg }) => msg === 'request failed')
  expect(line).toMatchObject({ tenant: here.id, trace_id: traceId, reqId: response.headers['x-request-id'] })
  expect(JSON.stringify(lines)).not.toContain(here.adminEmail)
  await broken.stop()
})

describe('problems', () => {
  test.each([
    ['GET', 'nowhere', undefined, 404, 'not_found'],
    ['GET', 'sites?colour=red', undefined, 400, 'invalid_request'],
    ['GET', 'sites?limit=501', undefined, 400, 'invalid_request'],
    ['GET', 'sites?limit=0', undefined, 400, 'invalid_request'],
    ['GET', 'sites?cursor=nonsense', undefined, 400, 'invalid_cursor'],
    ['GET', 'sites/not%20an%20id', undefined, 404, 'not_found'],
    ['GET', `sites/${'x'.repeat(300)}`, undefined, 404, 'not_found'],
    ['POST', 'customers', { name: 'x', colour: 'red' }, 422, 'invalid_fields'],
    ['POST', 'customers', {}, 422, 'invalid_fields'],
    ['POST', 'customers', '{"name":', 400, 'malformed_body'],
    ['POST', 'customers', '{"__proto__": {"admin": true}, "name": "x"}', 400, 'malformed_body'],
    ['POST', 'auth/logout', { extra: 1 }, 422, 'invalid_fields'],
    ['GET', 'devices/DEVICE/readings', undefined, 503, 'unavailable'],
  ] as const)('%s %s', async (method, url, body, status, code) => {
    const response = await admin.request(method, url.replace('DEVICE', tenant.deviceId), body, {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    })
    expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(response.json()).toMatchObject({
      ...{ status, code, type: expect.any(String), title: expect.any(String) },
      ...{
        detail: expect.stringMatching(/./),
        instance: `/api/v1/${url.replace('DEVICE', tenant.deviceId).split('?')[0]}`,
      },
    })
    expect(response.statusCode).toBe(status)
    if (status === 503) expect(Number(response.headers['retry-after'])).toBeGreaterThan(0)
  })
  test('name the fields that are wrong', async () => {
    const response = await admin.post('sites', { name: '', customerId: tenant.customerId, timezone: 'Mars', colour: 1 })
    const { errors } = response.json<{ errors: { path: string }[] }>()
    expect(errors.map(({ path }) => path).sort()).toEqual(['colour', 'name', 'timezone'])
  })
  test('say in the detail which field is wrong, also where the rule spans several', async () => {
    const past = await admin.post('api-keys', { name: 'k', scopes: ['read'], expiresAt: '2020-01-01T00:00:00Z' })
    expect(past.json()).toMatchObject({ code: 'invalid_fields', detail: 'expiresAt: is in the past' })
  })
  test('a body of another type is 415, a huge one 413', async () => {
    const xml = await admin.post('customers', '<x/>', { 'content-type': 'application/xml' })
    expect(xml.json()).toMatchObject({ status: 415, code: 'unsupported_media_type' })
    const huge = await admin.post('customers', { name: 'x'.repeat(1_100_000) })
    expect(huge.json()).toMatchObject({ status: 413, code: 'too_large' })
  })
  test('tell nothing of what broke inside', async () => {
    const response = await admin.get(`devices/${tenant.deviceId}/readings`)
    expect(response.body).not.toMatch(/refused|stack|warehouse/i)
  })
})

describe('headers', () => {
  test('data may not be framed, sniffed, cached or loaded from', async () => {
    const { headers } = await admin.get('sites')
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['x-frame-options']).toBe('DENY')
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['x-request-id']).toBeTruthy()
    expect(headers['strict-transport-security']).toBeUndefined()
  })
})

describe('sign-in', () => {
  test('sets a cookie that scripts cannot read, and says who it is', async () => {
    const response = await new Client(world.app).post('auth/login', { email: tenant.adminEmail, password: PASSWORD })
    expect(response.json()).toMatchObject({
      user: { email: tenant.adminEmail },
      tenant: { id: tenant.id },
      roles: expect.arrayContaining(['admin']),
    })
    const [cookie] = response.cookies
    expect(cookie).toMatchObject({ name: 'helio_session', httpOnly: true, sameSite: 'Lax', path: '/' })
    expect(cookie!.secure).toBeFalsy()
    expect(response.body).not.toContain(cookie!.value)
  })
  test('over https the cookie is bound to host and scheme', async () => {
    const { createApi } = await import('@heliograph/api')
    const { Registry } = await import('prom-client')
    const app = createApi(
      { ...world.deps, metrics: new Registry() },
      { publicUrl: 'https://x.test', secret: 'x'.repeat(16) },
    )
    const response = await new Client(app).post('auth/login', { email: tenant.adminEmail, password: PASSWORD })
    expect(response.cookies[0]).toMatchObject({ name: '__Host-helio_session', secure: true, httpOnly: true })
    expect(response.headers['strict-transport-security']).toContain('max-age')
    await app.close()
  })
  test('answers the same for a wrong password and an unknown account', async () => {
    const nobody = new Client(world.app)
    const wrong = await nobody.post('auth/login', { email: tenant.email('sales'), password: 'not this one' })
    const unknown = await nobody.post('auth/login', { email: 'ghost@sun.test', password: 'not this one' })
    expect(wrong.statusCode).toBe(401)
    expect(wrong.json()).toMatchObject({ code: 'wrong_credentials' })
    expect(wrong.body).toBe(unknown.body)
  })
  test('counts failures, not successes', async () => {
    const nobody = new Client(world.app)
    const email = tenant.email('analyst')
    for (let turn = 0; turn < 15; turn++) {
      expect((await nobody.post('auth/login', { email, password: PASSWORD })).statusCode).toBe(200)
    }
    const statuses: number[] = []
    for (let turn = 0; turn < 12; turn++) {
      statuses.push((await nobody.post('auth/login', { email, password: 'wrong wrong' })).statusCode)
    }
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401))
    const refused = await nobody.post('auth/login', { email, password: PASSWORD })
    expect(refused.json()).toMatchObject({ status: 429, code: 'rate_limited' })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  })
  test('ends with sign-out, at once', async () => {
    const client = await signIn(world.app, tenant.email('sales'))
    expect((await client.get('me')).statusCode).toBe(200)
    expect((await client.post('auth/logout')).statusCode).toBe(204)
    expect((await client.get('me')).statusCode).toBe(401)
  })
  test('a session can be ended from another one, and only by its owner', async () => {
    const one = await signIn(world.app, tenant.email('support'))
    const two = await signIn(world.app, tenant.email('support'))
    const sessions = (await one.get('auth/sessions')).json<{ items: { id: string; current: boolean }[] }>().items
    expect(sessions).toHaveLength(2)
    const foreign = sessions.find(({ current }) => !current)!
    expect((await admin.delete(`auth/sessions/${foreign.id}`)).statusCode).toBe(404)
    expect((await one.delete(`auth/sessions/${foreign.id}`)).statusCode).toBe(204)
    expect((await two.get('me')).statusCode).toBe(401)
    expect((await one.get('me')).statusCode).toBe(200)
  })
  test('a changed password ends the other sessions', async () => {
    const email = 'changing@sun.test'
    await admin.post('users', { email, name: 'Changing', password: PASSWORD, roles: [{ role: 'sales' }] })
    const one = await signIn(world.app, email)
    const two = await signIn(world.app, email)
    expect((await one.post('auth/password', { current: 'wrong', new: 'another good one' })).statusCode).toBe(401)
    expect((await one.post('auth/password', { current: PASSWORD, new: 'short' })).statusCode).toBe(422)
    expect((await one.post('auth/password', { current: PASSWORD, new: 'another good one' })).statusCode).toBe(204)
    expect((await one.get('me')).statusCode).toBe(200)
    expect((await two.get('me')).statusCode).toBe(401)
    await signIn(world.app, email, 'another good one')
  })
  test('a reset goes by mail and works once', async () => {
    const email = tenant.email('support')
    const nobody = new Client(world.app)
    expect((await nobody.post('auth/reset', { email: 'ghost@sun.test' })).statusCode).toBe(202)
    expect((await nobody.post('auth/reset', { email })).statusCode).toBe(202)
    const [mail] = await world.db.system.find('notification', { where: { recipient: email } })
    const token = /token=([\w-]+)/.exec(mail!.text)![1]!
    // The outbox page shows that it was sent, and not the link.
    expect((await admin.get('notifications')).body).not.toContain(token)
    expect((await nobody.post('auth/reset/confirm', { token, new: 'a fresh password' })).statusCode).toBe(204)
    expect((await nobody.post('auth/reset/confirm', { token, new: 'a fresh password' })).json()).toMatchObject({
      code: 'wrong_code',
    })
    await signIn(world.app, email, 'a fresh password')
  })
})

describe('requests on a cookie from other sites', () => {
  const write = (headers: Record<string, string>) => admin.post('customers', { name: 'by origin' }, headers)
  test.each([
    [{ origin: 'https://evil.test' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site', origin: 'http://other.heliograph.test' }, 403],
    [{ 'sec-fetch-site': 'same-origin', origin: PUBLIC_URL }, 201],
    [{ origin: PUBLIC_URL }, 201],
    [{}, 201],
  ])('%o -> %i', async (headers, status) => {
    expect((await write(headers as Record<string, string>)).statusCode).toBe(status)
  })
  test('signing in from another site is refused too', async () => {
    const response = await new Client(world.app).post(
      'auth/login',
      { email: tenant.adminEmail, password: PASSWORD },
      { origin: 'https://evil.test' },
    )
    expect(response.json()).toMatchObject({ code: 'foreign_origin' })
  })
  test('reading is not stopped by it', async () => {
    expect((await admin.get('sites', { 'sec-fetch-site': 'cross-site' })).statusCode).toBe(200)
  })
})

describe('API keys', () => {
  test('are told once, act within their scopes, and end when revoked', async () => {
    const made = await admin.post('api-keys', { name: 'reader', scopes: ['read'] })
    expect(made.statusCode).toBe(201)
    const { key, id } = made.json<{ key: string; id: string }>()
    expect(key).toMatch(/^helio_/)
    expect((await admin.get(`api-keys/${id}`)).body).not.toContain(key)
    const program = new Client(world.app, { authorization: `Bearer ${key}` })
    expect((await program.get('sites')).statusCode).toBe(200)
    expect((await program.post('customers', { name: 'x' })).statusCode).toBe(403)
    expect((await program.get('audit')).statusCode).toBe(403)
    // No cookie, no browser: another page's origin has nothing to ride on.
    expect((await admin.delete(`api-keys/${id}`)).statusCode).toBe(204)
    expect((await program.get('sites')).statusCode).toBe(401)
  })
  test('a key has no account, and is told so rather than to sign in', async () => {
    const made = (await admin.post('api-keys', { name: 'me', scopes: ['read'] })).json<{ key: string }>()
    const answer = await new Client(world.app).get('me', { authorization: `Bearer ${made.key}` })
    expect(answer.json()).toMatchObject({ status: 403, code: 'forbidden' })
  })
  test('a key that is none is refused, also beside a good cookie', async () => {
    expect((await admin.get('sites', { authorization: 'Bearer helio_nonsense' })).statusCode).toBe(401)
    expect((await admin.get('sites', { authorization: 'Basic eDp5' })).statusCode).toBe(401)
  })
})

describe('ETag and If-Match', () => {
  test('a change on an old state is refused', async () => {
    const made = await admin.post('customers', { name: 'Tagged' })
    const { id } = made.json<{ id: string }>()
    const first = made.headers['etag'] as string
    expect((await admin.get(`customers/${id}`)).headers['etag']).toBe(first)
    const changed = await admin.patch(`customers/${id}`, { name: 'Tagged again' }, { 'if-match': first })
    expect(changed.statusCode).toBe(200)
    const second = changed.headers['etag'] as string
    expect(second).not.toBe(first)
    for (const tag of [first, `W/${second}`, '"nonsense"', '']) {
      const stale = await admin.patch(`customers/${id}`, { name: 'No' }, { 'if-match': tag })
      expect([tag, stale.statusCode]).toEqual([tag, 412])
    }
    expect((await admin.delete(`customers/${id}`, { 'if-match': first })).statusCode).toBe(412)
    expect((await admin.patch(`customers/${id}`, { name: 'Any' }, { 'if-match': '*' })).statusCode).toBe(200)
    expect((await admin.delete(`customers/${id}`)).statusCode).toBe(204)
    expect((await admin.get(`customers/${id}`)).statusCode).toBe(404)
  })
})

describe('Idempotency-Key', () => {
  test('the same request is done once and answered twice', async () => {
    const headers = { 'idempotency-key': 'make-it-once' }
    const first = await admin.post('customers', { name: 'Once' }, headers)
    const second = await admin.post('customers', { name: 'Once' }, headers)
    expect(first.statusCode).toBe(201)
    expect(second.statusCode).toBe(201)
    expect(second.json()).toEqual(first.json())
    expect(second.headers['idempotency-replayed']).toBe('true')
    expect((await admin.get('customers?q=Once')).json<{ items: unknown[] }>().items).toHaveLength(1)
    const other = await admin.post('customers', { name: 'Twice' }, headers)
    expect(other.json()).toMatchObject({ status: 409, code: 'idempotency_mismatch' })
  })
  test('keys are the caller’s own', async () => {
    const headers = { 'idempotency-key': 'make-it-once' }
    const sales = await signIn(world.app, tenant.email('sales'))
    const response = await sales.post('customers', { name: 'Another' }, headers)
    expect(response.json()).toMatchObject({ name: 'Another' })
  })
  test('a secret is not kept for the repeat', async () => {
    const headers = { 'idempotency-key': 'a-secret' }
    const body = { name: 'Hook', transport: 'webhook', vendor: 'native' }
    const first = await admin.post('connections', body, headers)
    const { secret, username } = first.json<{ secret: string; username: string }>()
    expect(first.statusCode).toBe(201)
    expect(secret).toMatch(/^whsec_/)
    expect(username).toBeTruthy()
    const second = await admin.post('connections', body, headers)
    expect(second.json()).toMatchObject({ status: 409, code: 'conflict' })
    const kept = await world.db.system.all('idempotencyKey')
    expect(JSON.stringify(kept)).not.toContain(secret)
  })
  test('a refused request is answered the same again', async () => {
    const headers = { 'idempotency-key': 'refused' }
    const body = { name: 'x', customerId: '01900000-0000-7000-8000-000000000000', timezone: 'UTC' }
    const first = await admin.post('sites', body, headers)
    const second = await admin.post('sites', body, headers)
    expect([first.statusCode, second.statusCode]).toEqual([404, 404])
    expect(second.headers['content-type']).toContain('application/problem+json')
  })
})

describe('lists', () => {
  test('pages follow each other without gaps or repeats, in every order', async () => {
    for (let index = 0; index < 23; index++)
      await admin.post('contacts', { customerId: tenant.customerId, name: `C ${index % 7}` })
    for (const sort of ['name', '-name']) {
      const ids: string[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const url: string = `contacts?limit=5&sort=${sort}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
        const page = (await admin.get(url)).json<{ items: { id: string }[]; nextCursor: string | null }>()
        ids.push(...page.items.map(({ id }) => id))
        cursor = page.nextCursor
      }
      expect(new Set(ids).size).toBe(23)
      expect(ids).toHaveLength(23)
    }
  })
  test('a cursor of one list is nothing to another', async () => {
    const { nextCursor } = (await admin.get('contacts?limit=5')).json<{ nextCursor: string }>()
    const response = await admin.get(`customers?cursor=${encodeURIComponent(nextCursor)}`)
    expect(response.json()).toMatchObject({ status: 400, code: 'invalid_cursor' })
  })
})

describe('the admin socket', () => {
  const local = (headers: Record<string, string> = {}) =>
    new Client(world.app, { 'x-test-admin-socket': 'yes', ...headers })
  test('has every right in the tenant it names', async () => {
    const inside = local({ 'x-helio-tenant': tenant.id })
    expect((await inside.get('sites')).json<{ items: unknown[] }>().items.length).toBeGreaterThan(0)
    expect((await inside.post('customers', { name: 'By socket' })).statusCode).toBe(201)
    expect((await local().get('tenants')).statusCode).toBe(200)
    expect((await local({ 'x-helio-tenant': 'no such/id' }).get('sites')).statusCode).toBe(400)
  })
  test('is not had by naming a header on another socket', async () => {
    expect((await new Client(world.app, { 'x-helio-tenant': tenant.id }).get('sites')).statusCode).toBe(401)
  })
})

describe('metrics and health', () => {
  test('metrics are answered to this machine or with the token', async () => {
    const ask = (remoteAddress: string, headers: Record<string, string> = {}) =>
      world.app.inject({ method: 'GET', url: '/metrics', remoteAddress, headers })
    expect((await ask('127.0.0.1')).body).toContain('helio_http_request_seconds_bucket')
    expect((await ask('10.0.0.5')).statusCode).toBe(403)
    expect((await ask('127.0.0.1', { 'x-forwarded-for': '10.0.0.5' })).statusCode).toBe(403)
    expect((await ask('10.0.0.5', { authorization: 'Bearer a token for the metrics' })).statusCode).toBe(200)
    expect((await ask('10.0.0.5', { authorization: 'Bearer wrong' })).statusCode).toBe(403)
  })
  test('routes are counted by pattern, never by address', async () => {
    await admin.get(`sites/${tenant.siteId}`)
    const { body } = await admin.get('/metrics')
    expect(body).toContain('route="/api/v1/sites/:id"')
    expect(body).not.toContain(tenant.siteId)
  })
})

describe('the general limit', () => {
  test('says how much is left and when to come again', async () => {
    const small = await createWorld({ limits: { requestsPerMinute: 3 } })
    try {
      const nobody = new Client(small.app)
      const statuses: number[] = []
      for (let turn = 0; turn < 4; turn++) statuses.push((await nobody.get('me')).statusCode)
      expect(statuses).toEqual([401, 401, 401, 429])
      const { headers } = await nobody.get('me')
      expect(Number(headers['retry-after'])).toBeGreaterThan(0)
      expect(headers['ratelimit-limit']).toBe('3')
      expect(headers['ratelimit-remaining']).toBe('0')
    } finally {
      await small.stop()
    }
  })
})
