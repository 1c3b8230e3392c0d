/** Alarms and tickets on the live socket: what is open, and every change of it, as the API answers it. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Registry } from 'prom-client'
import { WebSocket } from 'ws'
import { createApi } from '@heliograph/api'
import type { DomainEvent, LiveBus, LiveServerFrame, LiveUpdate, LiveValue } from '@heliograph/crm-core/contracts'
import { TOPICS, type AlarmRecord } from '@heliograph/crm-core/contracts'
import {
  createWorld,
  listening,
  PUBLIC_URL,
  seedTenant,
  signIn,
  type Client,
  type Tenant,
  type World,
} from './world.ts'

let world: World
let url: string
let mine: Tenant
let other: Tenant
let admin: Client
const open: WebSocket[] = []
beforeAll(async () => {
  world = await createWorld()
  mine = await seedTenant(world, 'mine')
  other = await seedTenant(world, 'other')
  admin = await signIn(world.app, mine.adminEmail)
  url = await listening(world)
})
afterAll(async () => {
  for (const socket of open) socket.terminate()
  await world.stop()
})

/** What a topic has told so far, the newest of each key. */
async function watch(topic: string, client = admin): Promise<Map<string, LiveUpdate>> {
  const socket = new WebSocket(url, { headers: client.headers })
  open.push(socket)
  const told = new Map<string, LiveUpdate>()
  const snapshot = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as LiveServerFrame
      if (frame.type !== 'snapshot' && frame.type !== 'update') return
      for (const update of frame.data) told.set(update.key, update)
      if (frame.type === 'snapshot') resolve()
    })
  })
  socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', id: 'a', topic })))
  await snapshot
  return told
}
/** As the outbox relay tells it. */
function changed(resource: 'alarm' | 'ticket', id: string, tenant = mine): void {
  world.publish({
    type: 'record.changed',
    resource,
    id,
    tenantId: tenant.id,
    version: 1,
    at: Date.now(),
  } as DomainEvent)
}
let offset = 0
async function judged(id: string, action: AlarmRecord['action'], tenant = mine): Promise<void> {
  const alarm = { id, action, tenantId: tenant.id, siteId: tenant.siteId, deviceId: tenant.deviceId, at: Date.now() }
  const what = { type: 'inverter-fault', severity: 'critical', message: 'Isolation fault', historic: false }
  const position = { topic: TOPICS.alarms, consumer: 'desk', partition: 0, offset: ++offset }
  await world.crm.desk.applyAlarms([{ ...alarm, ...what } as AlarmRecord], position)
  changed('alarm', id, tenant)
}

test('an alarm is told when it is raised, acknowledged and over, to its own tenant', async () => {
  const [alarms, site, strangers] = await Promise.all([
    watch('alarms'),
    watch(`site:${mine.siteId}`),
    watch('alarms', await signIn(world.app, other.adminEmail)),
  ])
  await judged('al_1', 'raised')
  await vi.waitFor(() => expect(alarms.get('alarm:al_1')).toBeDefined())
  expect(alarms.get('alarm:al_1')!.value).toEqual((await admin.get('alarms/al_1')).json())
  expect(alarms.get('alarm:al_1')!.value).toMatchObject({ siteId: mine.siteId, clearedAt: null, acknowledgedAt: null })

  await admin.post('alarms/al_1/acknowledge')
  changed('alarm', 'al_1')
  await vi.waitFor(() =>
    expect(alarms.get('alarm:al_1')!.value).toMatchObject({ acknowledgedAt: expect.any(String), clearedAt: null }),
  )
  await judged('al_1', 'cleared')
  await vi.waitFor(() =>
    expect(alarms.get('alarm:al_1')!.value).toMatchObject({ clearedAt: expect.stringMatching(/Z$/) }),
  )
  await vi.waitFor(() => expect(site.get('alarm:al_1')).toEqual(alarms.get('alarm:al_1')))
  expect(strangers.size).toBe(0)
})

test('a ticket is told when it is opened and when it changes', async () => {
  const tickets = await watch('tickets')
  const opened = (await admin.post('tickets', { subject: 'No sun' })).json<{ id: string }>()
  changed('ticket', opened.id)
  const key = `ticket:${opened.id}`
  await vi.waitFor(() => expect(tickets.get(key)?.value).toEqual(opened))
  await admin.patch(`tickets/${opened.id}`, { status: 'open' })
  changed('ticket', opened.id)
  await vi.waitFor(() => expect(tickets.get(key)!.value).toMatchObject({ status: 'open' }))
})

test('a site is told when it is made, renamed and gone, to its own tenant', async () => {
  const [sites, strangers] = await Promise.all([
    watch('sites'),
    watch('sites', await signIn(world.app, other.adminEmail)),
  ])
  const tell = (event: object) =>
    world.publish({ ...event, tenantId: mine.id, version: 1, at: Date.now() } as unknown as DomainEvent)
  const body = { name: 'New roof', customerId: mine.customerId, timezone: 'Europe/Berlin' }
  const { id } = (await admin.post('sites', body)).json<{ id: string }>()
  tell({ type: 'site.upserted', site: { id } })
  const key = `site-record:${id}`
  await vi.waitFor(() => expect(sites.get(key)?.value).toMatchObject({ id, name: 'New roof', version: 1 }))
  await admin.patch(`sites/${id}`, { name: 'Old roof' })
  tell({ type: 'site.upserted', site: { id } })
  await vi.waitFor(() => expect(sites.get(key)!.value).toMatchObject({ name: 'Old roof', version: 2 }))
  await admin.delete(`sites/${id}`)
  tell({ type: 'site.deleted', siteId: id })
  await vi.waitFor(() => expect(sites.get(key)!.value).toBeNull())
  expect(strangers.size).toBe(0)
})

test('who comes later sees what is open, also after a restart', async () => {
  await judged('al_2', 'raised')
  await vi.waitFor(async () => expect((await watch('alarms')).has('alarm:al_2')).toBe(true))
  const afresh: string[] = []
  const live = Object.assign(Object.create(world.live) as LiveBus, {
    publish: (values: LiveValue[]) => void afresh.push(...values.map(({ key }) => key)),
  })
  const again = createApi(
    { ...world.deps, live, metrics: new Registry() },
    { publicUrl: PUBLIC_URL, secret: 'of the process that was started anew', limits: {} },
  )
  await again.listen({ port: 0, host: '127.0.0.1' })
  await vi.waitFor(() =>
    expect(afresh).toEqual(expect.arrayContaining(['alarm:al_2', expect.stringMatching(/^ticket:/)])),
  )
  expect(afresh).not.toContain('alarm:al_1')
  await again.close()
})
