/** Charts over ten million rows: a device's day and the tenant's day by the API, against the same figures by bare SQL. */
import { join } from 'node:path'
import { connectedClient, drained, prepareFleet, publishAll } from '../lib/fleet-setup.ts'
import { type Server, serverSettings, startServer } from '../lib/server.ts'
import { openStore } from '../lib/store.ts'
import { type BenchContext, type Measure, median, type Subject } from '../lib/subject.ts'

const DEVICES = 100
const STEP_MS = 30_000
const READINGS_A_MESSAGE = 400
const ROUNDS = 30

async function run({ dir, quick, set, log }: BenchContext): Promise<Measure[]> {
  const rows = Number(set.get('rows') ?? (quick ? 400_000 : 10_000_000))
  const settings = await serverSettings(join(dir, 'charts'))
  let server = await startServer(settings)
  let device: { id: string }
  let fillSeconds: number
  let served: { device: number[]; tenant: number[] }
  const end = Math.floor(Date.now() / 86_400_000) * 86_400_000
  const from = end - 86_400_000
  const to = end
  try {
    const { login, devices } = await prepareFleet(server, 20, DEVICES)
    device = devices[0]!
    const started = performance.now()
    await fill(server, login, devices, Math.floor(rows / DEVICES), end)
    await drained(server.url, 1_200_000)
    fillSeconds = (performance.now() - started) / 1_000
    log(`${rows} rows through the line in ${Math.round(fillSeconds)} s`)
    // As after a night: parts merged, nothing half done in memory.
    await server.child.stop()
    server = await startServer(settings)
    await drained(server.url, 300_000)
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
      { name: 'history through the line', unit: 'rows/s', ours: rows / fillSeconds },
    ]
  } finally {
    await store.stop()
  }
}

async function fill(
  server: Server,
  login: Parameters<typeof connectedClient>[1],
  devices: { serial: string }[],
  each: number,
  end: number,
): Promise<void> {
  const client = await connectedClient(server, login, 'fill')
  const body = function* (): Generator<Buffer> {
    for (let first = 0; first < each; first += READINGS_A_MESSAGE)
      for (const [device, { serial }] of devices.entries()) {
        const items: string[] = []
        for (let index = first; index < Math.min(each, first + READINGS_A_MESSAGE); index++) {
          const ts = end - (each - index) * STEP_MS
          const power = Math.max(
            0,
            Math.round(5_000 * Math.sin(((ts % 86_400_000) / 86_400_000) * 2 * Math.PI - Math.PI / 2) + device),
          )
          items.push(
            `{"device":"${serial}","ts":${ts},"metrics":{"ac_power_w":${power},"energy_total_wh":${1_000_000 + index * 20}}}`,
          )
        }
        yield Buffer.from(`[${items.join(',')}]`)
      }
  }
  await publishAll(client, body(), 50)
  await client.end()
}

/** A steady few a second: below the limit of one person. */
async function timings(server: Server, path: string): Promise<number[]> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    times.push(await server.api.time(path))
    await new Promise((resolve) => setTimeout(resolve, 60))
  }
  return times
}
async function storeTimings(query: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now()
    await query()
    times.push(performance.now() - started)
  }
  return times
}

export const charts: Subject = { name: 'charts', title: 'Charts over many rows', run }
