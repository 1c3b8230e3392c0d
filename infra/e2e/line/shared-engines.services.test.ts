/**
 * One instance on engines that several could share: the CRM on a database server, live values on Redis, files in a bucket, the
 * warehouse over HTTP. The same promises: what was acknowledged is stored once, whatever is killed.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needService, ownService } from '../../services/for-tests.ts'
import { createTestDatabases, killSessions } from '../../src/crm/mysql-databases.ts'
import type { TestDatabase } from '../../src/crm/open-for-test.ts'
import { startTestClickhouse, type TestClickhouse } from '../../src/warehouse/clickhouse-server.fixture.ts'
import type { Api, ConnectionMade } from './api.ts'
import { makeBucket } from './bucket.ts'
import { claimed } from './claimed.ts'
import { expectConserved } from './conserved.ts'
import { Instance } from './instance.ts'
import { Load } from './sender.ts'
import { until } from './until.ts'

const databases = createTestDatabases((await needService('mysql')).url())
const minio = (await needService('minio')).url()

describe('an instance on shared engines', { timeout: 300_000, retry: 0 }, () => {
  let redis: Awaited<ReturnType<typeof ownService>>
  let clickhouse: TestClickhouse
  let database: TestDatabase
  let instance: Instance
  let api: Api
  let connection: ConnectionMade
  let siteId: string

  beforeAll(async () => {
    redis = await ownService('redis')
    clickhouse = await startTestClickhouse()
    database = await databases.openNew()
    instance = await Instance.start({
      env: {
        HELIO_CRM_URL: database.url,
        HELIO_LIVE_URL: redis.url(),
        HELIO_WAREHOUSE_URL: clickhouse.url(),
        HELIO_FILES_URL: `${await makeBucket(minio, `line-${randomUUID().slice(0, 13)}`)}?links=${new URL(minio).origin}`,
      },
    })
    api = await instance.api()
    connection = await api.connection()
    siteId = await api.site()
  })
  afterAll(async () => {
    await instance.remove()
    await clickhouse.stop()
    await database.remove()
    await databases.end()
    await redis.remove()
  })

  it('has no warehouse of its own, and says that all its parts are well', async () => {
    expect(Object.keys(instance.parts()).sort()).toEqual(['api', 'edge', 'worker'])
    const { parts } = (await (await fetch(`${instance.url}/readyz`)).json()) as {
      parts: { name: string; state: string }[]
    }
    expect(parts.filter(({ state }) => state !== 'ok')).toEqual([])
    expect(parts.map(({ name }) => name)).toEqual(expect.arrayContaining(['live bus', 'crm', 'log', 'files']))
  })

  it('sends browsers to the bucket for a document, and shows a picture itself', async () => {
    const ticket = await api.post<{ id: string }>('/tickets', { subject: 'Papers', siteId })
    const files = `${api.url}/api/v1/tickets/${ticket.id}/attachments`
    const add = async (name: string, type: string, body: Buffer) => {
      const headers = { ...api.headers, 'content-type': type }
      const answer = await fetch(`${files}?name=${name}`, { method: 'POST', headers, body })
      const { data } = (await answer.json()) as { data: { attachment: { id: string } } }
      return await fetch(`${files}/${data.attachment.id}`, { headers: api.headers, redirect: 'manual' })
    }
    const plan = Buffer.from('%PDF-1.7 a plan')
    const document = await add('plan.pdf', 'application/pdf', plan)
    expect([document.status, document.headers.get('cache-control')]).toEqual([302, 'no-store'])
    const file = await fetch(document.headers.get('location')!)
    expect(Buffer.from(await file.arrayBuffer())).toEqual(plan)
    expect(file.headers.get('content-type')).toBe('application/pdf')
    expect(file.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''plan.pdf")
    const picture = await add('roof.png', 'image/png', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'))
    expect(picture.status).toBe(200)
  })

  it.each(['edge', 'worker', 'api', 'every session of the database', 'the warehouse', 'Redis'])(
    'loses and doubles nothing when %s is killed',
    async (what) => {
      const name = `kill ${what}`
      api = await instance.api()
      const deviceId = await claimed(instance, api, { connection, siteId }, name)
      const load = new Load({ instance, connection, device: name, firstTs: Date.now() - 3_600_000 }).start()
      await sleep(500)
      if (what === 'Redis') {
        await redis.kill()
        await sleep(1_000)
        await redis.start()
      } else if (what === 'the warehouse') {
        await clickhouse.kill()
        await sleep(1_000)
        await clickhouse.revive()
      } else if (what === 'every session of the database') await killSessions(database.url)
      else await instance.killPart(what as 'edge' | 'worker' | 'api')
      await until('enough acknowledgements', () => load.acknowledged.size > 100)
      const before = load.acknowledged.size
      await until('more acknowledgements', () => load.acknowledged.size > before + 20)
      await load.stop()
      api = await instance.api()
      await api.drained()
      expectConserved(load, await api.readings(deviceId, load.range.from, load.range.to))
      const { live } = await api.get<{ live: { acPowerW?: number } | null }>(`/sites/${siteId}/live`)
      expect(live?.acPowerW).toBeGreaterThanOrEqual(0)
    },
  )

  it('ends with 0 within ten seconds, and goes on where it was', async () => {
    const { code, ms } = await instance.end()
    expect(code).toBe(0)
    expect(ms).toBeLessThan(10_000)
    await instance.start()
    api = await instance.api()
    expect((await api.all<{ id: string }>('/sites')).map(({ id }) => id)).toContain(siteId)
  })
})
