import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Redis } from 'ioredis'
import type { LiveBus, LiveValue } from '@heliograph/crm-core/contracts'
import { startBalancer } from '../../e2e/line/balancer.ts'
import { needService, ownService } from '../../services/for-tests.ts'
import { freePort } from '../process/free-port.ts'
import { describeLive } from './live.conformance.ts'
import { checkRedis } from './redis-connection.ts'
import { createRedisLive } from './redis.ts'

const shared = (await needService('redis')).url()
const at = (url: string, prefix: string): URL => new URL(`${url}?prefix=${prefix}`)

describeLive('Redis', () => createRedisLive(at(shared, `test-${randomUUID().slice(0, 8)}`)))

const value = (key: string, ts: number, content: unknown = ts, tenantId = 'a'): LiveValue => ({
  key,
  ts,
  tenantId,
  value: content,
})

describe('live values of several processes', { timeout: 60_000 }, () => {
  let redis: Awaited<ReturnType<typeof ownService>>
  const buses: LiveBus[] = []
  let prefix: string
  beforeAll(async () => {
    redis = await ownService('redis')
  })
  afterAll(() => redis.remove())
  afterEach(async () => {
    for (const bus of buses.splice(0)) await bus.stop()
  })
  const open = async (fresh = buses.length === 0, url = redis.url()): Promise<LiveBus> => {
    if (fresh) prefix = `p${randomUUID().slice(0, 8)}`
    const bus = createRedisLive(at(url, prefix))
    buses.push(bus)
    await bus.start()
    return bus
  }
  const admin = async <R>(work: (client: Redis) => Promise<R>, url = redis.url()): Promise<R> => {
    const client = new Redis(url, { protocol: 2 })
    try {
      return await work(client)
    } finally {
      client.disconnect()
    }
  }
  const seen = (bus: LiveBus, key: string) => expect.poll(() => bus.get(key)?.value, { timeout: 15_000 })

  it('are heard by all of them once, and known to who starts later', async () => {
    const [one, two] = [await open(), await open()]
    const heard: unknown[] = []
    two.subscribe((values) => heard.push(...values.map((each) => each.value)))
    one.publish([value('device:1', 1, 'x'), value('device:2', 1, 'theirs', 'b')])
    await seen(two, 'device:1').toBe('x')
    one.publish([value('device:1', 2, 'y')])
    await seen(two, 'device:1').toBe('y')
    expect(heard).toEqual(['x', 'theirs', 'y'])
    const three = await open()
    expect(three.get('device:1')?.value).toBe('y')
    expect(three.list('a', 'device:')).toHaveLength(1)
  })

  it('stay the newest, whichever process comes last with an older one', async () => {
    const [one, two] = [await open(), await open()]
    one.publish([value('device:1', 100, 'new')])
    await seen(two, 'device:1').toBe('new')
    const three = createRedisLive(at(redis.url(), prefix))
    buses.push(three)
    // Before it has heard of the newer one.
    three.publish([value('device:1', 50, 'old')])
    await three.start()
    await seen(three, 'device:1').toBe('new')
    expect((await open()).get('device:1')?.value).toBe('new')
  })

  it('are given again to a server that lost them by FLUSHALL', async () => {
    const [one, two] = [await open(), await open()]
    one.publish([value('device:1', 1, 'kept'), value('site:1', 1, 'kept too')])
    await seen(two, 'site:1').toBe('kept too')
    await admin((client) => client.flushall())
    await expect.poll(() => admin((client) => client.hlen(`${prefix}:live`)), { timeout: 15_000 }).toBe(2)
    const three = await open()
    expect(three.list('a', '')).toHaveLength(2)
  })

  it('go on within each process while the server is down, and meet again when it is back', async () => {
    const [one, two] = [await open(), await open()]
    one.publish([value('device:1', 1, 'before')])
    await seen(two, 'device:1').toBe('before')
    await redis.kill()
    await expect.poll(() => one.health!().ok, { timeout: 15_000 }).toBe(false)
    for (let ts = 2; ts < 1_000; ts++) one.publish([value('device:1', ts, `one ${ts}`)])
    two.publish([value('device:2', 5, 'two')])
    expect(one.get('device:1')?.value).toBe('one 999')
    expect(two.get('device:1')?.value).toBe('before')
    await redis.start()
    await seen(two, 'device:1').toBe('one 999')
    await seen(one, 'device:2').toBe('two')
    await expect.poll(() => one.health!().ok, { timeout: 15_000 }).toBe(true)
    // The server was empty: what was said before it died is there again too.
    one.publish([value('device:3', 1, 'after')])
    expect((await open()).list('a', 'device:').length).toBeGreaterThanOrEqual(2)
  })

  it('that were missed while a subscription was cut off come with the next one', async () => {
    const [one, two] = [await open(), await open()]
    one.publish([value('device:1', 1, 'a')])
    await seen(two, 'device:1').toBe('a')
    for (let ts = 2; ts < 20; ts++) {
      await admin((client) => client.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))
      one.publish([value('device:1', ts, ts)])
      await seen(two, 'device:1').toBe(ts)
    }
  })

  it('start without a server, and are shared once there is one', async () => {
    const port = await freePort()
    const lonely = createRedisLive(new URL(`redis://127.0.0.1:${port}`))
    buses.push(lonely)
    await lonely.start()
    lonely.publish([value('device:1', 1, 'mine')])
    expect(lonely.get('device:1')?.value).toBe('mine')
    expect(lonely.health!()).toMatchObject({ ok: false, detail: expect.stringMatching(/./) as string })
  })

  it('hold no more than the newest per key while the server takes nothing', async () => {
    const one = await open()
    await admin((client) => client.config('SET', 'maxmemory', '1'))
    try {
      for (let ts = 1; ts <= 300; ts++)
        one.publish(Array.from({ length: 1_000 }, (_, key) => value(`device:${key}`, ts)))
      await expect.poll(() => one.health!().detail, { timeout: 15_000 }).toMatch(/OOM/)
      expect(one.get('device:999')?.ts).toBe(300)
    } finally {
      await admin((client) => client.config('SET', 'maxmemory', '0'))
    }
    await expect.poll(() => admin((client) => client.hlen(`${prefix}:live`)), { timeout: 15_000 }).toBe(1_000)
    expect((await open()).get('device:999')?.ts).toBe(300)
  })

  it('wait for a server that answers slowly, in fewer and fuller commands', async () => {
    const [one, two] = [await open(), await open()]
    one.publish([value('device:1', 1, 'before')])
    await seen(two, 'device:1').toBe('before')
    const commands = async (): Promise<number> =>
      Number(/cmdstat_publish:calls=(\d+)/.exec(await admin((client) => client.info('commandstats')))?.[1] ?? 0)
    const before = await commands()
    await admin((client) => client.call('CLIENT', 'PAUSE', '2000', 'ALL'))
    for (let ts = 2; ts <= 400; ts++) {
      one.publish([value('device:1', ts, `one ${ts}`)])
      if (ts % 40 === 0) await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(one.get('device:1')?.value).toBe('one 400')
    await seen(two, 'device:1').toBe('one 400')
    expect((await commands()) - before).toBeLessThan(50)
    expect(one.health!().ok).toBe(true)
  })

  it('wait while a failover has made the server one that takes no writes, and go on when it takes them again', async () => {
    const [one, two] = [await open(), await open()]
    one.publish([value('device:1', 1, 'before')])
    await seen(two, 'device:1').toBe('before')
    await admin(async (client) => client.replicaof('127.0.0.1', await freePort()))
    one.publish([value('device:1', 2, 'meanwhile')])
    await expect.poll(() => one.health!().detail, { timeout: 15_000 }).toMatch(/READONLY/)
    expect(one.get('device:1')?.value).toBe('meanwhile')
    expect(two.get('device:1')?.value).toBe('before')
    await admin((client) => client.replicaof('NO', 'ONE'))
    await seen(two, 'device:1').toBe('meanwhile')
    await expect.poll(() => one.health!().ok, { timeout: 15_000 }).toBe(true)
  })

  it('go on with the replica that was promoted when the server is gone for good, by the address that both had', async () => {
    const replica = await ownService('redis')
    const behind = [Number(new URL(redis.url()).port)]
    const address = await startBalancer(behind)
    const url = `redis://127.0.0.1:${address.port}`
    try {
      const [one, two] = [await open(true, url), await open(false, url)]
      await admin((client) => client.replicaof('127.0.0.1', behind[0]!), replica.url())
      one.publish([value('device:1', 1, 'before'), value('device:2', 1, 'untouched')])
      await seen(two, 'device:2').toBe('untouched')
      await expect
        .poll(() => admin((client) => client.hlen(`${prefix}:live`), replica.url()), { timeout: 15_000 })
        .toBe(2)
      await redis.kill()
      one.publish([value('device:1', 2, 'meanwhile')])
      await expect.poll(() => one.health!().ok, { timeout: 15_000 }).toBe(false)
      behind[0] = Number(new URL(replica.url()).port)
      // Nobody has told it yet: it is there, and takes no writes.
      await expect.poll(() => one.health!().detail, { timeout: 15_000 }).toMatch(/READONLY/)
      await admin((client) => client.replicaof('NO', 'ONE'), replica.url())
      await seen(two, 'device:1').toBe('meanwhile')
      for (const bus of [one, two]) await expect.poll(() => bus.health!().ok, { timeout: 15_000 }).toBe(true)
      const three = await open(false, url)
      expect(three.get('device:1')?.value).toBe('meanwhile')
      expect(three.get('device:2')?.value).toBe('untouched')
    } finally {
      for (const bus of buses.splice(0)) await bus.stop()
      await address.stop()
      await replica.remove()
      await redis.start()
    }
  })

  it('are refused at start with one line that names the setting', async () => {
    const fault = (url: string) =>
      checkRedis(new URL(url)).then(
        () => 'fine',
        (error: Error) => error.message,
      )
    const host = `127.0.0.1:${new URL(redis.url()).port}`
    const nobody = await freePort()
    await admin((client) => client.acl('SETUSER', 'helio', 'on', '>s3cret', '~*', '&*', '+@all'))
    expect(await fault(`redis://helio:s3cret@${host}/1?prefix=x`)).toBe('fine')
    for (const [url, said] of [
      [`redis://helio:wr0ng@${host}`, `${host} refuses user name or password`],
      [`redis://${host}/999`, `${host} has no database of this number`],
      [`redis://127.0.0.1:${nobody}`, `nothing listens on 127.0.0.1:${nobody}`],
      ['redis://no-such-host.invalid', 'there is no host for no-such-host.invalid:6379'],
      [`rediss://${host}`, /does it speak TLS|does not speak TLS/],
      [`redis://${host}/x`, 'write redis://user:password@host:6379/0'],
      [`redis://${host}?db=1`, 'knows no db='],
    ] as const) {
      const told = await fault(url)
      expect(told).toMatch(/^HELIO_LIVE_URL: [^\n]+$/)
      if (said instanceof RegExp) expect(told).toMatch(said)
      else expect(told).toContain(said)
      expect(told).not.toMatch(/wr0ng/)
    }
  })

  it('are not given to a server that is too old', async () => {
    // The server's own words but for the number of its version, which is as long.
    const older = createServer((client) => {
      const server = connect(Number(new URL(redis.url()).port), '127.0.0.1')
      client.on('error', () => undefined).pipe(server)
      server.on('error', () => undefined).on('close', () => client.destroy())
      server.on('data', (bytes) =>
        client.write(bytes.toString('latin1').replace(/redis_version:\d/, 'redis_version:6'), 'latin1'),
      )
      client.on('close', () => server.destroy())
    }).listen(0, '127.0.0.1')
    await once(older, 'listening')
    const { port } = older.address() as AddressInfo
    await expect(checkRedis(new URL(`redis://127.0.0.1:${port}`))).rejects.toThrow(
      /^HELIO_LIVE_URL: 127\.0\.0\.1:\d+ is Redis 6\.[\d.]+; Redis 7 is the oldest that serves$/,
    )
    older.close()
  })
})
