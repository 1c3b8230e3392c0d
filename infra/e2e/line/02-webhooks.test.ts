/** Chapter 2: vendors that call, and programs that post. 202 is said when it is on disk; the same message again is one row. */
import { createHash, createHmac, randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Api, ConnectionMade, ReadingItem } from './api.ts'
import { Instance } from './instance.ts'
import { native } from './sender.ts'
import { until } from './until.ts'

type Headers = Record<string, string>
interface Call {
  path: string
  headers: Headers
}
interface Scheme {
  scheme: string
  headerName?: string
  /** How this scheme signs a body, with the right secret or another. */
  sign(instance: Instance, made: ConnectionMade, body: string, secret: string): Call
}

const schemes: Scheme[] = [
  {
    scheme: 'standard-webhooks',
    sign(_instance, made, body, secret) {
      const id = `msg_${createHash('sha256').update(body).digest('hex').slice(0, 12)}`
      const at = String(Math.floor(Date.now() / 1_000))
      const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
      const signature = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')
      return {
        path: made.id,
        headers: { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': `v1,${signature}` },
      }
    },
  },
  {
    scheme: 'twilio',
    sign(instance, made, body, secret) {
      const path = `${made.id}?bodySHA256=${createHash('sha256').update(body).digest('hex')}`
      const signature = createHmac('sha1', secret).update(`${instance.url}/ingest/v1/webhooks/${path}`).digest('base64')
      return { path, headers: { 'x-twilio-signature': signature } }
    },
  },
  {
    scheme: 'shared-header',
    headerName: 'X-Plant-Key',
    sign: (_instance, made, _body, secret) => ({ path: made.id, headers: { 'x-plant-key': secret } }),
  },
  {
    scheme: 'basic',
    sign: (_instance, made, _body, secret) => ({
      path: made.id,
      headers: { authorization: `Basic ${Buffer.from(`${made.username}:${secret}`).toString('base64')}` },
    }),
  },
]

describe('webhooks and posted readings', { timeout: 400_000 }, () => {
  let instance: Instance
  let api: Api
  let siteId: string
  beforeAll(async () => {
    instance = await Instance.start()
    api = await instance.api()
    siteId = await api.site()
  })
  afterAll(() => instance.remove())

  const post = (path: string, body: string | Buffer, headers: Headers) =>
    fetch(`${instance.url}/ingest/v1/${path}`, {
      method: 'POST',
      body: new Uint8Array(Buffer.from(body)),
      headers: { 'content-type': 'application/json', ...headers },
    })
  const stored = async (deviceId: string, from: number, count: number): Promise<ReadingItem[]> =>
    await until(`${count} readings`, async () => {
      const found = await api.readings(deviceId, from, from + 600_000)
      return found.length >= count && found
    })

  it.each(schemes)(
    'takes a webhook signed by $scheme, once, and refuses a wrong secret',
    async ({ scheme, headerName, sign }) => {
      const made = await api.connection({ transport: 'webhook', scheme, ...(headerName && { headerName }) })
      const from = Date.now() - 600_000
      const send = (body: string, secret = made.secret) => {
        const { path, headers } = sign(instance, made, body, secret)
        return post(`webhooks/${path}`, body, headers)
      }
      const body = native('hook-1', from, { ac_power_w: 111 })
      const wrong = made.secret.startsWith('whsec_')
        ? `whsec_${Buffer.from(randomUUID()).toString('base64')}`
        : randomUUID()
      expect((await send(body, wrong)).status).toBe(401)
      const first = await send(body)
      expect(first.status).toBe(202)
      expect(await first.json()).toEqual({ accepted: 1 })
      const deviceId = await api.claim(await api.unclaimed(made.id, 'hook-1'), siteId)
      // The sender did not hear us and calls again, three times at once.
      expect((await Promise.all([send(body), send(body), send(body)])).map(({ status }) => status)).toEqual([
        202, 202, 202,
      ])
      expect((await send(native('hook-1', from + 1_000, { ac_power_w: 222 }))).status).toBe(202)
      await stored(deviceId, from, 2)
      await api.drained()
      expect((await api.readings(deviceId, from, from + 600_000)).map(({ metrics }) => metrics['ac_power_w'])).toEqual([
        111, 222,
      ])
    },
  )

  it('refuses to make a connection by poll, which nothing serves yet', async () => {
    const answer = await api.ask<{ code: string; errors: { path: string; message: string }[] }>(
      'POST',
      '/connections',
      { name: 'Later', transport: 'poll', vendor: 'native' },
    )
    expect(answer.body).toMatchObject({
      code: 'invalid_fields',
      errors: [{ path: 'transport', message: 'is one of mqtt, webhook, broker' }],
    })
    expect(answer.status).toBeLessThan(500)
    expect(await api.all('/connections?transport=poll')).toEqual([])
  })

  it('takes one reading, a list, lines, and any of them packed', async () => {
    const { key } = await api.post<{ key: string }>('/api-keys', { name: 'bridge', scopes: ['ingest'] })
    const from = Date.now() - 600_000
    const one = (index: number) => native('posted', from + index * 1_000, { ac_power_w: index })
    const authorization = `Bearer ${key}`
    const lines = { authorization, 'content-type': 'application/x-ndjson' }
    const calls: [number, string | Buffer, Headers][] = [
      [1, one(0), { authorization }],
      [3, `[${one(1)},${one(2)},${one(3)}]`, { authorization }],
      [2, `${one(4)}\n${one(5)}\n`, lines],
      [2, gzipSync(`[${one(6)},${one(7)}]`), { authorization, 'content-encoding': 'gzip' }],
      [2, gzipSync(`${one(8)}\n${one(9)}`), { ...lines, 'content-encoding': 'gzip' }],
      // A good container with a bad item.
      [2, `[${one(10)},{"device":"posted","ts":1,"metrics":{"ac_power_w":"lots"}}]`, { authorization }],
    ]
    for (const [accepted, body, headers] of calls) {
      const answer = await post('readings', body, headers)
      expect(answer.status).toBe(202)
      expect(await answer.json()).toEqual({ accepted })
    }
    const [item] = await until('the device', async () => {
      const found = (
        await api.all<{ id: string; connectionId: string; externalId: string; messages: number }>('/unclaimed')
      ).filter(({ externalId }) => externalId === 'posted')
      return found.length > 0 && found[0]!.messages >= 11 && found
    })
    const deviceId = await api.claim(item!, siteId)
    const found = await stored(deviceId, from, 11)
    expect(found.map(({ metrics }) => metrics['ac_power_w'])).toEqual(Array.from({ length: 11 }, (_, index) => index))
    const letters = await until('the dead letter', async () => {
      const all = await api.all<{ reason: string; connectionId: string }>(
        `/dead-letters?connectionId=${item!.connectionId}`,
      )
      return all.length > 0 && all
    })
    expect(letters.map(({ reason }) => reason)).toEqual(['invalid-field'])
  })

  it('refuses what is no container, has no key, or is too large when unpacked', async () => {
    const { key } = await api.post<{ key: string }>('/api-keys', { name: 'bridge', scopes: ['ingest'] })
    const { key: reader } = await api.post<{ key: string }>('/api-keys', { name: 'reader', scopes: ['read'] })
    const authorization = `Bearer ${key}`
    const status = async (body: string | Buffer, headers: Headers) => (await post('readings', body, headers)).status
    expect(await status('{', { authorization })).toBe(400)
    expect(await status('7', { authorization })).toBe(400)
    expect(await status(Buffer.from([0xff, 0xfe, 0x7b]), { authorization })).toBe(400)
    expect(await status('{}', {})).toBe(401)
    expect(await status('{}', { authorization: 'Bearer helio_not-a-key' })).toBe(401)
    expect(await status('{}', { authorization: `Bearer ${reader}` })).toBe(403)
    expect(await status('not gzip', { authorization, 'content-encoding': 'gzip' })).toBe(400)
    const bomb = gzipSync(Buffer.alloc(300 * 1024 * 1024, 0x20), { level: 9 })
    expect(await status(bomb, { authorization, 'content-encoding': 'gzip' })).toBe(413)
    // Answered before all of it is sent, and not read to its end: the sender may hear the answer or find the line cut.
    const flood = await status(Buffer.alloc(20 * 1024 * 1024, 0x20), { authorization }).catch(() => 'cut')
    expect([413, 'cut']).toContain(flood)
    expect(await status('[]', { authorization })).toBe(202)
  })
})
