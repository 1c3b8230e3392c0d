/** The demo on shared engines, each role a process of its own: what `npm start` shows is there too. */
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needService } from '../../services/for-tests.ts'
import { createTestDatabases } from '../../src/crm/mysql-databases.ts'
import type { TestDatabase } from '../../src/crm/open-for-test.ts'
import { freePort } from '../../src/process/free-port.ts'
import { startTestClickhouse, type TestClickhouse } from '../../src/warehouse/clickhouse-server.fixture.ts'
import { type AlarmItem, Api, type Listed, type UnclaimedItem } from './api.ts'
import { makeBucket } from './bucket.ts'
import { RoleProcess } from './roles.ts'
import { until } from './until.ts'

const databases = createTestDatabases((await needService('mysql')).url())
const minio = (await needService('minio')).url()
const redis = (await needService('redis')).url()
const influx = (await needService('influxdb')).url()
const kafka = new URL((await needService('kafka')).url())
const PASSWORD = 'a-password-of-the-test'
/** Two days of the past of some two hundred devices, on a machine that runs the engines as well. */
const HISTORY_LIMIT_MS = 400_000

describe('the demo on shared engines', { timeout: 600_000, retry: 0 }, () => {
  const name = `demo-${randomUUID().slice(0, 8)}`
  const roles: RoleProcess[] = []
  let clickhouse: TestClickhouse
  let database: TestDatabase
  let api: RoleProcess
  let url: string
  let admin: Api
  const signIn = (email: string): Promise<Api> => Api.signIn(url, { email, password: PASSWORD })

  beforeAll(async () => {
    clickhouse = await startTestClickhouse()
    database = await databases.openNew()
    const httpPort = await freePort()
    url = `http://127.0.0.1:${httpPort}`
    kafka.pathname = `/${name}`
    const env = {
      HELIO_LOG_URL: kafka.href,
      HELIO_CRM_URL: database.url,
      HELIO_LIVE_URL: `${redis}?prefix=${name}`,
      HELIO_WAREHOUSE_URL: clickhouse.url(),
      HELIO_SERIES_URL: influx,
      HELIO_FILES_URL: await makeBucket(minio, name),
      HELIO_HTTP_PORT: String(httpPort),
      HELIO_MQTT_PORT: String(await freePort()),
      HELIO_DEMO_PASSWORD: PASSWORD,
      HELIO_DEMO_DAYS: '2',
    }
    api = new RoleProcess('api', { ...env, HELIO_DEMO: 'on' })
    roles.push(api)
    // There is nothing to play before an API has made it.
    const early = new RoleProcess('simulator', env)
    roles.push(early)
    expect((await once(early.spawn(), 'close'))[0]).toBe(1)
    expect(early.output).toMatch(/^HELIO_DATA_DIR: .* holds no demo; .*HELIO_DEMO=on\n$/)
    await api.start()
    const others = [new RoleProcess('ingest', env), new RoleProcess('stream', env)]
    roles.push(...others, new RoleProcess('simulator', env, api.dataDir))
    await Promise.all(others.map((role) => role.start()))
    await roles.at(-1)!.start()
    admin = await signIn('admin@demo.test')
  })
  afterAll(async () => {
    await Promise.all(roles.map((role) => role.remove()))
    await clickhouse.stop()
    await database.remove()
    await databases.end()
  })

  it('has its sites, its second company, and devices of every vendor that speak', async () => {
    expect((await admin.get<Listed<unknown>>('/sites?limit=500')).items).toHaveLength(40)
    expect((await (await signIn('admin@other.test')).get<Listed<unknown>>('/sites?limit=500')).items).toHaveLength(3)
    const speaking = ['native', 'opendtu', 'victron', 'shelly', 'tasmota', 'sparkplug-b', 'fronius', 'growatt']
    await until(
      'every vendor to be heard',
      async () => {
        const { items } =
          await admin.get<Listed<{ vendor: string; lastSeenAt: string | null }>>('/connections?limit=500')
        const heard = new Set(items.filter(({ lastSeenAt }) => lastSeenAt).map(({ vendor }) => vendor))
        return speaking.every((vendor) => heard.has(vendor))
      },
      120_000,
    )
    expect((await admin.get<Listed<unknown>>('/dead-letters')).items).toEqual([])
    await until(
      'the inverter that waits to be claimed',
      async () => (await admin.get<Listed<UnclaimedItem>>('/unclaimed')).items.length === 1,
      120_000,
    )
  })

  it('finds what is wrong by its rules, and opens a ticket for it', async () => {
    const alarm = await until(
      'the inverter in fault',
      async () => (await admin.get<Listed<AlarmItem>>('/alarms')).items.find(({ type }) => type === 'inverter-fault'),
      120_000,
    )
    expect(alarm).toMatchObject({ severity: 'critical', historic: false })
  })

  it('brings its past in, tells how far it is, and draws it', async () => {
    const state = () => JSON.parse(readFileSync(join(api.dataDir, 'demo.json'), 'utf8')) as { historyJob?: number }
    expect(existsSync(join(api.dataDir, 'demo.json'))).toBe(true)
    await until('the past to be in', () => state().historyJob === undefined, HISTORY_LIMIT_MS, 1_000)
    // Its sums are in then, too; the line itself is never empty while two hundred devices speak.
    const { items } = await admin.get<Listed<{ id: string; name: string }>>('/sites?limit=500')
    const yesterday = Date.now() - 36 * 3_600_000
    const energy = async (siteId: string) => {
      const { series } = await admin.get<{ series: { points: { sum: number | null }[] }[] }>(
        `/series?scope=site:${siteId}&metric=energy_wh&from=${yesterday}&to=${Date.now()}&bucket=1h`,
      )
      return series[0]!.points.reduce((sum, { sum: wh }) => sum + (wh ?? 0), 0)
    }
    const produced = await until(
      'energy of the past on most sites',
      async () => {
        const sums = await Promise.all(items.map(({ id }) => energy(id)))
        const found = sums.filter((wh) => wh > 0).length
        return found >= 35 ? found : undefined
      },
      120_000,
      2_000,
    )
    expect(produced).toBeGreaterThanOrEqual(35)
  })
})
