/**
 * The store of raw curves against a bare poster of the same lines to the same server: readings are turned into lines here, the bare
 * one has them ready. `node infra/bench/influxdb.ts [readings] [rounds]`
 */
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { InfluxDB } from '@influxdata/influxdb-client'
import type { CurveReading, DeviceId, TenantId } from '@heliograph/crm-core/contracts'
import { createInfluxSeries, ensureBucket } from '../src/series/influx.ts'
import { influxOptions } from '../src/series/influx-options.ts'
import { needService } from '../services/for-tests.ts'
import { check, compare, perSecond, tell } from './measure.ts'

const READINGS = Number(process.argv[2] ?? 100_000)
const ROUNDS = Number(process.argv[3] ?? 5)
/** As the stage gives them. */
const BATCH = 10_000
const DEVICES = 500
const METRICS = ['ac_power_w', 'dc_power_w', 'energy_total_wh', 'inverter_temp_c', 'frequency_hz'] as const
const pack = promisify(gzip)

const address = new URL((await needService('influxdb')).url())
address.pathname = `/${address.pathname.split('/')[1]}/bench-${randomBytes(6).toString('hex')}`
const options = influxOptions(address)
const store = createInfluxSeries(options)
await store.start()
const influx = new InfluxDB(options)
const bare = `bare-${randomBytes(6).toString('hex')}`
await ensureBucket(influx, options.org, bare)

const began = Date.now() - 3_600_000
let round = 0
/** New in each round: points that are there already would be replaced, which costs another price. */
function batches(): CurveReading[][] {
  const first = began + ++round
  return Array.from({ length: READINGS / BATCH }, (_, part) =>
    Array.from({ length: BATCH }, (__, at) => {
      const index = part * BATCH + at
      return {
        tenantId: 'bench' as TenantId,
        deviceId: `device-${index % DEVICES}` as DeviceId,
        ts: first + Math.floor(index / DEVICES) * 1_000,
        metrics: Object.fromEntries(METRICS.map((name, place) => [name, (index % 9_000) + place / 10])),
      }
    }),
  )
}
const lines = (readings: CurveReading[]): string =>
  readings
    .map(
      ({ tenantId, deviceId, ts, metrics }) =>
        `readings,device=${deviceId},tenant=${tenantId} ${Object.entries(metrics)
          .map(([name, value]) => `${name}=${value}`)
          .join(',')} ${ts}`,
    )
    .join('\n')

async function ours(): Promise<number> {
  const all = batches()
  return await perSecond(READINGS, async () => {
    for (const batch of all) check('readings refused', (await store.write(batch)).length, 0)
  })
}
async function poster(): Promise<number> {
  const bodies = batches().map(lines)
  const query = new URLSearchParams({ org: options.org, bucket: bare, precision: 'ms' }).toString()
  return await perSecond(READINGS, async () => {
    for (const body of bodies) {
      const response = await fetch(`${options.url}/api/v2/write?${query}`, {
        method: 'POST',
        headers: { authorization: `Token ${options.token}`, 'content-encoding': 'gzip' },
        body: new Uint8Array(await pack(body)),
      })
      check('status of a write', response.status, 204)
    }
  })
}
async function stored(bucket: string): Promise<number> {
  const rows = await influx
    .getQueryApi(options.org)
    .collectRows<{ _value: number }>(
      `from(bucket: "${bucket}") |> range(start: 0, stop: 2100-01-01T00:00:00Z) |> filter(fn: (r) => r._field == "ac_power_w") |> group() |> count()`,
    )
  return rows[0]?._value ?? 0
}

try {
  const measure = await compare(
    { name: 'influx: writing, against a bare poster of lines', unit: 'readings/s', rounds: ROUNDS, least: 0.8 },
    ours,
    poster,
  )
  check('readings stored by ours', await stored(options.bucket), (ROUNDS + 1) * READINGS)
  check('readings stored by the poster', await stored(bare), (ROUNDS + 1) * READINGS)
  tell([measure])
} finally {
  await store.stop()
  for (const name of [options.bucket, bare]) {
    const { buckets } = (await influx.transport.request(`/api/v2/buckets?name=${name}`, '', { method: 'GET' })) as {
      buckets: { id: string }[]
    }
    for (const { id } of buckets) await influx.transport.request(`/api/v2/buckets/${id}`, '', { method: 'DELETE' })
  }
}
