/** The HTTP edge: acknowledged means in the log, and only what is signed gets there. */
import { createHmac } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeRaw, LogError, TOPICS, type LogProducer, type RawMessage } from '@heliograph/crm-core/contracts'
import { type Client, createWorld, PUBLIC_URL, seedTenant, signIn, type Tenant, type World } from './world.ts'

let world: World
let tenant: Tenant
let admin: Client
let key: string
let keyConnection: string
/** Takes the place of the log's producer where a test says so. */
let broken: (() => Promise<never>) | undefined
let pendingBytes = 0

beforeAll(async () => {
  world = await createWorld({ limits: { ingestBodyBytes: 256 * 1024 } })
  const real = world.deps.raw
  const raw: LogProducer = {
    append: (records) => broken?.() ?? real.append(records),
    get pendingBytes() {
      return pendingBytes + real.pendingBytes
    },
  }
  await world.app.close()
  const { createApi } = await import('@heliograph/api')
  const { Registry } = await import('prom-client')
  world.deps.metrics = new Registry()
  world.app = createApi(
    { ...world.deps, raw },
    { publicUrl: PUBLIC_URL, secret: 'a secret that tests alone use', limits: { ingestBodyBytes: 256 * 1024 } },
  )
  tenant = await seedTenant(world, 'sun')
  admin = await signIn(world.app, tenant.adminEmail)
  const made = (await admin.post('api-keys', { name: 'edge', scopes: ['ingest'] })).json<{
    key: string
    connectionId: string
  }>()
  key = made.key
  keyConnection = made.connectionId
})
afterAll(() => world.stop())

async function messages(): Promise<RawMessage[]> {
  const found: RawMessage[] = []
  for (const { partition, first, next } of await world.log.bounds(TOPICS.raw))
    for await (const records of world.log.read({ topic: TOPICS.raw, partition, from: first, to: next }))
      for (const record of records) found.push(decodeRaw(record.value))
  return found
}
const send = (body: string | Buffer, headers: Record<string, string> = {}) =>
  world.app.inject({
    method: 'POST',
    url: '/ingest/v1/readings',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    payload: body,
  })

describe('readings', () => {
  test('are in the log, untouched, when they are acknowledged', async () => {
    const body = '[ {"device":"a","ts":1,"metrics":{}},  {"device":"b","ts":"bad"} ]'
    const response = await send(body)
    expect(response.statusCode).toBe(202)
    expect(response.json()).toEqual({ accepted: 2 })
    const last = (await messages()).at(-1)!
    expect(Buffer.from(last.body).toString()).toBe(body)
    expect(last).toMatchObject({
      tenantId: tenant.id,
      connectionId: keyConnection,
      vendor: 'native',
      transport: 'http',
      contentType: 'application/json',
    })
    expect(Math.abs(last.receivedAt - Date.now())).toBeLessThan(5_000)
  })
  test('gzip and NDJSON are taken', async () => {
    const lines = '{"device":"a","ts":1}\n{"device":"a","ts":2}\n'
    const response = await send(gzipSync(lines), { 'content-encoding': 'gzip', 'content-type': 'application/x-ndjson' })
    expect(response.json()).toEqual({ accepted: 2 })
    expect(Buffer.from((await messages()).at(-1)!.body).toString()).toBe(lines)
  })
  test.each([
    ['a scalar', '5', {}, 400, 'malformed_body'],
    ['broken JSON', '{"a":', {}, 400, 'malformed_body'],
    ['too large', `"${'x'.repeat(300_000)}"`, {}, 413, 'too_large'],
    ['a gzip bomb', gzipSync(Buffer.alloc(50_000_000)), { 'content-encoding': 'gzip' }, 413, 'too_large'],
    ['no key', '{}', { authorization: '' }, 401, 'not_signed_in'],
    ['a wrong key', '{}', { authorization: 'Bearer helio_wrong' }, 401, 'not_signed_in'],
  ])('%s is refused and leaves no trace', async (_name, body, headers, status, code) => {
    const before = (await messages()).length
    const response = await send(body, headers as Record<string, string>)
    expect(response.json()).toMatchObject({ status, code })
    expect(response.statusCode).toBe(status)
    expect((await messages()).length).toBe(before)
  })
  test('a key without the scope is 403; a revoked one is cut within a second', async () => {
    const reader = (await admin.post('api-keys', { name: 'r', scopes: ['read'] })).json<{ key: string }>()
    expect((await send('{}', { authorization: `Bearer ${reader.key}` })).statusCode).toBe(403)
    const soon = (await admin.post('api-keys', { name: 's', scopes: ['ingest'] })).json<{ key: string; id: string }>()
    const authorization = `Bearer ${soon.key}`
    expect((await send('{}', { authorization })).statusCode).toBe(202)
    await admin.delete(`api-keys/${soon.id}`)
    await new Promise((resolve) => setTimeout(resolve, 1_050))
    expect((await send('{}', { authorization })).statusCode).toBe(401)
  })
})

describe('under pressure', () => {
  test.each([
    ['a full log', new LogError('log_full', 'no space'), 503, 'overloaded'],
    ['a log that is away', new LogError('log_unavailable', 'gone'), 503, 'unavailable'],
    ['a record too large for the log', new LogError('log_too_large', 'big'), 413, 'too_large'],
  ])('%s is not acknowledged', async (_name, error, status, code) => {
    broken = () => Promise.reject(error)
    const response = await send('{}')
    broken = undefined
    expect(response.json()).toMatchObject({ status, code })
    if (status === 503) expect(Number(response.headers['retry-after'])).toBeGreaterThan(0)
  })
  test('too much on its way to the disk is pushed back before memory grows', async () => {
    pendingBytes = 65 * 1024 * 1024
    const response = await send('{}')
    pendingBytes = 0
    expect(response.json()).toMatchObject({ status: 503, code: 'overloaded' })
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0)
  })
})

describe('webhooks', () => {
  async function connect(scheme: string, more: object = {}) {
    const response = await admin.post('connections', {
      name: scheme,
      transport: 'webhook',
      vendor: 'enphase-envoy',
      scheme,
      ...more,
    })
    expect(response.statusCode).toBe(201)
    return response.json<{ id: string; secret: string; username: string; headerName: string | null }>()
  }
  const hook = (id: string, body: string | Buffer, headers: Record<string, string>, query = '') =>
    world.app.inject({ method: 'POST', url: `/ingest/v1/webhooks/${id}${query}`, headers, payload: body })
  const standardHeaders = (secret: string, id: string, body: string, at = Math.floor(Date.now() / 1000)) => ({
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(at),
    'webhook-signature': `v1,${createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
      .update(`${id}.${at}.${body}`)
      .digest('base64')}`,
  })

  test('Standard Webhooks: taken once however often it comes', async () => {
    const { id, secret } = await connect('standard-webhooks')
    const body = '{"production": [1, 2, 3]}'
    const headers = standardHeaders(secret, 'msg_1', body)
    const before = (await messages()).length
    const answers = await Promise.all([hook(id, body, headers), hook(id, body, headers), hook(id, body, headers)])
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([202, 202, 202])
    expect(answers[0].json()).toEqual({ accepted: 1 })
    const all = await messages()
    expect(all.length).toBe(before + 1)
    expect(all.at(-1)).toMatchObject({
      connectionId: id,
      vendor: 'enphase-envoy',
      transport: 'webhook',
      messageId: 'msg_1',
    })
    expect(Buffer.from(all.at(-1)!.body).toString()).toBe(body)
  })
  test('a first try that failed does not swallow the second', async () => {
    const { id, secret } = await connect('standard-webhooks')
    const headers = standardHeaders(secret, 'msg_2', '{}')
    broken = () => Promise.reject(new LogError('log_full', 'no space'))
    expect((await hook(id, '{}', headers)).statusCode).toBe(503)
    broken = undefined
    const before = (await messages()).length
    expect((await hook(id, '{}', headers)).statusCode).toBe(202)
    expect((await messages()).length).toBe(before + 1)
  })
  test('a changed body, a stranger and an old time are refused', async () => {
    const { id, secret } = await connect('standard-webhooks')
    const good = standardHeaders(secret, 'msg_3', '{}')
    expect((await hook(id, '{ }', good)).json()).toMatchObject({ status: 401, code: 'bad_signature' })
    expect((await hook(id, '{}', { 'content-type': 'application/json' })).json()).toMatchObject({ status: 401 })
    const old = standardHeaders(secret, 'msg_4', '{}', Math.floor(Date.now() / 1000) - 400)
    expect((await hook(id, '{}', old)).json()).toMatchObject({ status: 401 })
    expect((await hook('nobody', '{}', good)).statusCode).toBe(404)
    expect((await hook(tenant.connectionId, '{}', good)).statusCode).toBe(404)
  })
  test('rotation: both secrets are good, until the old one is not', async () => {
    const { id, secret } = await connect('standard-webhooks')
    const rotated = (await admin.post(`connections/${id}/rotate`, { overlapS: 3600 })).json<{ secret: string }>()
    await new Promise((resolve) => setTimeout(resolve, 1_050))
    expect((await hook(id, '{}', standardHeaders(secret, 'a', '{}'))).statusCode).toBe(202)
    expect((await hook(id, '{}', standardHeaders(rotated.secret, 'b', '{}'))).statusCode).toBe(202)
    const again = (await admin.post(`connections/${id}/rotate`, { overlapS: 0 })).json<{ secret: string }>()
    await new Promise((resolve) => setTimeout(resolve, 1_050))
    expect((await hook(id, '{}', standardHeaders(secret, 'c', '{}'))).statusCode).toBe(401)
    expect((await hook(id, '{}', standardHeaders(rotated.secret, 'd', '{}'))).statusCode).toBe(401)
    expect((await hook(id, '{}', standardHeaders(again.secret, 'e', '{}'))).statusCode).toBe(202)
    await admin.delete(`connections/${id}`)
    await new Promise((resolve) => setTimeout(resolve, 1_050))
    expect((await hook(id, '{}', standardHeaders(again.secret, 'f', '{}'))).statusCode).toBe(404)
  })
  test('Twilio-style: the form as it comes, the address as it is called', async () => {
    const { id, secret } = await connect('twilio')
    const form = 'b=2&a=1&c=%C3%A9'
    const signature = createHmac('sha1', secret)
      .update(`${PUBLIC_URL}/ingest/v1/webhooks/${id}?x=1a1b2cé`)
      .digest('base64')
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature }
    expect((await hook(id, form, headers, '?x=1')).statusCode).toBe(202)
    expect((await hook(id, form, headers, '?x=2')).statusCode).toBe(401)
    expect(Buffer.from((await messages()).at(-1)!.body).toString()).toBe(form)
  })
  test('shared header and basic', async () => {
    const shared = await connect('shared-header', { headerName: 'X-Meteo-Key' })
    const type = { 'content-type': 'text/csv' }
    expect((await hook(shared.id, 'a;b', { ...type, 'x-meteo-key': shared.secret })).statusCode).toBe(202)
    expect((await hook(shared.id, 'a;b', { ...type, 'x-meteo-key': 'wrong' })).statusCode).toBe(401)
    const unnamed = await connect('shared-header')
    expect(unnamed.headerName).toBe('X-Webhook-Secret')
    expect((await hook(unnamed.id, 'a;b', { ...type, 'x-webhook-secret': unnamed.secret })).statusCode).toBe(202)
    const basic = await connect('basic')
    const authorization = `Basic ${Buffer.from(`${basic.username}:${basic.secret}`).toString('base64')}`
    const binary = Buffer.from([0, 255, 1, 254])
    expect(
      (await hook(basic.id, binary, { 'content-type': 'application/octet-stream', authorization })).statusCode,
    ).toBe(202)
    expect(Buffer.from((await messages()).at(-1)!.body).equals(binary)).toBe(true)
    expect((await hook(basic.id, '', { authorization })).json()).toMatchObject({ code: 'malformed_body' })
  })
  test('a disabled connection takes nothing', async () => {
    const { id, secret } = await connect('standard-webhooks')
    await admin.patch(`connections/${id}`, { enabled: false })
    expect((await hook(id, '{}', standardHeaders(secret, 'x', '{}'))).statusCode).toBe(404)
  })
})

test('what comes in, goes on or is refused is counted', async () => {
  const { body } = await admin.get('/metrics')
  expect(body).toMatch(/helio_ingest_received_messages_total\{transport="http",vendor="native"\} \d+/)
  expect(body).toMatch(/helio_ingest_acknowledged_messages_total\{transport="[a-z]+",vendor="[a-z-]+"\} [1-9]/)
  expect(body).toMatch(/helio_ingest_rejected_messages_total\{reason="bad_signature"\} \d+/)
})
