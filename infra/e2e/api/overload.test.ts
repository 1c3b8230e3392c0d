/** More than a process can answer at one time is refused at once, so that what it took is answered in time. */
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import type { LogPosition, LogProducer } from '@heliograph/crm-core/contracts'
import { type Client, createWorld, listening, seedTenant, signIn, type World } from './world.ts'

const AT_ONCE = 5

describe('overload', () => {
  let world: World
  let admin: Client
  let socketUrl: string
  let base: string
  let authorization: string
  /** A log that takes its time: answers come when the test says so. */
  const waiting: ((position: LogPosition) => void)[] = []
  const raw: LogProducer = {
    pendingBytes: 0,
    append: () => new Promise((resolve) => waiting.push(resolve)),
  }
  const release = (): void => {
    for (const resolve of waiting.splice(0)) resolve({ partition: 0, offset: 1 })
  }
  const send = (signal?: AbortSignal) =>
    fetch(`${base}/ingest/v1/readings`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: '{"device":"a","ts":1760000000000,"metrics":{"ac_power_w":1}}',
      ...(signal && { signal }),
    })
  const filled = async (abort?: AbortSignal): Promise<Promise<Response>[]> => {
    const sent = Array.from({ length: AT_ONCE }, () => send(abort))
    for (const each of sent) each.catch(() => undefined)
    await expect.poll(() => waiting.length).toBe(AT_ONCE)
    return sent
  }

  beforeAll(async () => {
    world = await createWorld({ limits: { requestsAtOnce: AT_ONCE }, deps: { raw } })
    const tenant = await seedTenant(world, 'sun')
    socketUrl = await listening(world)
    base = new URL(socketUrl).origin.replace('ws', 'http')
    admin = await signIn(world.app, tenant.adminEmail)
    const made = await admin.post('api-keys', { name: 'edge', scopes: ['ingest'] })
    authorization = `Bearer ${made.json<{ key: string }>().key}`
  })
  afterAll(() => world.stop())

  test('what is too much is told to come again; what was taken is answered, and there is room again', async () => {
    const taken = await filled()
    for (const path of ['/api/v1/sites', '/ingest/v1/readings', '/nowhere']) {
      const refused = await fetch(`${base}${path}`)
      expect(refused.status).toBe(503)
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(await refused.json()).toMatchObject({ status: 503, code: 'overloaded', instance: path })
    }
    expect(waiting).toHaveLength(AT_ONCE)
    release()
    expect((await Promise.all(taken)).map(({ status }) => status)).toEqual(taken.map(() => 202))
    expect((await admin.get('sites')).statusCode).toBe(200)
  })

  test('ten times as many are refused within moments, and those that were taken are none the worse', async () => {
    const taken = await filled()
    const began = performance.now()
    const statuses = await Promise.all(Array.from({ length: 10 * AT_ONCE }, async () => (await send()).status))
    expect(statuses).toEqual(statuses.map(() => 503))
    expect(performance.now() - began).toBeLessThan(5_000)
    release()
    expect((await Promise.all(taken)).map(({ status }) => status)).toEqual(taken.map(() => 202))
  })

  test('who looks after the process reaches it, and open sockets take no room', async () => {
    const sockets = Array.from({ length: AT_ONCE + 1 }, () => new WebSocket(socketUrl, { headers: admin.headers }))
    await Promise.all(sockets.map((socket) => once(socket, 'open')))
    const taken = await filled()
    for (const path of ['/healthz', '/readyz', '/metrics']) expect((await fetch(`${base}${path}`)).status).toBe(200)
    const metrics = await (await fetch(`${base}/metrics`)).text()
    expect(metrics).toContain(`helio_http_requests_under_way ${AT_ONCE}`)
    expect(metrics).toMatch(/helio_http_request_seconds_count\{route="\/ingest\/v1\/readings",status="503"\} \d/)
    release()
    await Promise.all(taken)
    for (const socket of sockets) socket.terminate()
  })

  test('who goes away without waiting makes room', async () => {
    const abort = new AbortController()
    const gone = await filled(abort.signal)
    abort.abort()
    expect((await Promise.allSettled(gone)).map(({ status }) => status)).toEqual(gone.map(() => 'rejected'))
    await expect.poll(async () => (await admin.get('sites')).statusCode).toBe(200)
    release()
  })
})
