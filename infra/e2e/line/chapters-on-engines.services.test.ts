/**
 * Chapters of the line, word for word, on the engines of scale: what they promise does not depend on where it is kept. Each instance has
 * a database, a prefix, a bucket and a warehouse of its own. `npm run test:services -- --long` runs those too that take minutes.
 */
import { randomUUID } from 'node:crypto'
import { afterAll } from 'vitest'
import { needService } from '../../services/for-tests.ts'
import { createTestDatabases } from '../../src/crm/mysql-databases.ts'
import type { TestDatabase } from '../../src/crm/open-for-test.ts'
import { startTestClickhouse, type TestClickhouse } from '../../src/warehouse/clickhouse-server.fixture.ts'
import { makeBucket } from './bucket.ts'
import { Instance } from './instance.ts'

const databases = createTestDatabases((await needService('mariadb')).url())
const minio = (await needService('minio')).url()
const redis = (await needService('redis')).url()
const influx = (await needService('influxdb')).url()
const kafka = new URL((await needService('kafka')).url())

interface Made {
  settings: Record<string, string>
  database: TestDatabase
  clickhouse: TestClickhouse
}
const made = new Map<string, Made>()

async function make(): Promise<Made> {
  const name = `chapter-${randomUUID().slice(0, 8)}`
  const log = new URL(kafka)
  log.pathname = `/${name}`
  const [database, clickhouse, files] = await Promise.all([
    databases.openNew(),
    startTestClickhouse(),
    makeBucket(minio, name),
  ])
  const settings = {
    HELIO_LOG_URL: log.href,
    HELIO_CRM_URL: database.url,
    HELIO_LIVE_URL: `${redis}?prefix=${name}`,
    HELIO_WAREHOUSE_URL: clickhouse.url(),
    HELIO_SERIES_URL: influx,
    HELIO_FILES_URL: files,
  }
  return { settings, database, clickhouse }
}
Instance.engines = {
  async settingsFor(dataDir) {
    let known = made.get(dataDir)
    if (!known) made.set(dataDir, (known = await make()))
    return known.settings
  },
  async release(dataDir) {
    const gone = made.get(dataDir)
    made.delete(dataDir)
    await gone?.clickhouse.stop()
    await gone?.database.remove()
  },
}
afterAll(async () => {
  for (const dataDir of [...made.keys()]) await Instance.engines!.release(dataDir)
  await databases.end()
})

await import('./01-appears.test.ts')
await import('./08-strangers.test.ts')
await import('./09-alarm-to-message.test.ts')
await import('./11-conservation.test.ts')
if (process.env['HELIO_TEST_LONG']) {
  await import('./02-webhooks.test.ts')
  await import('./06-any-order.test.ts')
  await import('./15-changed-decoder.test.ts')
  await import('./19-storm.test.ts')
}
