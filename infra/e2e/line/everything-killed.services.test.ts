/**
 * Roles apart on engines of their own, and for two minutes whatever has its turn is killed: the broker, the databases, Redis, the
 * stores, edges, workers, the API; in the end half of the engines at once. When it is quiet again, sent = acknowledged = stored, and
 * `heliograph verify` finds nothing missing and no figure that differs.
 * `npm run test:services -- --long` for ten minutes, `HELIO_TEST_KILLS_S` for any other time, `HELIO_TEST_SEED` to have a run once more.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needService, ownService } from '../../services/for-tests.ts'
import { createTestDatabases } from '../../src/crm/mysql-databases.ts'
import type { TestDatabase } from '../../src/crm/open-for-test.ts'
import { freePort } from '../../src/process/free-port.ts'
import { startTestClickhouse, type TestClickhouse } from '../../src/warehouse/clickhouse-server.fixture.ts'
import { good } from '../cli/command.ts'
import { Api } from './api.ts'
import { makeBucket } from './bucket.ts'
import { claimed } from './claimed.ts'
import { expectConserved } from './conserved.ts'
import { ADMIN, type Instance } from './instance.ts'
import { RoleProcess } from './roles.ts'
import { Load } from './sender.ts'
import { until } from './until.ts'

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
  const roles: RoleProcess[] = []
  let clickhouse: TestClickhouse
  let databases: ReturnType<typeof createTestDatabases>
  let database: TestDatabase
  let httpPort: number
  let edgePorts: number[]
  let stores: Victim[]
  let parts: Victim[]

  const through = (edge: number) =>
    ({ url: `http://127.0.0.1:${httpPort}`, mqttUrl: `mqtt://127.0.0.1:${edgePorts[edge]}` }) as Instance
  const signIn = () => until('the API', () => Api.signIn(`http://127.0.0.1:${httpPort}`, ADMIN), 120_000)
  /** Started, and started again whenever it ends by itself because an engine is away. */
  const kept = async (role: RoleProcess): Promise<void> => {
    role.spawn()
    role.keep()
    await until(`${role.name} at work`, () => role.isAtWork || role.isStandingBy, 180_000)
  }
  /** What a failure is understood by. */
  const howItStands = async (loads: readonly Load[]): Promise<string> => {
    const readyz = await fetch(`http://127.0.0.1:${httpPort}/readyz`)
      .then((response) => response.text())
      .catch(String)
    const outputs = roles.map((role, index) => `-- ${role.name} ${index}\n${role.output.slice(-3_000)}`)
    const acknowledged = loads.map(({ acknowledged: some }) => some.size).join(' and ')
    return [readyz, `acknowledged ${acknowledged}`, ...outputs].join('\n')
  }
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
    databases = createTestDatabases(mysql.url())
    database = await databases.openNew()
    httpPort = await freePort()
    edgePorts = [await freePort(), await freePort()]
    const log = new URL(kafka.url())
    log.pathname = `/${name}`
    const env = {
      HELIO_LOG_URL: log.href,
      HELIO_CRM_URL: database.url,
      HELIO_LIVE_URL: redis.url(),
      HELIO_SERIES_URL: influx.url(),
      HELIO_WAREHOUSE_URL: clickhouse.url(),
      // Photos of tickets: nothing of the line lies there.
      HELIO_FILES_URL: await makeBucket(minio, name),
      HELIO_HTTP_PORT: String(httpPort),
    }
    const api = new RoleProcess('api', env)
    const edges = edgePorts.map((port) => new RoleProcess('ingest', { ...env, HELIO_MQTT_PORT: String(port) }))
    const workers = [0, 1].map(() => new RoleProcess('stream', env))
    roles.push(api, ...edges, ...workers)
    await kept(api)
    await Promise.all([...edges, ...workers].map(kept))
    stores = [
      victim('kafka', kafka),
      victim('mysql', mysql),
      victim('redis', redis),
      victim('influxdb', influx),
      { name: 'clickhouse', kill: () => clickhouse.kill(), revive: () => clickhouse.revive() },
    ]
    parts = roles.map((role, index) => ({
      name: `${role.name} ${index}`,
      kill: () => role.end('SIGKILL'),
      revive: () => kept(role),
    }))
  })
  afterAll(async () => {
    await Promise.all(roles.map((each) => each.remove()))
    await clickhouse?.stop()
    for (const engine of engines) await engine.remove()
  })

  it(`for ${SECONDS} s, and what was acknowledged is stored once (seed ${SEED})`, async () => {
    let client = await signIn()
    const connection = await client.connection()
    const siteId = await client.site()
    const names = ['edge-0', 'edge-1']
    const devices = await Promise.all(
      names.map((device, edge) => claimed(through(edge), client, { connection, siteId }, device)),
    )
    const loads = names.map((device, edge) =>
      new Load({ instance: through(edge), connection, device, firstTs: Date.now() - 3_600_000, inFlight: 4 }).start(),
    )
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

    const before = loads.map(({ acknowledged }) => acknowledged.size)
    try {
      await until(
        'more acknowledgements of both',
        () => loads.every(({ acknowledged }, edge) => acknowledged.size > before[edge]! + 50),
        120_000,
      )
      for (const load of loads) await load.stop(20_000)
      client = await signIn()
      await client.drained()
      for (const [edge, load] of loads.entries()) {
        const stored = await client.readings(devices[edge]!, load.range.from, load.range.to)
        expectConserved(load, stored)
      }
      const { stdout } = await good(roles[0]!.dataDir, ['verify', '--json'])
      expect(JSON.parse(stdout)).toMatchObject({
        ok: true,
        rollups: { differences: 0 },
        log: { missing: 0, refused: 0 },
        deadLetters: { missing: 0 },
      })
    } catch (error) {
      console.error(await howItStands(loads))
      throw error
    }
    console.log(
      `acknowledged ${loads.map(({ acknowledged }) => acknowledged.size).join(' and ')}; killed ${[...killed].map(([what, times]) => `${what} ${times}x`).join(', ')}; ended by themselves ${roles.reduce((sum, { ended }) => sum + ended, 0)}x`,
    )
  })
})

/** Numbers in [0, 1) from a seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
