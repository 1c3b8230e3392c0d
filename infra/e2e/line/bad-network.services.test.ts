/**
 * Roles apart on shared engines behind a network that is slow, narrow, silent or cut, now before one of them, now before two: in the
 * direction of what is asked and of what is answered, so that also what was done is not told. When the network is well again,
 * sent = acknowledged = stored, and `heliograph verify` finds nothing missing and no figure that differs.
 * `HELIO_TEST_NETWORK_S` for any other time than a minute, `HELIO_TEST_SEED` to have a run once more.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { needService, ownService } from '../../services/for-tests.ts'
import { createProxy, type Proxy, type ToxicType } from '../../services/proxy.ts'
import { createTestDatabases } from '../../src/crm/mysql-databases.ts'
import type { TestDatabase } from '../../src/crm/open-for-test.ts'
import { freePort } from '../../src/process/free-port.ts'
import { startTestClickhouse, type TestClickhouse } from '../../src/warehouse/clickhouse-server.fixture.ts'
import { makeBucket } from './bucket.ts'
import { KeptRoles, randomNumbers } from './kept-roles.ts'

const SECONDS = Number(process.env['HELIO_TEST_NETWORK_S'] ?? 60)
const SEED = Number(process.env['HELIO_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const [PAUSE_MS, ILL_MS] = [1_500, 6_000]

const kafka = await needService('kafka')
const databases = createTestDatabases((await needService('mysql')).url())
const redis = (await needService('redis')).url()
const influx = (await needService('influxdb')).url()
const minio = (await needService('minio')).url()

/** What a network does, and how: milliseconds, KB/s. */
const ILLS: readonly (readonly [ToxicType, Record<string, number>])[] = [
  ['latency', { latency: 250, jitter: 200 }],
  ['bandwidth', { rate: 40 }],
  ['timeout', { timeout: 0 }],
  ['reset_peer', { timeout: 100 }],
]

describe('behind a bad network', { timeout: SECONDS * 1_000 + 600_000, retry: 0 }, () => {
  const name = `network-${randomUUID().slice(0, 8)}`
  const random = randomNumbers(SEED)
  const oneOf = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  const wires = new Map<string, Proxy>()
  let toxiproxy: Awaited<ReturnType<typeof ownService>>
  let clickhouse: TestClickhouse
  let database: TestDatabase
  let line: KeptRoles

  /** The same address by a wire of its own. */
  async function behind(what: string, address: string): Promise<string> {
    const url = new URL(address)
    const listen = await freePort()
    wires.set(what, await createProxy(toxiproxy.url(), listen, Number(url.port)))
    url.port = String(listen)
    return url.href
  }

  beforeAll(async () => {
    toxiproxy = await ownService('toxiproxy')
    clickhouse = await startTestClickhouse()
    database = await databases.openNew()
    // A broker names the address that clients come back to: one of its listeners names the proxy's.
    wires.set('kafka', await createProxy(toxiproxy.url(), kafka.port('proxy'), kafka.port('proxied')))
    line = await KeptRoles.start({
      HELIO_LOG_URL: `kafka://127.0.0.1:${kafka.port('proxy')}/${name}`,
      HELIO_CRM_URL: await behind('mysql', database.url),
      HELIO_LIVE_URL: await behind('redis', `${redis}?prefix=${name}`),
      HELIO_SERIES_URL: await behind('influxdb', influx),
      HELIO_WAREHOUSE_URL: await behind('clickhouse', clickhouse.url()),
      HELIO_FILES_URL: await behind('minio', await makeBucket(minio, name)),
    })
  })
  afterAll(async () => {
    await line?.remove()
    await toxiproxy?.remove()
    await clickhouse?.stop()
    await database?.remove()
    await databases.end()
  })

  it(`for ${SECONDS} s, and what was acknowledged is stored once (seed ${SEED})`, async () => {
    const { devices, loads } = await line.load(await line.signIn())
    const counts = new Map<string, number>()
    const end = Date.now() + SECONDS * 1_000
    while (Date.now() < end) {
      const ill = new Set([oneOf([...wires.keys()]), oneOf([...wires.keys()])])
      for (const what of ill) {
        const [type, attributes] = oneOf(ILLS)
        const stream = oneOf(['upstream', 'downstream'] as const)
        counts.set(type, (counts.get(type) ?? 0) + 1)
        await wires.get(what)!.add(type, attributes, stream)
      }
      await sleep(random() * ILL_MS)
      for (const what of ill) await wires.get(what)!.clear()
      await sleep(random() * PAUSE_MS)
    }
    await line.expectWhole(devices, loads)
    console.log(`${line.told(loads)}; ${[...counts].map(([type, times]) => `${type} ${times}x`).join(', ')}`)
  })
})
