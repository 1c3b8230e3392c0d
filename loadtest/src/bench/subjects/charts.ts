/** Charts over ten million rows: a device's day and the tenant's day by the API, against the same figures by bare SQL. */
import { join } from 'node:path'
import { drained, type KnownDevice, prepareFleet } from '../lib/fleet-setup.ts'
import { type Server, serverSettings, startServer } from '../lib/server.ts'
import { openStore, type Store } from '../lib/store.ts'
import { type BenchContext, type Measure, median, sleep, type Subject } from '../lib/subject.ts'

const DEVICES = 100
const STEP_MS = 30_000
const ROUNDS = 40
const SETTLED_MS = 20_000
/** Before anything is timed, of ours and of the ceiling: code is compiled, files are in memory. */
const WARM_ROUNDS = 40
/** Connection that the rows made here name. */
const FILLED = 'bench-fill'

async function run({ dir, quick, set, log }: BenchContext): Promise<Measure[]> {
  const rows = Number(set.get('rows') ?? (quick ? 400_000 : 10_000_000))
  const settings = await serverSettings(join(dir, 'charts'))
  let server = await startServer(settings)
  let device: KnownDevice
  let served: { device: number[]; tenant: number[] }
  const end = Math.floor(Date.now() / 86_400_000) * 86_400_000
  const from = end - 86_400_000
  const to = end
  try {
    const { devices } = await prepareFleet(server, 20, DEVICES)
    device = devices[0]!
    await server.child.stop()
    const started = performance.now()
    const filling = await openStore(settings.dir)
    await fill(filling, devices, Math.floor(rows / DEVICES), end).finally(() => filling.stop())
    log(`${rows} rows and their roll-ups in ${Math.round((performance.now() - started) / 1_000)} s`)
    server = await startServer(settings)
    await drained(server.url, 300_000)
    // What a start looks at once (what panels lose to dirt, what strings gave before) is over.
    await sleep(SETTLED_MS)
    const query = `metric=ac_power_w&from=${from}&to=${to}&width=800`
    served = {
      device: await timings(server, `/series?scope=device:${device.id}&${query}`),
      tenant: await timings(server, `/series?scope=tenant&${query}`),
    }
  } finally {
    await server.child.stop()
  }
  const store = await openStore(settings.dir)
  try {
    const range = (column: string): string =>
      `${column} >= toDateTime(${from / 1_000}, 'UTC') AND ${column} < toDateTime(${to / 1_000}, 'UTC')`
    const [{ tenant }] = (await store.rows<{ tenant: string }>(
      `SELECT any(tenant_id) AS tenant FROM readings WHERE device_id = '${device.id}'`,
    )) as [{ tenant: string }]
    const bare = {
      device: await storeTimings(() =>
        store.bytes(
          `SELECT ts, ac_power_w FROM readings FINAL WHERE tenant_id = '${tenant}' AND device_id = '${device.id}' AND ${range('ts')} ORDER BY ts FORMAT JSONCompact`,
        ),
      ),
      tenant: await storeTimings(() =>
        store.bytes(
          `SELECT ts, sum(ac_power_w_avg) FROM rollup_site_5m FINAL WHERE tenant_id = '${tenant}' AND ${range('ts')} GROUP BY ts ORDER BY ts FORMAT JSONCompact`,
        ),
      ),
    }
    const [{ found }] = (await store.rows<{ found: number }>(
      `SELECT toUInt32(count()) AS found FROM readings FINAL WHERE connection_id = '${FILLED}'`,
    )) as [{ found: number }]
    const measure = (name: string, ours: number[], ceiling: number[]): Measure => {
      const ratio = median(ours) / median(ceiling)
      return {
        name,
        unit: 'ms',
        ours: median(ours),
        ceiling: median(ceiling),
        ratio,
        target: 'at most 3',
        met: ratio <= 3,
        details: { ours, ceiling },
      }
    }
    return [
      measure(`a device's day at ${rows} rows`, served.device, bare.device),
      measure(`the tenant's day at ${rows} rows`, served.tenant, bare.tenant),
      {
        name: 'rows found',
        unit: 'rows',
        ours: found,
        ceiling: rows,
        ratio: found / rows,
        target: 'all',
        met: found >= rows,
      },
    ]
  } finally {
    await store.stop()
  }
}

/**
 * Rows made where they lie: what is measured is how they are read. Stored long ago, so that a start does not roll them up anew.
 * @param each rows a device
 */
async function fill(store: Store, devices: readonly KnownDevice[], each: number, end: number): Promise<void> {
  const [{ tenant }] = (await store.rows<{ tenant: string }>('SELECT any(tenant_id) AS tenant FROM readings')) as [
    { tenant: string },
  ]
  const ofDevice = (key: 'id' | 'siteId'): string =>
    `[${devices.map((device) => `'${device[key]}'`).join(',')}][1 + device]`
  const ts = `toDateTime64(${(end - each * STEP_MS) / 1_000} + at * ${STEP_MS / 1_000}, 3, 'UTC')`
  await store.run(
    `INSERT INTO readings (tenant_id, device_id, site_id, ts, received_at, source, ac_power_w, energy_total_wh, connection_id, raw_partition, raw_offset, revision, is_deleted, stored_at)
      SELECT '${tenant}', ${ofDevice('id')}, ${ofDevice('siteId')}, ${ts} AS instant, instant, 'native',
        greatest(0, round(5000 * sin(((toUnixTimestamp(instant) % 86400) / 86400) * 2 * pi() - pi() / 2) + device)),
        1000000 + at * 20, '${FILLED}', 0, number, 0, 0, toDateTime('2020-01-01 00:00:00', 'UTC')
      FROM (SELECT number, intDiv(number, ${each}) AS device, number % ${each} AS at FROM numbers(${each * devices.length}))`,
  )
  const gauges = 'avg(ac_power_w) AS mean, min(ac_power_w), max(ac_power_w)'
  await store.run(
    `INSERT INTO rollup_device_5m (tenant_id, site_id, device_id, ts, date, energy_wh, energy_method, estimated_wh, ac_power_w_avg, ac_power_w_min, ac_power_w_max, samples, slots, version, is_deleted)
      SELECT tenant_id, any(site_id), device_id, toStartOfFiveMinutes(toDateTime(readings.ts, 'UTC')) AS bucket, toDate(bucket), count() * 20, 'counter', 0, ${gauges}, count(), 1, 1, 0
      FROM readings FINAL WHERE connection_id = '${FILLED}' GROUP BY tenant_id, device_id, bucket`,
  )
  await store.run(
    `INSERT INTO rollup_site_5m (tenant_id, site_id, ts, date, energy_wh, energy_method, estimated_wh, ac_power_w_avg, ac_power_w_min, ac_power_w_max, samples, slots, source, version, is_deleted)
      SELECT tenant_id, site_id, ts, any(date), sum(energy_wh), 'counter', 0, sum(ac_power_w_avg), sum(ac_power_w_min), sum(ac_power_w_max), sum(samples), 1, 'inverters', 1, 0
      FROM rollup_device_5m FINAL GROUP BY tenant_id, site_id, ts`,
  )
  for (const table of ['readings', 'rollup_device_5m', 'rollup_site_5m'])
    await store.run(`OPTIMIZE TABLE ${table} FINAL`)
}

const timings = (server: Server, path: string): Promise<number[]> => rounds(() => server.api.time(path))
const storeTimings = (query: () => Promise<unknown>): Promise<number[]> =>
  rounds(async () => {
    const started = performance.now()
    await query()
    return performance.now() - started
  })
/** A steady few a second: below the limit of one person, and the same pause for both, since a core that slept is slower. */
async function rounds(once: () => Promise<number>): Promise<number[]> {
  const times: number[] = []
  for (let round = 0; round < WARM_ROUNDS + ROUNDS; round++) {
    await sleep(60)
    times.push(await once())
  }
  return times.slice(WARM_ROUNDS)
}

export const charts: Subject = { name: 'charts', title: 'Charts over many rows', run }
