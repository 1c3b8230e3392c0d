import { gunzipSync } from 'node:zlib'
import fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { acceptsGzip, registerCompression } from './compress.ts'

const LONG = { items: Array.from({ length: 500 }, (_, at) => ({ at, name: 'a site' })) }

describe('answers', () => {
  let app: FastifyInstance
  beforeAll(async () => {
    app = fastify()
    registerCompression(app)
    app.get('/long', () => LONG)
    app.get('/short', () => ({ ok: true }))
    app.post('/long', () => LONG)
    await app.ready()
  })
  afterAll(() => app.close())
  const headers = { 'accept-encoding': 'br, gzip' }

  test('of many rows come packed to who can unpack them', async () => {
    const answer = await app.inject({ url: '/long', headers })
    expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' })
    expect(Number(answer.headers['content-length'])).toBe(answer.rawPayload.length)
    expect(answer.rawPayload.length).toBeLessThan(JSON.stringify(LONG).length / 4)
    expect(JSON.parse(gunzipSync(answer.rawPayload).toString())).toEqual(LONG)
  })
  test.each([
    ['to who did not ask for it', { url: '/long' }],
    ['where they are short', { url: '/short', headers }],
    ['of a change, whose length must tell nothing', { method: 'POST' as const, url: '/long', headers }],
  ])('stay as they are %s', async (_name, asked) => {
    const answer = await app.inject(asked)
    expect(answer.headers).not.toHaveProperty('content-encoding')
    expect(() => answer.json<unknown>()).not.toThrow()
  })
  test.each([
    ['gzip', true],
    ['deflate, gzip;q=0.5', true],
    ['*', true],
    ['gzip;q=0', false],
    ['gzip; q=0.0, br', false],
    ['br', false],
    [undefined, false],
  ])('are packed for %s: %s', (accepted, packed) => expect(acceptsGzip(accepted)).toBe(packed))
})
