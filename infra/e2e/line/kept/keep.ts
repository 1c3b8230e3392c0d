/**
 * Makes a data directory with a little of everything, as the schema of today leaves it, and packs it: what every later
 * version must open. `node infra/e2e/line/kept/keep.ts NAME` writes `NAME.tar.gz` beside this file.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Api } from '../api.ts'
import { claimed } from '../claimed.ts'
import { Instance, tempDir } from '../instance.ts'
import { connect, native, publish } from '../sender.ts'
import { until } from '../until.ts'
import { type Kept, stable } from './kept.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const name = process.argv[2]
if (name === undefined || !/^[\w.-]+$/.test(name)) throw new Error('give a name, such as the version')
const home = tempDir('keep')
const dataDir = join(home, 'data')
mkdirSync(dataDir)
const instance = await Instance.start({ dataDir })
try {
  const kept = await fill(instance)
  await instance.end('SIGTERM')
  writeFileSync(join(home, 'kept.json'), JSON.stringify(kept, undefined, 1))
  const file = new URL(`${name}.tar.gz`, import.meta.url).pathname
  const leftOut = ['*.lock', '*.lock-*', '*-lock', '*.sock', '*.pid'].map((pattern) => `--exclude=${pattern}`)
  // Maps of the log are mostly holes.
  execFileSync('tar', ['--sparse', ...leftOut, '-I', 'gzip -9', '-cf', file, '-C', home, 'data', 'kept.json'])
  console.log(file)
} finally {
  await instance.remove()
  rmSync(home, { recursive: true, force: true })
}

async function fill(instance: Instance): Promise<Kept> {
  const api = await instance.api()
  const now = Date.now()
  const unit = await api.post<{ id: string }>('/org-units', { name: 'North' })
  const customerId = (
    await api.post<{ id: string }>('/customers', {
      name: 'Hilltop Dairy',
      email: 'barn@hilltop.test',
      orgUnitId: unit.id,
    })
  ).id
  const siteId = await api.site(customerId, { name: 'Cow barn', orgUnitId: unit.id, tags: ['barn', 'north'] })
  await api.post('/arrays', { siteId, name: 'South roof', peakPowerW: 10_000, tiltDeg: 30, azimuthDeg: 180 })
  await api.post('/contracts', {
    name: 'Full service',
    customerId,
    validFrom: '2026-01-01',
    kind: 'maintenance',
    siteIds: [siteId],
    sla: { firstResponseH: 4, solutionH: 24 },
    guarantee: { kind: 'energy', value: 9_000 },
  })
  await api.post('/contacts', { customerId, name: 'Anna Hill', email: 'anna@hilltop.test' })
  await api.post('/subscriptions', { customerId, minSeverity: 'critical', channels: ['mail'] })
  await api.post('/users', {
    email: 'support@line.test',
    name: 'Sam',
    password: 'correct-horse-battery',
    roles: [{ role: 'support' }],
  })
  await api.post('/api-keys', { name: 'Bridge', scopes: ['ingest'] })
  const connection = await api.connection({ name: 'Barn logger', siteId })
  await api.connection({ name: 'Hook', transport: 'webhook', scheme: 'basic' })
  const deviceId = await claimed(instance, api, { connection, siteId }, 'inv-kept')

  // A morning of power and counter, sent by the device itself.
  const client = await connect(instance, connection)
  const from = Math.floor((now - 6 * HOUR) / HOUR) * HOUR
  for (let minute = 0; minute < 120; minute += 5)
    await publish(
      client,
      native('inv-kept', from + minute * MINUTE, {
        ac_power_w: 1_000 + 10 * minute,
        energy_total_wh: 5_000_000 + 20 * minute,
        inverter_temp_c: 41.5,
      }),
    )
  await publish(client, native('stranger', now, { ac_power_w: 1 }))
  await publish(client, 'no reading at all')
  await publish(client, native('inv-kept', now, { ac_power_w: 0 }, { status: 'fault', faults: [{ code: '301' }] }))
  await until('the ticket', async () => (await api.all('/tickets')).length === 1)
  await until('the dead letter', async () => (await api.all('/dead-letters')).length === 1)
  await api.unclaimed(connection.id, 'stranger')
  const [alarm] = await api.all<{ id: string }>('/alarms?type=inverter-fault')
  await api.post(`/alarms/${alarm!.id}/acknowledge`)
  const [ticket] = await api.all<{ id: string }>('/tickets')
  await api.post(`/tickets/${ticket!.id}/comments`, { text: 'Sam drives there on Monday', isPublic: true })

  // Two days of last summer, brought in by an import, of a device that was entered by hand.
  const { id: importedId } = await api.post<{ id: string }>('/devices', {
    siteId,
    kind: 'inverter',
    vendor: 'native',
    serial: 'inv-summer',
    role: 'production',
  })
  const summer = Date.parse('2026-06-20T22:00:00Z')
  const readings = Array.from({ length: 2 * 24 * 4 }, (_, quarter) => ({
    deviceId: importedId,
    ts: summer + quarter * 15 * MINUTE,
    metrics: { ac_power_w: 500, energy_total_wh: 1_000_000 + quarter * 125 },
  }))
  await api.post('/imports', { readings })
  await api.post('/status/settle')
  await api.drained()

  // Acknowledged and not decoded: the next version's work.
  process.kill(await instance.part('worker'), 'SIGSTOP')
  const pending = [now + 1, now + 2, now + 3]
  for (const ts of pending) await publish(client, native('inv-kept', ts, { ac_power_w: 7 }))
  await client.endAsync(true)

  const paths = [
    '/org-units?limit=100',
    '/users?limit=100',
    '/customers?limit=100',
    '/contacts?limit=100',
    '/contracts?limit=100',
    '/sites?limit=100',
    `/sites/${siteId}`,
    '/devices?limit=100',
    '/connections?limit=100',
    '/unclaimed?limit=100',
    '/dead-letters?limit=100',
    '/alarms?type=inverter-fault',
    '/tickets?limit=100',
    `/tickets/${ticket!.id}/timeline`,
    '/subscriptions?limit=100',
    '/notifications?limit=100',
    '/api-keys?limit=100',
    `/devices/${deviceId}/readings?from=${from}&to=${from + 3 * HOUR}&limit=500`,
    `/devices/${importedId}/readings?from=${summer}&to=${summer + 2 * DAY}&limit=500`,
    `/kpi?siteId=${siteId}&from=2026-06-21&to=2026-06-23`,
    ...['5m', '1h'].map(
      (bucket) => `/series?scope=site:${siteId}&metric=energy_wh&from=${from}&to=${from + 3 * HOUR}&bucket=${bucket}`,
    ),
    ...['1h', '1d', '1mo'].map(
      (bucket) => `/series?scope=site:${siteId}&metric=energy_wh&from=2026-06-01&to=2026-07-01&bucket=${bucket}`,
    ),
  ]
  return {
    madeAt: new Date(now).toISOString(),
    siteId,
    deviceId,
    connection,
    pending,
    answers: await answers(api, paths),
  }
}

async function answers(api: Api, paths: string[]): Promise<Kept['answers']> {
  const found: Kept['answers'] = []
  for (const path of paths) found.push({ path, answer: stable(await api.get(path)) })
  return found
}
