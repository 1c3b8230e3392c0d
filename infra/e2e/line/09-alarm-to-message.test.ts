/**
 * Chapter 9: a device says that something is broken; one alarm, one ticket, one message a channel follow. Told twice,
 * judged twice or replayed, it stays one. When it is over the ticket and the people hear of it. Late news wake nobody.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AlarmItem, Api } from './api.ts'
import { createTestMailServer, type TestMailServer } from '../../src/messages/smtp-server.fixture.ts'
import { ACCOUNT, createTestSmsServer, TOKEN, type TestSmsServer } from '../../src/messages/twilio-server.fixture.ts'
import { ADMIN, Instance } from './instance.ts'
import { connect, native, publish } from './sender.ts'
import { until } from './until.ts'

const MINUTE = 60_000

interface TicketItem {
  id: string
  subject: string
  status: string
  customerId: string
  siteId: string
  alarmIds: string[]
}
interface NotificationItem {
  id: string
  channel: 'mail' | 'sms'
  to: string
  subject: string | null
  text: string
  ticketId: string | null
  state: 'queued' | 'sent' | 'failed'
}

describe('alarm to ticket to message', { timeout: 400_000 }, () => {
  let clockDir: string
  let instance: Instance
  let api: Api
  let client: MqttClient
  let customerId: string
  let siteId: string
  let deviceId: string
  let connectionId: string
  let mailServer: TestMailServer
  let smsServer: TestSmsServer
  /** How far the instance's clock is ahead of this process's, milliseconds. */
  let ahead = 0

  const now = () => Date.now() + ahead
  /** Lets time pass for the whole instance at once: a fault counts as over only after minutes. */
  async function pass(milliseconds: number): Promise<void> {
    ahead += milliseconds
    writeFileSync(join(clockDir, 'ahead'), String(ahead))
    await sleep(300)
  }
  const say = (faults: { code: string; severity?: string }[], ts = now(), power = faults.length > 0 ? 0 : 3_000) =>
    publish(
      client,
      native('inv-9', ts, { ac_power_w: power }, { status: faults.length > 0 ? 'fault' : 'producing', faults }),
    )
  const alarms = () => api.all<AlarmItem>(`/alarms?siteId=${siteId}&type=inverter-fault`)
  const tickets = () => api.all<TicketItem>(`/tickets?siteId=${siteId}`)
  const messages = () => api.all<NotificationItem>('/notifications')

  beforeAll(async () => {
    clockDir = mkdtempSync(join(tmpdir(), 'helio-clock-'))
    writeFileSync(join(clockDir, 'ahead'), '0')
    mailServer = await createTestMailServer()
    smsServer = await createTestSmsServer()
    await Promise.all([mailServer.up(), smsServer.up()])
    const shift = new URL('./shifted-clock.mjs', import.meta.url)
    instance = await Instance.start({
      env: {
        NODE_OPTIONS: `--import ${shift.href}`,
        LINE_CLOCK_FILE: join(clockDir, 'ahead'),
        HELIO_MAIL_URL: `smtp://127.0.0.1:${mailServer.port}?from=alerts@helio.test`,
        HELIO_SMS_URL: `twilio+http://${ACCOUNT}:${TOKEN}@127.0.0.1:${smsServer.port}?from=+15005550006`,
      },
    })
    api = await instance.api()
    customerId = await api.customer('Hilltop Dairy')
    siteId = await api.site(customerId)
    const me = await api.get<{ user: { id: string } }>('/me')
    await api.patch(`/users/${me.user.id}`, { phone: '+4915112345678' })
    await api.post('/subscriptions', { customerId, minSeverity: 'critical', channels: ['mail', 'sms'] })
    const connection = await api.connection()
    connectionId = connection.id
    client = await connect(instance, connection)
    await say([])
    deviceId = await api.claim(await api.unclaimed(connectionId, 'inv-9'), siteId)
  })
  afterAll(async () => {
    await client.endAsync(true)
    await instance.remove()
    await Promise.all([mailServer.down(), smsServer.down()])
    rmSync(clockDir, { recursive: true })
  })

  it('opens one alarm, one ticket on the customer, one mail and one SMS, however often it is told', async () => {
    for (let index = 0; index < 5; index++) await say([{ code: '301' }])
    const [alarm] = await until('the alarm', async () => {
      const found = await alarms()
      return found.length > 0 && found[0]!.ticketId !== null && found
    })
    await say([{ code: '301' }])
    await sleep(1_000)
    expect(await alarms()).toHaveLength(1)
    expect(alarm).toMatchObject({ severity: 'critical', historic: false, clearedAt: null, acknowledgedAt: null })
    const [ticket, ...others] = await tickets()
    expect(others).toEqual([])
    expect(ticket).toMatchObject({ customerId, siteId, alarmIds: [alarm!.id] })
    const told = await messages()
    expect(told.map(({ channel }) => channel).sort()).toEqual(['mail', 'sms'])
    expect(told.every(({ ticketId }) => ticketId === ticket!.id)).toBe(true)
    expect(told.find(({ channel }) => channel === 'sms')?.to).toBe('+4915112345678')
  })

  it('reaches the people: one mail, one SMS, marked as sent', async () => {
    await until('both to be sent', async () => (await messages()).every(({ state }) => state === 'sent'))
    expect(new Set(mailServer.taken.map(({ id }) => id)).size).toBe(1)
    expect(mailServer.taken[0]).toMatchObject({ to: ADMIN.email })
    expect(new Set(smsServer.taken.map(({ text }) => text)).size).toBe(1)
    expect(smsServer.taken[0]!.to).toBe('+4915112345678')
    const figures = await (await fetch(`${instance.url}/metrics`)).text()
    expect(figures).toMatch(/helio_notifications_total\{[^}]*channel="mail",result="sent"/)
  })

  it('stays one through kill -9 of what judges and of what writes it down', async () => {
    for (const part of ['worker', 'api'] as const) {
      await instance.killPart(part)
      api = await instance.api()
      await say([{ code: '301' }])
      await api.drained()
      await sleep(1_000)
    }
    expect(await alarms()).toHaveLength(1)
    expect(await tickets()).toHaveLength(1)
    expect(await messages()).toHaveLength(2)
    expect(mailServer.taken).toHaveLength(1)
    expect(smsServer.taken).toHaveLength(1)
  })

  it('is not raised again by a replay of its messages', async () => {
    const { id } = await api.post<{ id: string }>('/replays', { connectionId })
    await api.replayed(id)
    await api.drained()
    await sleep(1_000)
    expect(await alarms()).toHaveLength(1)
    expect(await messages()).toHaveLength(2)
  })

  it('is acknowledged without being over, and over without being forgotten', async () => {
    const [alarm] = await alarms()
    const acknowledged = await api.post<AlarmItem>(`/alarms/${alarm!.id}/acknowledge`)
    expect(acknowledged.acknowledgedAt).not.toBeNull()
    expect(acknowledged.clearedAt).toBeNull()

    await say([])
    await sleep(1_500)
    // Inverters try again: gone for a moment is not over.
    expect((await alarms())[0]!.clearedAt).toBeNull()
    await pass(6 * MINUTE)
    await say([])
    const over = await until('the end of the alarm', async () =>
      (await alarms()).find(({ clearedAt }) => clearedAt !== null),
    )
    expect(over.acknowledgedAt).toBe(acknowledged.acknowledgedAt)
  })

  it('tells the ticket and the people that it is over, once', async () => {
    const [ticket] = await tickets()
    const timeline = await api.get<{ items: { text: string }[] }>(`/tickets/${ticket!.id}/timeline`)
    expect(timeline.items.filter(({ text }) => text.startsWith('Alarm cleared'))).toHaveLength(1)
    const told = await messages()
    expect(told.map(({ channel }) => channel).sort()).toEqual(['mail', 'mail', 'sms', 'sms'])
    expect(told.filter(({ text }) => text.includes('Cleared'))).toHaveLength(2)
  })

  it('writes late faults down as history and wakes nobody', async () => {
    const before = (await messages()).length
    await say([{ code: '777' }], now() - 26 * 60 * MINUTE)
    const late = await until('the late alarm', async () => (await alarms()).find(({ historic }) => historic))
    expect(late).toMatchObject({ ticketId: null })
    expect(late.clearedAt).not.toBeNull()
    await sleep(1_000)
    expect(await messages()).toHaveLength(before)
    expect(await tickets()).toHaveLength(1)
    // What the device said first is still what it says now.
    const { reading } = await api.get<{ reading: { faults?: unknown[] } }>(`/devices/${deviceId}/latest`)
    expect(reading.faults ?? []).toEqual([])
  })
})
