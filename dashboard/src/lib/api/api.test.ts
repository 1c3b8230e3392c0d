import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { address } from './address.ts'
import { ApiClient } from './client.ts'
import { ApiError, errorFromAnswer } from './problem.ts'

let server: Server
let base = ''
let answer: (request: IncomingMessage, body: string, response: ServerResponse) => void
beforeAll(async () => {
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (part: Buffer) => (body += part.toString()))
    request.on('end', () => answer(request, body, response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const bound = server.address()
  base = typeof bound === 'object' && bound ? `http://127.0.0.1:${String(bound.port)}` : ''
})
afterAll(() => server.close())

const client = (signInAgain: () => Promise<boolean> = () => Promise.resolve(false)) =>
  new ApiClient({ fetch: (input, init) => fetch(`${base}${String(input as string)}`, init), signInAgain })
const json = (response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(value))
}

it('addresses leave out what is absent and repeat what is a list', () => {
  expect(address('/series', { scope: 'site:a', metric: ['x', 'y'], q: '', cursor: null, open: false, limit: 5 })).toBe(
    '/api/v1/series?scope=site%3Aa&metric=x&metric=y&open=false&limit=5',
  )
})

describe('the client', () => {
  it('carries ETags there and back', async () => {
    let sent: string | undefined
    answer = (request, body, response) => {
      sent = request.headers['if-match']
      json(response, 200, body === '' ? { a: 1 } : JSON.parse(body), { etag: '"v2"' })
    }
    expect(await client().getTagged('/x')).toEqual({ data: { a: 1 }, etag: '"v2"' })
    expect(await client().patch('/x', { a: 2 }, '"v1"')).toEqual({ data: { a: 2 }, etag: '"v2"' })
    expect(sent).toBe('"v1"')
  })
  it('turns problems into errors with code, fields and time to wait', async () => {
    answer = (_request, _body, response) =>
      json(
        response,
        422,
        {
          type: 'about:blank',
          title: 'Some fields are not valid',
          status: 422,
          code: 'invalid_fields',
          errors: [{ path: 'name', message: 'is too long' }],
        },
        { 'retry-after': '7' },
      )
    const error = await client()
      .post('/x', {})
      .catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({
      code: 'invalid_fields',
      status: 422,
      message: 'Some fields are not valid',
      retryAfterS: 7,
    })
    expect((error as ApiError).field('name')).toBe('is too long')
  })
  it('waits for signing in and sends the same request once more, with the same key', async () => {
    const seen: string[] = []
    answer = (request, body, response) => {
      seen.push(`${String(request.headers['idempotency-key'])} ${body}`)
      if (seen.length === 1) json(response, 401, { code: 'not_signed_in', title: 'Sign in first', status: 401 })
      else json(response, 201, { id: 'made' })
    }
    let asked = 0
    const made = await client(() => {
      asked++
      return Promise.resolve(true)
    }).post('/tickets', { subject: 'typed with care' })
    expect(made).toEqual({ id: 'made' })
    expect(asked).toBe(1)
    expect(seen).toHaveLength(2)
    expect(seen[0]).toBe(seen[1])
  })
  it('fails when the person leaves instead, and never asks for signing in itself', async () => {
    answer = (_request, _body, response) =>
      json(response, 401, { code: 'wrong_credentials', title: 'Email or password is wrong', status: 401 })
    let asked = 0
    const asking = client(() => {
      asked++
      return Promise.resolve(false)
    })
    await expect(asking.post('/auth/login', {}, { anonymous: true })).rejects.toMatchObject({
      code: 'wrong_credentials',
    })
    expect(asked).toBe(0)
    answer = (_request, _body, response) =>
      json(response, 401, { code: 'not_signed_in', title: 'Sign in first', status: 401 })
    await expect(asking.get('/x')).rejects.toMatchObject({ code: 'not_signed_in' })
    expect(asked).toBe(1)
  })
  it('reads every page and stops at its bound', async () => {
    answer = (request, _body, response) => {
      const cursor = Number(new URL(request.url ?? '', 'http://x').searchParams.get('cursor') ?? 0)
      json(response, 200, { items: [cursor], nextCursor: String(cursor + 1) })
    }
    const items: number[] = []
    for await (const page of client().pages<number>('/x', {}, new AbortController().signal, 5)) items.push(...page)
    expect(items).toEqual([0, 1, 2, 3, 4])
  })
  it('takes empty answers and tells unreadable ones', async () => {
    answer = (_request, _body, response) => response.writeHead(204).end()
    expect(await client().post('/x')).toBeUndefined()
    answer = (_request, _body, response) => response.end('<html>')
    await expect(client().get('/x')).rejects.toMatchObject({ code: 'unreadable' })
  })
  it('says when nobody answers', async () => {
    const nobody = new ApiClient({
      fetch: () => Promise.reject(new TypeError('fetch failed')),
      signInAgain: () => Promise.resolve(false),
    })
    await expect(nobody.get('/x')).rejects.toMatchObject({ code: 'offline', status: 0 })
  })
})

it('an answer that is not of the API still gets a code and plain words', () => {
  expect(errorFromAnswer(503, '<html>nginx</html>', '5')).toMatchObject({ code: 'unavailable', retryAfterS: 5 })
  expect(errorFromAnswer(429, '', '12').message).toContain('12 s')
  expect(errorFromAnswer(500, '', null).code).toBe('internal')
})
