/**
 * The worker that stores and decodes is killed while half of what the line can carry comes in: how long until the other one has all
 * partitions and stores, and until the line is as far behind as it always is. Roles apart on Kafka, MariaDB, Redis and the warehouse
 * over HTTP. `node infra/bench/takeover.ts [seconds of the run that finds what it can carry]`
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Api } from '../e2e/line/api.ts'
import { makeBucket } from '../e2e/line/bucket.ts'
import { ADMIN } from '../e2e/line/instance.ts'
import { RoleProcess } from '../e2e/line/roles.ts'
import { lagOf, lags, sharesOfRaw } from '../e2e/line/takeover.ts'
import { until } from '../e2e/line/until.ts'
import { needService } from '../services/for-tests.ts'
import { createTestDatabases } from '../src/crm/mysql-databases.ts'
import { freePort } from '../src/process/free-port.ts'
import { startTestClickhouse } from '../src/warehouse/clickhouse-server.fixture.ts'
import { BenchFleet } from './fleet.ts'

const FULL_S = Number(process.argv[2] ?? 15)
/** More than two shared cores carry: the edge acknowledges what it can. */
const OFFERED = 20_000
/** How far behind the line is without any fault is watched so long. */
const CALM_MS = 10_000
const HALF_S = 75
const [TAKEN_MS, CAUGHT_UP_MS] = [10_000, 30_000]
/** A look at the lag is one at moving offsets: as many messages more are the same. */
const SLACK_S = 0.5

const name = `takeover-${randomUUID().slice(0, 8)}`
const databases = createTestDatabases((await needService('mariadb')).url())
const database = await databases.openNew()
const clickhouse = await startTestClickhouse()
const log = new URL((await needService('kafka')).url())
log.pathname = `/${name}`
const [mqttPort, httpPort] = [await freePort(), await freePort()]
const env = {
  HELIO_LOG_URL: log.href,
  HELIO_CRM_URL: database.url,
  HELIO_LIVE_URL: `${(await needService('redis')).url()}?prefix=${name}`,
  HELIO_WAREHOUSE_URL: clickhouse.url(),
  HELIO_FILES_URL: await makeBucket((await needService('minio')).url(), name),
  HELIO_MQTT_PORT: String(mqttPort),
  HELIO_HTTP_PORT: String(httpPort),
}
const [api, edge] = [new RoleProcess('api', env), new RoleProcess('ingest', env)]
const workers = [new RoleProcess('stream', env), new RoleProcess('stream', env)]

const stored = async (client: Api): Promise<number> =>
  (await client.metrics()).sum('helio_store_rows_total', { store: 'warehouse', result: 'stored' })

try {
  await api.start()
  await Promise.all([edge, ...workers].map((each) => each.start()))
  // A machine that is too busy may cost one its lease: it is started again, and told of.
  for (const each of workers) each.keep()
  const client = await until('the API', () => Api.signIn(`http://127.0.0.1:${httpPort}`, ADMIN), 60_000)
  await until('two decoders', async () => (await sharesOfRaw(log)).filter((share) => share > 0).length === 2, 60_000)
  const fleet = await BenchFleet.make(client, mqttPort)
  await client.drained()

  const before = await stored(client)
  const began = performance.now()
  await fleet.offer(OFFERED, FULL_S)
  await client.drained()
  const full = ((await stored(client)) - before) / ((performance.now() - began) / 1_000)
  const half = Math.round(full / 2)
  process.stderr.write(`the line carries ${Math.round(full)} readings/s; half of it from here on\n`)

  const sending = fleet.offer(half, HALF_S)
  await sleep(5_000)
  const normal = Math.max(...(await lags(client, CALM_MS))) + SLACK_S * half
  const worker = workers.find((each) => each.isAtWork)!
  const other = workers.find((each) => each !== worker)!
  const killedAt = performance.now()
  await worker.end('SIGKILL')
  const since = () => performance.now() - killedAt
  const [decodingMs, storingMs, caughtUp] = await Promise.all([
    until('one decoder with everything', async () => (await sharesOfRaw(log)).length === 1, 120_000).then(since),
    until('the other to store', () => other.isAtWork, 120_000, 20).then(since),
    (async () => {
      let worst = 0
      await until('the other to store', () => other.isAtWork, 120_000, 20)
      await until(
        'a lag as it always is',
        async () => {
          const lag = await lagOf(client)
          worst = Math.max(worst, lag ?? 0)
          return lag !== undefined && lag <= normal
        },
        120_000,
      )
      return { ms: since(), worst }
    })(),
  ])
  await sending
  const measure = (what: string, ms: number, atMostMs: number, details = {}) => ({
    name: `takeover: ${what}, at ${half} messages/s`,
    unit: 'ms',
    ours: Math.round(ms),
    target: `at most ${atMostMs} ms`,
    met: ms <= atMostMs,
    details,
  })
  process.stdout.write(
    `${JSON.stringify([
      measure('the killed worker’s partitions decoded by the other', decodingMs, TAKEN_MS),
      measure('the other one stores', storingMs, TAKEN_MS),
      measure('behind no more than before', caughtUp.ms, CAUGHT_UP_MS, {
        ...{ normal, worst: caughtUp.worst, full },
        restarts: workers.reduce((sum, { ended }) => sum + ended, 0),
      }),
    ])}\n`,
  )
} finally {
  await Promise.all([api, edge, ...workers].map((each) => each.remove()))
  await clickhouse.stop()
  await database.remove()
  await databases.end()
}
