/** What else the server answers: the page, the docs, the description of itself. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Client, createWorld, type World } from './world.ts'

let world: World
let dir: string
const client = () => new Client(world.app)

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'helio-page-'))
  // Shaped like adapter-node's: reads the body itself, believes the headers it was told to, sets its own policy on documents.
  const handler = `
    const { PROTOCOL_HEADER, HOST_HEADER, ADDRESS_HEADER } = process.env
    export async function handler(request, response, next) {
      if (request.url === '/none') return next()
      if (request.url === '/broken') return next(new Error('broken'))
      let body = ''
      for await (const chunk of request) body += chunk
      if (request.url === '/document') response.setHeader('content-security-policy', "script-src 'nonce-fresh'")
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ url: request.url, method: request.method, body,
        protocol: request.headers[PROTOCOL_HEADER], host: request.headers[HOST_HEADER], address: request.headers[ADDRESS_HEADER] }))
    }`
  await writeFile(join(dir, 'handler.mjs'), handler)
  world = await createWorld({ config: { page: join(dir, 'handler.mjs'), mapOrigins: ['https://tiles.test'] } })
})
afterAll(async () => {
  await world.stop()
  await rm(dir, { recursive: true, force: true })
})

describe('the page', () => {
  test('gets everything that is not the API, bodies unread', async () => {
    expect((await client().get('/')).json()).toMatchObject({ url: '/', method: 'GET' })
    const form = await world.app.inject({
      method: 'POST',
      url: '/sign-in?x=1',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'email=a&password=b',
    })
    expect(form.json()).toMatchObject({ url: '/sign-in?x=1', method: 'POST', body: 'email=a&password=b' })
  })
  test('is told where a request comes from by us, never by the client', async () => {
    const answer = await client().get('/', {
      host: 'heliograph.test',
      'x-helio-page-protocol': 'https',
      'x-helio-page-host': 'evil.test',
      'x-helio-page-address': '6.6.6.6',
      'x-forwarded-host': 'evil.test',
    })
    expect(answer.json()).toMatchObject({ protocol: 'http', host: 'heliograph.test', address: '127.0.0.1' })
  })
  test('has a strict policy that its own documents replace', async () => {
    const asset = (await client().get('/asset.js')).headers['content-security-policy'] as string
    expect(asset).toContain("default-src 'none'")
    expect(asset).toContain("script-src 'self'")
    expect(asset).toContain('https://tiles.test')
    expect(asset).not.toContain('unsafe')
    expect((await client().get('/document')).headers['content-security-policy']).toBe("script-src 'nonce-fresh'")
    expect((await client().get('/')).headers['x-content-type-options']).toBe('nosniff')
  })
  test('never answers for the API', async () => {
    for (const url of ['/api/v1/nowhere', '/api', '/ingest/v1/nowhere', '/api/v1/nowhere?x=1']) {
      for (const method of ['GET', 'POST'] as const) {
        const response = await client().request(method, url)
        expect([method, url, response.statusCode]).toEqual([method, url, 404])
        expect(response.json()).toMatchObject({ code: 'not_found' })
      }
    }
  })
  test('what it does not know or cannot do ends the request', async () => {
    expect((await client().get('/none')).statusCode).toBe(404)
    expect((await client().get('/broken')).statusCode).toBe(500)
  })
})

describe('the docs', () => {
  test('come from here alone, with a fresh nonce each time', async () => {
    const first = await client().get('/api/docs/')
    const nonce = /'nonce-([^']+)'/.exec(first.headers['content-security-policy'] as string)![1]!
    expect(first.body).toContain(`nonce="${nonce}"`)
    expect(first.body).not.toMatch(/https?:\/\/(?!www\.w3\.org)/)
    const second = await client().get('/api/docs/')
    expect(second.headers['content-security-policy']).not.toContain(nonce)
    expect((await client().get('/api/docs')).headers['location']).toBe('/api/docs/')
    expect((await client().get('/api/docs/js/scalar.js')).headers['content-type']).toContain('javascript')
    expect((await client().get('/api/docs/nothing')).json()).toMatchObject({ status: 404, code: 'not_found' })
  })
})

describe('the description', () => {
  interface Operation {
    summary?: string
    parameters?: { name: string; in: string }[]
    requestBody?: object
    responses: Record<string, object>
    security: object[]
  }
  test('is OpenAPI 3.1 and tells every route of the table, with what it takes', async () => {
    const document = (await client().get('openapi.json')).json<{
      openapi: string
      paths: Record<string, Record<string, Operation>>
    }>()
    expect(document.openapi).toBe('3.1.0')
    const described = new Set(
      Object.entries(document.paths).flatMap(([path, operations]) =>
        Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
      ),
    )
    const hidden = /^\/(api\/docs|healthz|readyz|metrics|\*|api\/v1\/(live|openapi\.json))|webhooks\/:connectionId\/\*/
    for (const { method, url } of world.app.routeTable) {
      if (method === 'HEAD' || hidden.test(url)) continue
      expect(described).toContain(`${method} ${url.replace(/:([A-Za-z]+)/g, '{$1}')}`)
    }
    for (const [path, operations] of Object.entries(document.paths))
      for (const [method, operation] of Object.entries(operations)) {
        expect([path, method, operation.summary]).toEqual([path, method, expect.any(String)])
        expect([path, method, Object.keys(operation.responses).length > 0]).toEqual([path, method, true])
      }
    expect(document.paths['/api/v1/series']!['get']!.parameters!.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['scope', 'metric', 'from', 'to', 'width', 'bucket']),
    )
    expect(JSON.stringify(document)).not.toContain('secretHash')
  })
})
