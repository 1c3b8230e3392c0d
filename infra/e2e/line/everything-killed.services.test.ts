/**
 * Roles apart on engines of their own, and for two minutes whatever has its turn is killed: the broker, the databases, Redis, the
 * stores, edges, workers, the API; in the end half of the engines at once. When it is quiet again, sent = acknowledged = stored, and
 * `heliograph verify` finds nothing missing and no figure that differs.
 * `npm run test:services -- --long` for ten minutes, `HELIO_TEST_KILLS_S` for any other time, `HELIO_TEST_SEED` to have a run once more.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { needService, ownService } from '../../services/for-tests.ts'
import { createTestDatabases } from '../../src/crm/mysql-databases.ts'
import { startTestClickhouse, type TestClickhouse } from '../../src/warehouse/clickhouse-server.fixture.ts'
import { makeBucket } from './bucket.ts'
import { KeptRoles, randomNumbers } from './kept-roles.ts'

const SECONDS = Number(process.env['HELIO_TEST_KILLS_S'] ?? 120)
const SEED = Number(process.env['HELIO_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
/** Between two kills, and how long one is down, milliseconds. */
const [PAUSE_MS, DOWN_MS] = [3_500, 3_000]

const minio = (await needService('minio')).url()

type Engine = Awaited<ReturnType<typeof ownService>>
interface Victim {
  name: string
  kill(): Promise<unknown>
  revive(): Promise<unknown>
}

describe('everything is killed', { timeout: SECONDS * 1_000 + 600_000, retry: 0 }, () => {
  const name = `kills-${randomUUID().slice(0, 8)}`
  const random = randomNumbers(SEED)
  const engines: Engine[] = []
  let clickhouse: TestClickhouse
  let line: KeptRoles
  let stores: Victim[]
  let parts: Victim[]

  const victim = (what: string, engine: Engine): Victim => ({
    name: what,
    kill: () => engine.kill(),
    revive: () => engine.start(),
  })

  beforeAll(async () => {
    const [kafka, mysql, redis, influx] = [
      await ownService('kafka'),
      await ownService('mysql'),
      await ownService('redis'),
      await ownService('influxdb'),
    ]
    engines.push(kafka, mysql, redis, influx)
    clickhouse = await startTestClickhouse()
    const log = new URL(kafka.url())
    log.pathname = `/${name}`
    line = await KeptRoles.start({
      HELIO_LOG_URL: log.href,
      HELIO_CRM_URL: (await createTestDatabases(mysql.url()).openNew()).url,
      HELIO_LIVE_URL: redis.url(),
      HELIO_SERIES_URL: influx.url(),
      HELIO_WAREHOUSE_URL: clickhouse.url(),
      // Photos of tickets: nothing of the line lies there.
      HELIO_FILES_URL: await makeBucket(minio, name),
    })
    stores = [
      victim('kafka', kafka),
      victim('mysql', mysql),
      victim('redis', redis),
      victim('influxdb', influx),
      { name: 'clickhouse', kill: () => clickhouse.kill(), revive: () => clickhouse.revive() },
    ]
    parts = line.roles.map((role, index) => ({
      name: `${role.name} ${index}`,
      kill: () => role.end('SIGKILL'),
      revive: () => line.keep(role),
    }))
  })
  afterAll(async () => {
    await line?.remove()
    await clickhouse?.stop()
    for (const engine of engines) await engine.remove()
  })

  it(`for ${SECONDS} s, and what was acknowledged is stored once (seed ${SEED})`, async () => {
    const { devices, loads } = await line.load(await line.signIn())
    const killed = new Map<string, number>()
    const end = Date.now() + SECONDS * 1_000
    while (Date.now() < end) {
      const victims = [...stores, ...parts]
      const chosen = victims[Math.floor(random() * victims.length)]!
      killed.set(chosen.name, (killed.get(chosen.name) ?? 0) + 1)
      await chosen.kill()
      await sleep(random() * DOWN_MS)
      await chosen.revive()
      await sleep(random() * PAUSE_MS)
    }
    // Half of the engines at once.
    const half = stores.filter((_, index) => index % 2 === 0)
    await Promise.all(half.map((each) => each.kill()))
    await sleep(DOWN_MS)
    await Promise.all(half.map((each) => each.revive()))

    await line.expectWhole(devices, loads)
    console.log(`${line.told(loads)}; killed ${[...killed].map(([what, times]) => `${what} ${times}x`).join(', ')}`)
  })
})
