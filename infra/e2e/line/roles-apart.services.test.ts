/**
 * Roles as processes of their own on shared engines: two edges, two workers, one API. One of each is killed under load; what was
 * acknowledged is stored, once.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { needService, ownService } from '../../services/for-tests.ts'
import { createTestDatabases } from '../../src/crm/mysql-databases.ts'
import type { TestDatabase } from '../../src/crm/open-for-test.ts'
import { freePort } from '../../src/process/free-port.ts'
import { startTestClickhouse, type TestClickhouse } from '../../src/warehouse/clickhouse-server.fixture.ts'
import { Api } from './api.ts'
import { type Balancer, startBalancer } from './balancer.ts'
import { makeBucket } from './bucket.ts'
import { claimed } from './claimed.ts'
import { expectConserved } from './conserved.ts'
import { ADMIN, type Instance } from './instance.ts'
import { RoleProcess } from './roles.ts'
import { connect, Load, native, publish } from './sender.ts'
import { lagOf, lags, sharesOfRaw } from './takeover.ts'
import { until } from './until.ts'

const minio = (await needService('minio')).url()
const kafka = new URL((await needService('kafka')).url())

interface Part {
  name: string
  state: string
  detail?: string
}

/** Promised are ten seconds until the work of a killed worker is done by another, and thirty until nothing is late any more. */
const [TAKEN_MS, CAUGHT_UP_MS] = [5 * 10_000, 5 * 30_000]
/** A worker that cannot renew its lease ends itself before this is over. */
const LEASE_MS = 7_500
/** Whoever looks at moving offsets sees a few messages on their way. */
const LAG_OF_A_LOOK = 100

/** A page's live socket, and what it was told. */
function socketAt(url: string, headers: Record<string, string>) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/live`, { headers: { ...headers, origin: url } })
  type Update = { key: string; ts: string; value: unknown }
  const frames: { type: string; data: Update[] }[] = []
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString()) as (typeof frames)[number]))
  socket.on('error', () => undefined)
  return {
    closed: new Promise<number>((resolve) => socket.once('close', resolve)),
    async subscribe(topic: string) {
      if (socket.readyState !== WebSocket.OPEN) await once(socket, 'open')
      socket.send(JSON.stringify({ type: 'subscribe', id: 'a', topic }))
      await until('the snapshot', () => frames.some(({ type }) => type === 'snapshot'))
    },
    /** Each change as it was told, of this key. */
    updates: (key: string): string[] =>
      frames
        .filter(({ type }) => type === 'update')
        .flatMap(({ data }) => data.filter((update) => update.key === key).map((update) => JSON.stringify(update))),
    isOpen: () => socket.readyState === WebSocket.OPEN,
    end: () => socket.terminate(),
  }
}

describe('roles apart', { timeout: 400_000, retry: 0 }, () => {
  const name = `roles-${randomUUID().slice(0, 8)}`
  const processes: RoleProcess[] = []
  let redis: Awaited<ReturnType<typeof ownService>>
  let mariadb: Awaited<ReturnType<typeof ownService>>
  let databases: ReturnType<typeof createTestDatabases>
  let clickhouse: TestClickhouse
  let database: TestDatabase
  let env: Record<string, string>
  let httpPort: number
  let edgePorts: number[]
  let api: RoleProcess
  let edges: RoleProcess[]
  let workers: RoleProcess[]
  let balancer: Balancer
  const made = (role: RoleProcess['name'], more: Record<string, string> = {}): RoleProcess => {
    const process = new RoleProcess(role, { ...env, ...more })
    processes.push(process)
    return process
  }
  /** What the helpers of whole instances ask for. */
  const through = (edge: number) =>
    ({ url: `http://127.0.0.1:${httpPort}`, mqttUrl: `mqtt://127.0.0.1:${edgePorts[edge]}` }) as Instance
  /** As devices are told: one address, whichever edge answers. */
  const balanced = () =>
    ({ url: `http://127.0.0.1:${httpPort}`, mqttUrl: `mqtt://127.0.0.1:${balancer.port}` }) as Instance
  const signIn = () => until('the API', () => Api.signIn(`http://127.0.0.1:${httpPort}`, ADMIN))

  beforeAll(async () => {
    ;[redis, mariadb] = await Promise.all([ownService('redis'), ownService('mariadb')])
    databases = createTestDatabases(mariadb.url())
    clickhouse = await startTestClickhouse()
    database = await databases.openNew()
    httpPort = await freePort()
    edgePorts = [await freePort(), await freePort()]
    balancer = await startBalancer(edgePorts)
    kafka.pathname = `/${name}`
    env = {
      HELIO_LOG_URL: kafka.href,
      HELIO_CRM_URL: database.url,
      HELIO_LIVE_URL: `${redis.url()}?prefix=${name}`,
      HELIO_WAREHOUSE_URL: clickhouse.url(),
      HELIO_FILES_URL: await makeBucket(minio, name),
      HELIO_HTTP_PORT: String(httpPort),
    }
    api = made('api')
    await api.start()
    edges = edgePorts.map((port) => made('ingest', { HELIO_MQTT_PORT: String(port) }))
    workers = [made('stream'), made('stream')]
    await Promise.all([...edges, ...workers].map((each) => each.start()))
  })
  afterAll(async () => {
    await Promise.all(processes.map((each) => each.remove()))
    await balancer?.stop()
    await clickhouse.stop()
    await database.remove()
    await databases.end()
    await Promise.all([redis.remove(), mariadb.remove()])
  })

  it('has one worker at work and one standing by, and both decode their share', async () => {
    await until('a worker at work', () => workers.some((each) => each.isAtWork), 90_000)
    expect(workers.filter((each) => each.isAtWork)).toHaveLength(1)
    const shares = await until('both to decode', async () => {
      const found = await sharesOfRaw(kafka)
      return found.length === 2 && found.every((share) => share > 0) ? found : undefined
    })
    expect(Math.abs(shares[0]! - shares[1]!)).toBeLessThanOrEqual(1)
    const client = await signIn()
    const parts = await until('both edges to be told of', async () => {
      const found = (await client.get<{ parts: Part[] }>('/status')).parts
      return found.some(({ name: part, detail }) => part === 'mqtt' && detail === '2 processes') ? found : undefined
    })
    expect(parts.filter(({ state }) => state !== 'ok')).toEqual([])
    expect(parts.map(({ name: part }) => part)).toEqual(expect.arrayContaining(['mqtt', 'decode', 'store', 'live bus']))
    expect((await fetch(`http://127.0.0.1:${httpPort}/readyz`)).status).toBe(200)
  })

  it('stores all that both edges acknowledged, once, with one of each killed', async () => {
    let client = await signIn()
    const connection = await client.connection()
    const siteId = await client.site()
    const devices = await Promise.all(
      [0, 1].map((edge) => claimed(through(edge), client, { connection, siteId }, `edge-${edge}`)),
    )
    const loads = [0, 1].map((edge) =>
      new Load({
        instance: through(edge),
        connection,
        device: `edge-${edge}`,
        firstTs: Date.now() - 3_600_000,
        // What the line can carry with room to spare.
        inFlight: 5,
      }).start(),
    )
    await sleep(1_500)
    const normal = Math.max(...(await lags(client, 3_000)), LAG_OF_A_LOOK)
    const worker = workers.find((each) => each.isAtWork)!
    const other = workers.find((each) => each !== worker)!
    await worker.end('SIGKILL')
    await Promise.all([
      until('the other worker to take over', () => other.isAtWork, TAKEN_MS),
      until('the other one to decode everything', async () => (await sharesOfRaw(kafka)).length === 1, TAKEN_MS),
    ])
    await until('a lag as before', async () => ((await lagOf(client)) ?? Infinity) <= normal, CAUGHT_UP_MS)
    await edges[0]!.end('SIGKILL')
    await Promise.all([edges[0]!.start(), worker.start()])
    await api.end('SIGKILL')
    await api.start()
    const before = loads.map(({ acknowledged }) => acknowledged.size)
    await until('more acknowledgements of both', () =>
      loads.every(({ acknowledged }, edge) => acknowledged.size > Math.max(100, before[edge]! + 20)),
    )
    for (const load of loads) await load.stop()
    client = await signIn()
    await client.drained()
    for (const [edge, load] of loads.entries())
      expectConserved(load, await client.readings(devices[edge]!, load.range.from, load.range.to))
  })

  it('claims devices while they stream in through both decoders, and parks nothing of them', async () => {
    const client = await signIn()
    const siteId = await client.site()
    const decoded = async () => (await client.metrics()).sum('helio_decode_messages_total')
    const decodedBefore = await decoded()
    // A connection each: their records lie in different partitions.
    const devices = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        const connection = await client.connection()
        const device = `streaming-${index}`
        const load = new Load({
          instance: through(index % 2),
          connection,
          device,
          firstTs: Date.now() - 3_600_000,
          inFlight: 3,
        }).start()
        return { connection, device, load }
      }),
    )
    const ids = await Promise.all(
      devices.map(async ({ connection, device }) =>
        client.claim(await client.unclaimed(connection.id, device), siteId),
      ),
    )
    const before = devices.map(({ load }) => load.acknowledged.size)
    await until('more of all of them', () =>
      devices.every(({ load }, index) => load.acknowledged.size > before[index]! + 200),
    )
    for (const { load } of devices) await load.stop()
    await client.drained()
    for (const [index, { load, connection }] of devices.entries()) {
      const { from, to } = load.range
      await until('all of it to be replayed', async () => {
        const found = await client.readings(ids[index]!, from, to)
        return found.length >= load.acknowledged.size
      })
      expectConserved(load, await client.readings(ids[index]!, from, to))
      expect(await client.all(`/unclaimed?connectionId=${connection.id}`)).toEqual([])
    }
    // Counted by two processes, told as one.
    const sent = devices.reduce((sum, { load }) => sum + load.acknowledged.size, 0)
    expect((await decoded()) - decodedBefore).toBeGreaterThanOrEqual(sent)
  })

  it('is restarted role by role under load: no request fails for good, and nothing is lost', async () => {
    let client = await signIn()
    const connection = await client.connection()
    const siteId = await client.site()
    const devices = await Promise.all(
      [0, 1].map((edge) => claimed(through(edge), client, { connection, siteId }, `rolling-${edge}`)),
    )
    const loads = [0, 1].map((edge) =>
      new Load({
        instance: through(edge),
        connection,
        device: `rolling-${edge}`,
        firstTs: Date.now() - 3_600_000,
      }).start(),
    )
    let asked = 0
    let over = false
    // As a page does it: again for a while, and signed in all the time.
    const asking = (async () => {
      for (; !over; asked++) {
        await until('an answer', () => client.get(`/sites/${siteId}`), 60_000, 250)
        await sleep(20)
      }
    })()
    for (const role of [...edges, ...workers, api]) {
      const { code, ms } = await role.end()
      expect([role.name, code]).toEqual([role.name, 0])
      expect(ms).toBeLessThan(10_000)
      await role.start()
      const before = loads.map(({ acknowledged }) => acknowledged.size)
      await until('more acknowledgements of both', () =>
        loads.every(({ acknowledged }, edge) => acknowledged.size > before[edge]! + 20),
      )
    }
    over = true
    await asking
    for (const load of loads) await load.stop()
    client = await signIn()
    await client.drained()
    for (const [edge, load] of loads.entries())
      expectConserved(load, await client.readings(devices[edge]!, load.range.from, load.range.to))
    expect(asked).toBeGreaterThan(20)
  })

  it('cuts a revoked connection at every edge', async () => {
    const client = await signIn()
    const connection = await client.connection()
    const devices = await Promise.all([0, 1].map((edge) => connect(through(edge), connection)))
    const closed = Promise.all(
      devices.map((device) => new Promise<void>((resolve) => device.once('close', () => resolve()))),
    )
    await client.remove(`/connections/${connection.id}`)
    expect(await Promise.race([closed.then(() => 'closed'), sleep(20_000, 'still open')])).toBe('closed')
    for (const device of devices) await device.endAsync(true)
    for (const edge of [0, 1]) await expect(connect(through(edge), connection)).rejects.toThrow()
  })

  it('a device that comes again through a balancer has one session, at the edge where it is now', async () => {
    const client = await signIn()
    const connection = await client.connection()
    const options = {
      clientId: 'logger',
      will: { topic: 'readings', payload: Buffer.from(native('gone', Date.now(), { ac_power_w: 1 })), qos: 1 as const },
    }
    const old = await connect(balanced(), connection, options)
    const other = await connect(balanced(), connection, { clientId: 'other' })
    const left = new Promise<void>((resolve) => old.once('close', () => resolve()))
    // In turn: the first, the second, the first, and so the fourth is not where the logger was.
    const between = await connect(balanced(), connection, { clientId: 'between' })
    const now = await connect(balanced(), connection, options)
    expect(await Promise.race([left.then(() => 'closed'), sleep(10_000, 'still open')])).toBe('closed')
    for (const device of [other, between, now]) await publish(device, native('here', Date.now(), { ac_power_w: 2 }))
    await client.unclaimed(connection.id, 'here')
    await client.drained()
    const heard = await client.all<{ externalId: string }>(`/unclaimed?connectionId=${connection.id}`)
    expect(heard.map(({ externalId }) => externalId)).toEqual(['here'])
    const closed = Promise.all(
      [other, between, now].map((device) => new Promise<void>((resolve) => device.once('close', () => resolve()))),
    )
    await client.remove(`/connections/${connection.id}`)
    expect(await Promise.race([closed.then(() => 'closed'), sleep(20_000, 'still open')])).toBe('closed')
    for (const device of [old, other, between, now]) await device.endAsync(true)
  })

  it('devices go on at the other edge when theirs is killed and stays away', async () => {
    const client = await signIn()
    const connection = await client.connection()
    const siteId = await client.site()
    const names = ['moves-0', 'moves-1', 'moves-2', 'moves-3']
    const devices = await Promise.all(
      names.map((device) => claimed(balanced(), client, { connection, siteId }, device)),
    )
    const loads = names.map((device) =>
      new Load({ instance: balanced(), connection, device, firstTs: Date.now() - 3_600_000 }).start(),
    )
    await until('acknowledgements of all', () => loads.every(({ acknowledged }) => acknowledged.size > 100))
    await edges[0]!.end('SIGKILL')
    const before = loads.map(({ acknowledged }) => acknowledged.size)
    await until('more acknowledgements of all', () =>
      loads.every(({ acknowledged }, index) => acknowledged.size > before[index]! + 100),
    )
    for (const load of loads) await load.stop()
    await edges[0]!.start()
    await client.drained()
    for (const [index, load] of loads.entries())
      expectConserved(load, await client.readings(devices[index]!, load.range.from, load.range.to))
  })

  describe('with two API processes', () => {
    let second: RoleProcess
    let secondPort: number
    const base = (at: 'first' | 'second'): string => `http://127.0.0.1:${at === 'first' ? httpPort : secondPort}`
    const at = (which: 'first' | 'second') => until('the API', () => Api.signIn(base(which), ADMIN))
    beforeAll(async () => {
      secondPort = await freePort()
      second = made('api', { HELIO_HTTP_PORT: String(secondPort) })
      await second.start()
    })
    afterAll(() => second.end())

    it('writes one row of the audit trail for one refusal', async () => {
      const client = await at('first')
      const connection = await client.connection()
      const refused = { ...connection, secret: 'not the secret' }
      await expect(connect(through(0), refused)).rejects.toThrow()
      const rows = async () =>
        (await client.all<{ action: string; resourceId: string | null }>('/audit')).filter(
          ({ action, resourceId }) => action.startsWith('denied:mqtt.') && resourceId === connection.id,
        )
      await until('a row', async () => (await rows()).length > 0)
      // Time for another process to write it too.
      await sleep(2_000)
      expect(await rows()).toHaveLength(1)
    })

    it('counts wrong passwords of both: who guesses at one and then at the other is stopped', async () => {
      const email = `guessed-${randomUUID().slice(0, 8)}@line.test`
      const guess = async (which: 'first' | 'second') =>
        (
          await fetch(`${base(which)}/api/v1/auth/login`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ email, password: 'not the password' }),
          })
        ).status
      for (let tries = 0; tries < 5; tries++) expect([await guess('first'), await guess('second')]).toEqual([401, 401])
      // A moment for the last of them to be told.
      await sleep(500)
      expect([await guess('first'), await guess('second')]).toEqual([429, 429])
    })

    it('tells each change once on each socket, and cuts the socket at one where its session ends at the other', async () => {
      const [first, other] = [await at('first'), await at('second')]
      const connection = await first.connection()
      const siteId = await first.site()
      const deviceId = await claimed(through(0), first, { connection, siteId }, 'told once')
      // The same session at both.
      const sockets = [base('first'), base('second')].map((url) => socketAt(url, first.headers))
      const bystander = socketAt(base('second'), other.headers)
      await Promise.all([...sockets, bystander].map((socket) => socket.subscribe(`device:${deviceId}`)))
      const device = await connect(through(0), connection)
      const begins = Date.now()
      const steps = 5
      for (let step = 0; step < steps; step++) {
        await publish(device, native('told once', begins + step * 1_000, { ac_power_w: 1_000 + step }))
        await sleep(700)
      }
      await device.endAsync()
      for (const socket of sockets) {
        const told = () => socket.updates(`device:${deviceId}`)
        for (let step = 0; step < steps; step++)
          await until(`${1_000 + step} to be told`, () =>
            told().some((update) => update.includes(String(1_000 + step))),
          )
        await sleep(1_000)
        expect(told()).toEqual([...new Set(told())])
      }
      await first.post('/auth/logout', {})
      for (const socket of sockets) expect(await Promise.race([socket.closed, sleep(10_000, 'still open')])).toBe(4401)
      expect(bystander.isOpen()).toBe(true)
      bystander.end()
    })
  })

  const readyz = async () => {
    const answer = await fetch(`http://127.0.0.1:${httpPort}/readyz`)
    const { status, parts } = (await answer.json()) as { status: string; parts: Part[] }
    return { code: answer.status, status, state: Object.fromEntries(parts.map((part) => [part.name, part.state])) }
  }
  const isReady = () => until('ready again', async () => (await readyz()).status === 'ready', 120_000)

  it('says that the live bus is away, and calls nobody dead, while Redis is', async () => {
    await isReady()
    await redis.kill()
    const found = await until('the live bus to be missed', async () => {
      const now = await readyz()
      return now.state['live bus'] === 'ok' ? undefined : now
    })
    expect(found).toMatchObject({
      code: 200,
      status: 'degraded',
      state: { 'live bus': 'degraded', crm: 'ok', log: 'ok' },
    })
    expect(Object.entries(found.state).filter(([, state]) => state === 'down')).toEqual([])
    await redis.start()
    await isReady()
  })

  it('names the CRM while its database is away, says that it can serve nobody when that lasts, and recovers', async () => {
    for (const each of workers) each.keep()
    await mariadb.kill()
    try {
      const short = await until('the CRM to be missed', async () => {
        const now = await readyz()
        return now.state['crm'] === 'ok' ? undefined : now
      })
      expect(short).toMatchObject({ state: { crm: 'down', events: 'down', log: 'ok', files: 'ok', warehouse: 'ok' } })
      const long = await until('503', async () => {
        const now = await readyz()
        return now.code === 503 ? now : undefined
      })
      expect(long).toMatchObject({ status: 'unavailable', state: { crm: 'down', log: 'ok' } })
    } finally {
      await mariadb.start()
    }
    await isReady()
    // One that could not renew its lease ends itself, at the latest so long after its last word with the database, and comes again.
    await sleep(LEASE_MS)
    await until('both workers', () => workers.every((each) => each.isAtWork || each.isStandingBy), 90_000)
  })

  it('ends each with 0 within ten seconds', async () => {
    for (const each of [...edges, ...workers, api]) {
      const { code, signal, ms } = await each.end()
      expect([each.name, code, signal], each.output).toEqual([each.name, 0, null])
      expect(ms).toBeLessThan(10_000)
    }
  })

  it('refuses an engine that cannot be shared, one line each', async () => {
    const alone = made('stream', { HELIO_LOG_URL: 'lmdb:', HELIO_CRM_URL: 'file:/tmp/never.sqlite' })
    const [code] = (await once(alone.spawn(), 'close')) as [number]
    expect(code).toBe(1)
    expect(alone.output.trim().split('\n')).toEqual([
      expect.stringMatching(
        /^HELIO_LOG_URL: a role of its own needs an engine that several processes share, such as kafka:/,
      ),
      expect.stringMatching(/^HELIO_CRM_URL: a role of its own needs/),
    ])
  })
})
