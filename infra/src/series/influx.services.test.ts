/** Raw curves on a real InfluxDB, shared: each case has a bucket of its own. What is killed and stalled is an instance of one's own. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request as forward } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { InfluxDB } from '@influxdata/influxdb-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ConnectionId,
  type CurveReading,
  type DeadLetterRecord,
  decodeRecord,
  type DeviceId,
  encodeRecord,
  type Metric,
  type Metrics,
  type ReadingRecord,
  SeriesError,
  type SiteId,
  type TenantId,
  TOPICS,
} from '@heliograph/crm-core/contracts'
import { createSeriesStage } from '@heliograph/stream'
import { needService, ownService } from '../../services/for-tests.ts'
import { createLmdbLog } from '../log/lmdb.ts'
import { createInfluxSeries } from './influx.ts'
import { tryInflux } from './influx-faults.ts'
import { influxOptions } from './influx-options.ts'
import { describeSeries } from './series.conformance.ts'

const influx = await needService('influxdb')

function bucketOf(address: string) {
  const url = new URL(address)
  const [, org] = url.pathname.split('/')
  const name = `test-${randomBytes(6).toString('hex')}`
  url.pathname = `/${org}/${name}`
  return url
}
async function removeBucket(url: URL): Promise<void> {
  const { transport } = new InfluxDB(influxOptions(url))
  const { bucket } = influxOptions(url)
  const { buckets } = (await transport.request(`/api/v2/buckets?name=${bucket}`, '', { method: 'GET' })) as {
    buckets: { id: string }[]
  }
  for (const { id } of buckets) await transport.request(`/api/v2/buckets/${id}`, '', { method: 'DELETE' })
}

describeSeries('InfluxDB', {
  async create() {
    const url = bucketOf(influx.url())
    const store = createInfluxSeries(influxOptions(url))
    await store.start()
    return {
      source: store,
      async write(readings) {
        expect(await store.write(readings)).toEqual([])
      },
      remove: () => removeBucket(url),
    }
  },
})

const reading = (ts: number, metrics: CurveReading['metrics']): CurveReading => ({
  tenantId: 'ten' as TenantId,
  deviceId: 'dev' as DeviceId,
  ts,
  metrics,
})

describe('InfluxDB, when', () => {
  it('some of a batch are refused: the others are stored, and each refused one is told with its reason', async () => {
    const url = bucketOf(influx.url())
    const options = influxOptions(url)
    const store = createInfluxSeries(options)
    await store.start()
    const now = Date.now()
    // Somebody wrote text where numbers belong, and one reading is older than the bucket keeps.
    await new InfluxDB(options).transport.request(
      `/api/v2/write?org=${options.org}&bucket=${options.bucket}&precision=ms`,
      `readings,tenant=ten,device=dev frequency_hz="fifty" ${now - 1}`,
      { method: 'POST' },
    )
    const refused = await store.write([
      reading(now - 4, { ac_power_w: 4 }),
      reading(now - 3, { frequency_hz: 50 }),
      reading(now - 2, { ac_power_w: 2 }),
      reading(now - 200 * 3_600_000, { ac_power_w: 1 }),
      reading(now, { ac_power_w: 5 }),
      reading(now + 1, {}),
    ])
    expect(refused.map(({ index }) => index)).toEqual([1, 3])
    expect(refused[0]!.reason).toMatch(/type conflict/)
    expect(refused[1]!.reason).toMatch(/retention/)
    const points = await store.curve({
      tenantId: 'ten' as TenantId,
      deviceId: 'dev' as DeviceId,
      metric: 'ac_power_w',
      from: now - 10,
      to: now + 10,
      stepMs: 1,
    })
    expect(points.map(({ avg }) => avg)).toEqual([4, 2, 5])
    await removeBucket(url)
  })

  it('it is killed: writing fails for now, and the same batch is stored when it is back', async () => {
    const own = await ownService('influxdb')
    try {
      const store = createInfluxSeries(influxOptions(new URL(own.url())))
      await store.start()
      const now = Date.now()
      const batch = Array.from({ length: 500 }, (_, index) => reading(now - index, { ac_power_w: index }))
      await store.write(batch)
      await own.kill()
      await expect(store.write(batch)).rejects.toBeInstanceOf(SeriesError)
      await own.start()
      expect(await store.write(batch)).toEqual([])
      const [point] = await store.curve({
        tenantId: 'ten' as TenantId,
        deviceId: 'dev' as DeviceId,
        metric: 'ac_power_w',
        from: now - 1_000,
        to: now + 1,
        stepMs: 2_000,
      })
      expect(point).toEqual({ ts: now - 499, avg: 249.5, min: 0, max: 499 })
    } finally {
      await own.remove()
    }
  })

  it.each([
    [429, '2', 2_000],
    [503, '1', 1_000],
  ])(
    'it answers %i: that is no refusal, and how long it asks for is kept',
    async (status, retryAfter, retryAfterMs) => {
      const server = createServer((_request, response) => {
        response.writeHead(status, { 'retry-after': retryAfter, 'content-type': 'application/json' })
        response.end('{"message":"busy"}')
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const store = createInfluxSeries({ url: `http://127.0.0.1:${port}`, token: 't', org: 'o', bucket: 'b' })
      await expect(store.write([reading(1, { ac_power_w: 1 })])).rejects.toMatchObject({
        name: 'SeriesError',
        retryAfterMs,
      })
      server.close()
    },
  )

  it('its answer is lost after it has stored: the same batch again is no second one', async () => {
    const url = bucketOf(influx.url())
    const store = createInfluxSeries(influxOptions(url))
    await store.start()
    // Passes everything on, and keeps the answer to the first write for itself.
    let lost = 0
    const between = createServer((request, response) => {
      const passed = forward(
        { host: url.hostname, port: url.port, method: request.method, path: request.url, headers: request.headers },
        (answer) => {
          if (lost++ === 0) return void response.destroy()
          response.writeHead(answer.statusCode!, answer.headers)
          answer.pipe(response)
        },
      )
      request.pipe(passed)
    }).listen(0, '127.0.0.1')
    await once(between, 'listening')
    const through = createInfluxSeries({
      ...influxOptions(url),
      url: `http://127.0.0.1:${(between.address() as AddressInfo).port}`,
    })
    const now = Date.now()
    const batch = Array.from({ length: 200 }, (_, index) => reading(now - index, { ac_power_w: index }))
    await expect(through.write(batch)).rejects.toBeInstanceOf(SeriesError)
    expect(await through.write(batch)).toEqual([])
    const points = await store.curve({
      tenantId: 'ten' as TenantId,
      deviceId: 'dev' as DeviceId,
      metric: 'ac_power_w',
      from: now - 1_000,
      to: now + 1,
      stepMs: 1,
    })
    expect(points).toHaveLength(200)
    between.close()
    await removeBucket(url)
  })

  it('it takes a batch and says nothing: that ends in bounded time', async () => {
    const mute = createServer(() => undefined).listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const { port } = mute.address() as AddressInfo
    const store = createInfluxSeries({ url: `http://127.0.0.1:${port}`, token: 't', org: 'o', bucket: 'b' })
    const started = Date.now()
    await expect(store.write([reading(1, { ac_power_w: 1 })])).rejects.toBeInstanceOf(SeriesError)
    expect(Date.now() - started).toBeLessThan(60_000)
    mute.closeAllConnections()
    mute.close()
  })

  it('a metric is asked for that is none: nothing is asked', async () => {
    const store = createInfluxSeries({ url: 'http://127.0.0.1:1', token: 't', org: 'o', bucket: 'b' })
    const request = { tenantId: 't' as TenantId, deviceId: 'd' as DeviceId, from: 0, to: 1, stepMs: 1 }
    expect(await store.curve({ ...request, metric: '") |> drop()' as Metric })).toEqual([])
  })
})

describe('the stage that fills it', () => {
  it('keeps what is refused as a dead letter, leaves out what is older than curves reach, and goes on', async () => {
    const url = bucketOf(influx.url())
    const options = influxOptions(url)
    const store = createInfluxSeries(options)
    await store.start()
    const now = Date.now()
    await new InfluxDB(options).transport.request(
      `/api/v2/write?org=${options.org}&bucket=${options.bucket}&precision=ms`,
      `readings,tenant=ten,device=dev frequency_hz="fifty" ${now - 1}`,
      { method: 'POST' },
    )
    const dir = mkdtempSync(join(tmpdir(), 'heliograph-series-'))
    const log = createLmdbLog({ dir })
    await log.start()
    const record = (ts: number, metrics: Metrics): ReadingRecord => ({
      ...reading(ts, metrics),
      siteId: 'site' as SiteId,
      receivedAt: ts,
      source: 'native',
      quality: [],
      rawRef: { connectionId: 'con' as ConnectionId, partition: 0, offset: ts - now + 1_000, revision: 0 },
    })
    const records = [
      record(now - 3, { ac_power_w: 3 }),
      record(now - 2, { frequency_hz: 50 }),
      record(now - 100 * 3_600_000, { ac_power_w: 1 }),
      record(now - 1, { ac_power_w: 4 }),
    ]
    await log
      .producer(TOPICS.readings)
      .append(records.map((each) => ({ key: each.deviceId, value: encodeRecord(each) })))
    const counts: Record<string, number> = {}
    const stage = createSeriesStage({
      log,
      store,
      count: (result, count) => (counts[result] = (counts[result] ?? 0) + count),
      onError: (error) => expect.unreachable(String(error)),
    })
    stage.start()
    await expect.poll(() => stage.lag(), { timeout: 20_000 }).toBe(0)
    await expect.poll(() => counts['stored']).toBe(2)
    await stage.stop()
    expect(counts).toEqual({ stored: 2, refused: 1, old: 1 })
    const [bounds] = await log.bounds(TOPICS.deadLetter)
    const letters: DeadLetterRecord[] = []
    for await (const some of log.read({ topic: TOPICS.deadLetter, partition: 0, from: 0, to: bounds!.next }))
      letters.push(...some.map(({ value }) => decodeRecord<DeadLetterRecord>(value)))
    expect(letters.map(({ reason, detail }) => [reason, detail])).toEqual([
      ['store-refused', expect.stringMatching(/^raw curves: .*type conflict/)],
    ])
    await log.stop()
    rmSync(dir, { recursive: true })
    await removeBucket(url)
  })
})

/** `npm run test:services -- --long`: ten minutes. */
const AWAY_S = process.env['HELIO_TEST_LONG'] ? 600 : 60
const [BATCHES_A_SECOND, BATCH] = [2, 2_000]

describe('the stage, while InfluxDB is away', { timeout: 180_000 + 4 * AWAY_S * 1_000 }, () => {
  it(`holds no more than a batch in ${AWAY_S} s, and stores everything once it is back`, async () => {
    const own = await ownService('influxdb')
    const dir = mkdtempSync(join(tmpdir(), 'heliograph-series-'))
    const log = createLmdbLog({ dir })
    await log.start()
    const store = createInfluxSeries(influxOptions(new URL(own.url())))
    await store.start()
    const now = Date.now()
    let stored = 0
    const stage = createSeriesStage({
      log,
      store,
      count: (result, count) => (stored += result === 'stored' ? count : 0),
      onError: () => undefined,
    })
    const batches = BATCHES_A_SECOND * AWAY_S
    try {
      await own.kill()
      const before = await memory()
      stage.start()
      const producer = log.producer(TOPICS.readings)
      const began = performance.now()
      for (let batch = 0; batch < batches; batch++) {
        await producer.append(
          Array.from({ length: BATCH }, (_, index) => {
            const ts = now - batch * BATCH - index
            const record: ReadingRecord = {
              ...reading(ts, { ac_power_w: index, dc_power_w: index + 1, frequency_hz: 50 }),
              siteId: 'site' as SiteId,
              receivedAt: ts,
              source: 'native',
              quality: [],
              rawRef: { connectionId: 'con' as ConnectionId, partition: 0, offset: batch, revision: 0 },
            }
            return { key: record.deviceId, value: encodeRecord(record) }
          }),
        )
        await sleep((1_000 * (batch + 1)) / BATCHES_A_SECOND - (performance.now() - began))
        if (batch % (10 * BATCHES_A_SECOND) !== 10 * BATCHES_A_SECOND - 1) continue
        expect(stage.trouble()).toBeDefined()
        expect((await memory()) - before).toBeLessThan(64 * 2 ** 20)
      }
      await own.start()
      await expect.poll(() => stage.lag(), { timeout: 60_000 + 2 * AWAY_S * 1_000 }).toBe(0)
      expect(stored).toBe(batches * BATCH)
      expect(stage.trouble()).toBeUndefined()
    } finally {
      await stage.stop()
      await log.stop()
      await own.remove()
      rmSync(dir, { recursive: true })
    }
  })

  /** Bytes that are held, after everything else was collected. */
  async function memory(): Promise<number> {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    for (let round = 0; round < 3; round++) {
      collect()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
})

describe('an address of InfluxDB that cannot be used', () => {
  let good: URL
  beforeAll(() => {
    good = bucketOf(influx.url())
  })
  afterAll(() => removeBucket(good))

  it('is none when everything is right', async () => {
    await expect(tryInflux(good)).resolves.toBeUndefined()
  })
  it.each([
    ['a wrong token', (url: URL) => (url.password = 'guessed'), /refuses the token/],
    ['no token', (url: URL) => (url.password = ''), /names no token/],
    ['an unknown organisation', (url: URL) => (url.pathname = '/nobody/x'), /no organisation "nobody"/],
    ['no bucket', (url: URL) => (url.pathname = '/heliograph'), /ORGANISATION\/BUCKET/],
    ['a wrong port', (url: URL) => (url.port = '1'), /nothing listens/],
    ['a wrong host', (url: URL) => (url.hostname = 'no-such-host.invalid'), /there is no host/],
    ['TLS where there is none', (url: URL) => url.searchParams.set('tls', 'on'), /does not speak TLS/],
    ['an unknown part', (url: URL) => url.searchParams.set('retries', '9'), /tls=on/],
  ])('is told in one line: %s', async (_what, change, line) => {
    const url = new URL(good)
    change(url)
    const error = (await tryInflux(url).catch((caught: unknown) => caught)) as Error
    expect(error.message).toMatch(/^HELIO_SERIES_URL: /)
    expect(error.message).toMatch(line)
    expect(error.message).not.toContain('heliograph-services-token')
  })
  it('is told in one line: a bucket that is missing, with a token that may not make it', async () => {
    const { transport } = new InfluxDB(influxOptions(good))
    const { org } = influxOptions(good)
    const { orgs } = (await transport.request(`/api/v2/orgs?org=${org}`, '', { method: 'GET' })) as {
      orgs: { id: string }[]
    }
    const [{ id: orgID }] = orgs as [{ id: string }]
    const permissions = [
      { action: 'read', resource: { type: 'orgs', id: orgID } },
      { action: 'read', resource: { type: 'buckets', orgID } },
    ]
    const { id, token } = (await transport.request('/api/v2/authorizations', JSON.stringify({ orgID, permissions }), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    })) as { id: string; token: string }
    const url = bucketOf(influx.url())
    url.password = token
    await expect(tryInflux(url)).rejects.toThrow(
      /^HELIO_SERIES_URL: .*: there is no bucket "test-\w+" that this token may see, and it may not make one; /,
    )
    await transport.request(`/api/v2/authorizations/${id}`, '', { method: 'DELETE' })
  })
  it('is told in one line: a server that is no InfluxDB 2', async () => {
    // As InfluxDB 1.8 answers what only its successor knows.
    const older = createServer((_request, response) => response.writeHead(404).end('404 page not found')).listen(0)
    await once(older, 'listening')
    const { port } = older.address() as AddressInfo
    await expect(tryInflux(new URL(`influx://:token@127.0.0.1:${port}/o/b`))).rejects.toThrow(
      /^HELIO_SERIES_URL: InfluxDB at 127\.0\.0\.1:\d+ knows no organisation "o", or is no InfluxDB 2$/,
    )
    older.close()
  })
  it('is told in one line: a bucket that forgets before curves end', async () => {
    const url = bucketOf(influx.url())
    const { transport } = new InfluxDB(influxOptions(url))
    const { org, bucket } = influxOptions(url)
    const { orgs } = (await transport.request(`/api/v2/orgs?org=${org}`, '', { method: 'GET' })) as {
      orgs: { id: string }[]
    }
    const retentionRules = [{ type: 'expire', everySeconds: 24 * 3_600 }]
    await transport.request('/api/v2/buckets', JSON.stringify({ orgID: orgs[0]!.id, name: bucket, retentionRules }), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    })
    await expect(tryInflux(url)).rejects.toThrow(/^HELIO_SERIES_URL: .* keeps 24 hours, and curves reach back 48;/)
    await removeBucket(url)
  })
})
