/**
 * People at the live page of two API processes that hear of each other only through Redis: roles apart on Kafka, MySQL, Redis and the
 * warehouse over HTTP, half of the sockets at each API. Measured from the newest reading behind a value, whose time is that of its
 * sending, to the socket. `node infra/bench/redis.ts [sockets] [messages/s] [seconds]`
 */
import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Api } from '../e2e/line/api.ts'
import { makeBucket } from '../e2e/line/bucket.ts'
import { ADMIN } from '../e2e/line/instance.ts'
import { RoleProcess } from '../e2e/line/roles.ts'
import { until } from '../e2e/line/until.ts'
import { needService } from '../services/for-tests.ts'
import { createTestDatabases } from '../src/crm/mysql-databases.ts'
import { freePort } from '../src/process/free-port.ts'
import { startTestClickhouse } from '../src/warehouse/clickhouse-server.fixture.ts'
import { BenchFleet, loadtest } from './fleet.ts'
import { check } from './measure.ts'

const SOCKETS = Number(process.argv[2] ?? 1_000)
const RATE = Number(process.argv[3] ?? 2_000)
const SECONDS = Number(process.argv[4] ?? 40)
const AT_MOST_MS = 300
/** Connections are made and caches filled before anything counts. */
const WARM_MS = 4_000

interface Seen {
  frames: number
  updates: number
  closed: number
  latency: { count: number; p50: number; p95: number; p99: number; max: number }
}

const name = `fanout-${randomUUID().slice(0, 8)}`
const databases = createTestDatabases((await needService('mysql')).url())
const database = await databases.openNew()
const clickhouse = await startTestClickhouse()
const log = new URL((await needService('kafka')).url())
log.pathname = `/${name}`
const mqttPort = await freePort()
const httpPorts = [await freePort(), await freePort()]
const env = {
  HELIO_LOG_URL: log.href,
  HELIO_CRM_URL: database.url,
  HELIO_LIVE_URL: `${(await needService('redis')).url()}?prefix=${name}`,
  HELIO_WAREHOUSE_URL: clickhouse.url(),
  HELIO_FILES_URL: await makeBucket((await needService('minio')).url(), name),
  HELIO_MQTT_PORT: String(mqttPort),
  HELIO_HTTP_PORT: String(httpPorts[0]),
}
const apis = httpPorts.map((port) => new RoleProcess('api', { ...env, HELIO_HTTP_PORT: String(port) }))
const [edge, worker] = [new RoleProcess('ingest', env), new RoleProcess('stream', env)]
const urls = httpPorts.map((port) => `http://127.0.0.1:${port}`)

async function watch(url: string): Promise<ChildProcess> {
  const { headers } = await Api.signIn(url, ADMIN)
  const options = {
    url: `${url.replace('http', 'ws')}/api/v1/live`,
    cookie: headers['cookie'],
    origin: url,
    sockets: SOCKETS / urls.length,
    topic: 'fleet',
  }
  const child = fork(loadtest('bench/children/viewers.ts'), [JSON.stringify(options)])
  await once(child, 'message')
  return child
}
async function seenBy(viewers: ChildProcess): Promise<Seen> {
  viewers.send('stop')
  const [result] = (await once(viewers, 'message')) as [Seen]
  return result
}

const viewers: ChildProcess[] = []
try {
  await apis[0]!.start()
  await Promise.all([apis[1]!, edge, worker].map((each) => each.start()))
  const api = await until('the API', () => Api.signIn(urls[0]!, ADMIN), 60_000)
  const fleet = await BenchFleet.make(api, mqttPort)
  for (const url of urls) viewers.push(await watch(url))
  const sending = fleet.send(RATE, SECONDS)
  await sleep(WARM_MS)
  for (const each of viewers) each.send('measure')
  await sleep(SECONDS * 1_000 - WARM_MS - 2_000)
  const seen = await Promise.all(viewers.map(seenBy))
  await sending
  for (const { updates, closed } of seen) {
    if (updates === 0) throw new Error('an API told its sockets nothing')
    check('sockets closed', closed, 0)
  }
  const p99 = Math.max(...seen.map(({ latency }) => latency.p99))
  process.stdout.write(
    `${JSON.stringify([
      {
        name: `redis: ${SOCKETS} sockets at two API processes, ${RATE} messages/s, sending to page p99`,
        unit: 'ms',
        ours: p99,
        target: `at most ${AT_MOST_MS} ms`,
        met: p99 <= AT_MOST_MS,
        details: { seen },
      },
    ])}\n`,
  )
} finally {
  for (const each of viewers) each.kill('SIGKILL')
  await Promise.all([...apis, edge, worker].map((each) => each.remove()))
  await clickhouse.stop()
  await database.remove()
  await databases.end()
}
