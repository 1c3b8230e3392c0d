/** The load scripts of `loadtest/k6`, short: they run as written, their thresholds hold, and what they say was acknowledged is stored once. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needTool } from '../../services/for-tests.ts'
import { runCommand } from '../../services/run-command.ts'
import type { Api } from './api.ts'
import { ADMIN, Instance } from './instance.ts'
import { until } from './until.ts'

const SCRIPTS = join(import.meta.dirname, '../../../loadtest/k6')

describe('the load scripts', { timeout: 240_000 }, () => {
  let k6: string
  let folder: string
  let instance: Instance
  let api: Api

  beforeAll(async () => {
    k6 = join(await needTool('k6'), 'k6')
    folder = mkdtempSync(join(tmpdir(), 'helio-k6-'))
    instance = await Instance.start()
    api = await instance.api()
  })
  afterAll(async () => {
    await instance?.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Throws where k6 ends with another code than 0: a threshold was missed, or the script is wrong. @returns its counters */
  async function run(script: string, settings: Record<string, string>): Promise<Record<string, { count?: number }>> {
    const summary = join(folder, 'summary.json')
    await runCommand(k6, ['run', '--quiet', '--no-usage-report', '--summary-export', summary, join(SCRIPTS, script)], {
      env: { HELIO_URL: instance.url, PROFILE: 'smoke', ...settings },
    })
    return (JSON.parse(readFileSync(summary, 'utf8')) as { metrics: Record<string, { count?: number }> }).metrics
  }
  const person = { HELIO_EMAIL: ADMIN.email, HELIO_PASSWORD: ADMIN.password }

  it('readings: acknowledged = stored, each once', async () => {
    const began = Date.now()
    const made = await api.post<{ key: string; connectionId: string }>('/api-keys', { name: 'k6', scopes: ['ingest'] })
    const { readings_acknowledged: acknowledged } = await run('readings.ts', { HELIO_API_KEY: made.key })
    expect(acknowledged?.count).toBeGreaterThan(0)
    const siteId = await api.site()
    const devices = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        api.claim(await api.unclaimed(made.connectionId, `k6-${index}`), siteId),
      ),
    )
    const stored = async () => {
      const rows = await Promise.all(devices.map((id) => api.readings(id, began - 3_700_000, began + 3_600_000)))
      return rows.reduce((sum, { length }) => sum + length, 0)
    }
    await until('all of them are stored', async () => (await stored()) >= acknowledged!.count!)
    expect(await stored()).toBe(acknowledged!.count)
  })

  it('desk: what the pages ask for is answered', async () => {
    expect((await run('desk.ts', person))['http_reqs']?.count).toBeGreaterThan(20)
  })

  it('live: everybody gets a snapshot, nobody is cut off', async () => {
    expect((await run('live.ts', person))['live_snapshots']?.count).toBe(10)
  })
})
