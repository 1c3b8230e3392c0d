/**
 * From one machine to several: an instance is stopped, copied, and put on shared engines, as the operator's page says. Figures, people,
 * documents and the audit trail are there, devices go on with the secrets they have, and a later word on an old instant still counts.
 */
import { randomUUID } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needService } from '../../services/for-tests.ts'
import { createTestDatabases } from '../../src/crm/mysql-databases.ts'
import type { TestDatabase } from '../../src/crm/open-for-test.ts'
import { freePort } from '../../src/process/free-port.ts'
import { startTestClickhouse, type TestClickhouse } from '../../src/warehouse/clickhouse-server.fixture.ts'
import { command, emptyDir, good } from '../cli/command.ts'
import { Api, type ConnectionMade } from './api.ts'
import { makeBucket } from './bucket.ts'
import { claimed } from './claimed.ts'
import { ADMIN, Instance } from './instance.ts'
import { RoleProcess } from './roles.ts'
import { connect, native, publish } from './sender.ts'
import { until } from './until.ts'

const databases = createTestDatabases((await needService('mysql')).url())
const minio = (await needService('minio')).url()
const redis = (await needService('redis')).url()
const kafka = new URL((await needService('kafka')).url())

const PDF = Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n')
const FIRST = Date.now() - 3_600_000

interface Kpi {
  rows: number
  energyWh: number
}

describe('a move to shared engines', { timeout: 400_000, retry: 0 }, () => {
  const name = `moves-${randomUUID().slice(0, 8)}`
  const work = emptyDir('moves')
  const [running, stopped] = [join(work, 'running'), join(work, 'stopped')]
  const roles: RoleProcess[] = []
  let old: Instance
  let clickhouse: TestClickhouse
  let database: TestDatabase
  let env: Record<string, string>
  let url: string
  let connection: ConnectionMade
  let siteId: string
  let deviceId: string
  let ticketId: string
  let attachmentId: string
  let figures: Kpi
  let sent: Record<string, number>[]
  const home = join(work, 'home')

  const kpiOf = async (dataDir: string, more: Record<string, string> = {}): Promise<Kpi> => {
    const ran = await good(
      dataDir,
      ['kpi', '--site', siteId, '--from', '2025-06-01', '--to', '2025-06-03', '--json'],
      more,
    )
    return ran.json<Kpi>()[0]!
  }
  const restore = () => command(home, ['restore', stopped], { HELIO_DEMO: 'off', ...env })

  beforeAll(async () => {
    old = await Instance.start()
    let api = await old.api()
    siteId = await api.site(undefined, { name: 'Moving roof' })
    connection = await api.connection({ siteId })
    deviceId = await claimed(old, api, { connection, siteId }, 'MOVED')
    const device = await connect(old, connection)
    for (let index = 0; index < 30; index++)
      await publish(device, native('MOVED', FIRST + index * 60_000, { ac_power_w: 1_000 + index }))
    // Said twice, and the second time differently: two rows of one instant lie in the store.
    await publish(device, native('MOVED', FIRST, { ac_power_w: 999 }))
    await device.endAsync()
    await api.post('/devices', { siteId, kind: 'inverter', vendor: 'native', serial: 'HISTORY' })
    const csv = join(work, 'history.csv')
    const rows = Array.from({ length: 576 }, (_, slot) => {
      const at = new Date(Date.parse('2025-05-31T22:00:00Z') + slot * 300_000).toISOString()
      return `${at},${(slot % 288) * 10}`
    })
    writeFileSync(csv, `time,power\n${rows.join('\n')}\n`)
    const columns = ['--map', 'power=ac_power_w', '--time', 'time']
    await good(old.dataDir, ['import', csv, '--site', siteId, '--device', 'HISTORY', ...columns])
    const { customerId } = await api.get<{ customerId: string }>(`/sites/${siteId}`)
    ticketId = (await api.post<{ id: string }>('/tickets', { subject: 'The roof moves', customerId, siteId })).id
    const added = await fetch(`${old.url}/api/v1/tickets/${ticketId}/attachments?name=plan.pdf`, {
      method: 'POST',
      headers: { ...api.headers, 'content-type': 'application/pdf' },
      body: PDF,
    })
    expect(added.status).toBe(201)
    attachmentId = ((await added.json()) as { data: { attachment: { id: string } } }).data.attachment.id
    figures = await kpiOf(old.dataDir)
    expect(figures.energyWh).toBeGreaterThan(0)
    await good(old.dataDir, ['backup', running])
    api = await old.api()
    sent = (await api.readings(deviceId, FIRST - 1, FIRST + 3_600_000)).map(({ metrics }) => metrics)
    expect((await old.end()).code).toBe(0)
    await good(old.dataDir, ['backup', stopped], { HELIO_DEMO: 'off' })

    clickhouse = await startTestClickhouse()
    database = await databases.openNew()
    kafka.pathname = `/${name}`
    const httpPort = await freePort()
    url = `http://127.0.0.1:${httpPort}`
    env = {
      HELIO_LOG_URL: kafka.href,
      HELIO_CRM_URL: database.url,
      HELIO_LIVE_URL: `${redis}?prefix=${name}`,
      HELIO_WAREHOUSE_URL: clickhouse.url(),
      HELIO_FILES_URL: await makeBucket(minio, name),
      HELIO_HTTP_PORT: String(httpPort),
      HELIO_MQTT_PORT: String(await freePort()),
    }
  })
  afterAll(async () => {
    await Promise.all(roles.map((role) => role.remove()))
    await old.remove()
    await clickhouse?.stop()
    await database?.remove()
    await databases.end()
    rmSync(work, { recursive: true, force: true })
  })

  it('wants a copy of an instance that was stopped, and engines that answer', async () => {
    const early = await command(home, ['restore', running], { HELIO_DEMO: 'off', ...env })
    expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('made while the instance ran')])
    const nobody = await command(home, ['restore', stopped], {
      HELIO_DEMO: 'off',
      ...env,
      HELIO_LIVE_URL: `redis://127.0.0.1:${await freePort()}`,
    })
    expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringMatching(/^HELIO_LIVE_URL: nothing listens/m)])
  })

  it('brings everything over, once', async () => {
    const ran = await restore()
    expect(ran.stderr).not.toMatch(/error/i)
    expect(ran.code, ran.stderr).toBe(0)
    const again = await restore()
    expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/holds|not empty/)])
  })

  it('has the figures, the readings, the people, the documents and the audit trail on the roles', async () => {
    const api = new RoleProcess('api', env)
    roles.push(api, new RoleProcess('ingest', env), new RoleProcess('stream', env))
    await api.start()
    await Promise.all(roles.slice(1).map((role) => role.start()))
    const client = await until('the API', () => Api.signIn(url, ADMIN), 60_000)
    await client.drained()
    expect(await kpiOf(api.dataDir, env)).toEqual(figures)
    const readings = await client.readings(deviceId, FIRST - 1, FIRST + 3_600_000)
    expect(readings.map(({ metrics }) => metrics)).toEqual(sent)
    expect(readings[0]!.metrics['ac_power_w']).toBe(999)
    expect((await client.get<{ subject: string }>(`/tickets/${ticketId}`)).subject).toBe('The roof moves')
    const file = await fetch(`${url}/api/v1/tickets/${ticketId}/attachments/${attachmentId}`, {
      headers: client.headers,
    })
    expect(Buffer.from(await file.arrayBuffer()).equals(PDF)).toBe(true)
    expect((await command(api.dataDir, ['audit', 'verify'], env)).code).toBe(0)
  })

  it('devices go on with the secrets they have, and what they say of an old instant counts', async () => {
    const client = await Api.signIn(url, ADMIN)
    const at = { url, mqttUrl: `mqtt://127.0.0.1:${env['HELIO_MQTT_PORT']}` } as Instance
    const device = await connect(at, connection)
    await publish(device, native('MOVED', FIRST + 60_000, { ac_power_w: 4_242 }))
    const now = Date.now()
    await publish(device, native('MOVED', now, { ac_power_w: 777 }))
    await device.endAsync()
    await until('both', async () => {
      const readings = await client.readings(deviceId, FIRST, now + 1)
      return readings[1]?.metrics['ac_power_w'] === 4_242 && readings.at(-1)?.metrics['ac_power_w'] === 777
    })
    expect(await client.readings(deviceId, FIRST - 1, FIRST + 3_600_000)).toHaveLength(sent.length)
    const { live } = await until('live', async () => {
      const found = await client.get<{ live: { acPowerW?: number } | null }>(`/sites/${siteId}/live`)
      return found.live?.acPowerW === 777 ? found : undefined
    })
    expect(live?.acPowerW).toBe(777)
    expect((await good(roles[0]!.dataDir, ['verify', '--json'], env)).json<{ ok: boolean }>()[0]!.ok).toBe(true)
  })
})
