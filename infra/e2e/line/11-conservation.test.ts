/**
 * Chapter 11: hostile input and the books. Whatever comes, it is refused, or kept as a dead letter with its bytes, or
 * stored; good devices notice nothing; and the counters add up.
 */
import type { MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Api, ConnectionMade } from './api.ts'
import { claimed } from './claimed.ts'
import { anonymousMb, Instance } from './instance.ts'
import { connect, native, publish } from './sender.ts'
import { until } from './until.ts'

interface Letter {
  id: string
  connectionId: string
  reason: string
  size: number
}

const T0 = Date.now() - 3_600_000
const of = (metrics: string, rest = '') => `{"device":"good","ts":${T0},"metrics":{${metrics}}${rest}}`
/** What each must end as. */
const hostile: { name: string; body: Buffer; reason: string | undefined }[] = [
  { name: 'NaN', body: Buffer.from(of('"ac_power_w":NaN')), reason: 'not-json' },
  { name: '1e309', body: Buffer.from(of('"ac_power_w":1e309')), reason: 'out-of-bounds' },
  { name: 'text for a number', body: Buffer.from(of('"ac_power_w":"lots"')), reason: 'invalid-field' },
  { name: '2^53 + 1', body: Buffer.from(of('"energy_total_wh":9007199254740993')), reason: 'out-of-bounds' },
  {
    name: 'a time of 2^53 + 1',
    body: Buffer.from(`{"device":"good","ts":9007199254740993,"metrics":{"ac_power_w":1}}`),
    reason: 'out-of-bounds',
  },
  {
    name: 'bad UTF-8',
    body: Buffer.concat([Buffer.from('{"device":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
    reason: 'not-utf8',
  },
  { name: 'a million brackets', body: Buffer.from('['.repeat(500_000)), reason: 'too-deep' },
  { name: 'depth 10 000', body: Buffer.from(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`), reason: 'too-deep' },
  { name: 'nothing', body: Buffer.alloc(0), reason: 'not-json' },
  { name: 'no JSON', body: Buffer.from('hello'), reason: 'not-json' },
  { name: 'another JSON', body: Buffer.from('"hello"'), reason: 'unknown-format' },
  {
    name: '__proto__ as a metric',
    body: Buffer.from(of('"__proto__":{"ac_power_w":5},"ac_power_w":"x"')),
    reason: 'invalid-field',
  },
  {
    name: 'a byte order mark',
    body: Buffer.from(`\ufeff${native('good', T0 + 1, { ac_power_w: 1 })}`),
    reason: undefined,
  },
  {
    name: 'NUL bytes behind',
    body: Buffer.from(`${native('good', T0 + 2, { ac_power_w: 2 })}\0\0\0`),
    reason: undefined,
  },
]

describe('hostile input', { timeout: 400_000 }, () => {
  let instance: Instance
  let api: Api
  let connection: ConnectionMade
  let poison: ConnectionMade
  let deviceId: string
  let client: MqttClient
  let parts: ReturnType<Instance['parts']>
  beforeAll(async () => {
    instance = await Instance.start()
    api = await instance.api()
    connection = await api.connection()
    poison = await api.connection({ name: 'Poison' })
    const siteId = await api.site()
    deviceId = await claimed(instance, api, { connection, siteId }, 'good')
    client = await connect(instance, connection)
    parts = instance.parts()
  })
  afterAll(async () => {
    await client.endAsync(true)
    await instance.remove()
  })
  const letters = (connectionId: string) => api.all<Letter>(`/dead-letters?connectionId=${connectionId}`)

  it('ends every bad message as a dead letter with its bytes, and stores what is only odd', async () => {
    for (const { body } of hostile) await publish(client, body)
    await publish(client, native('good', T0 + 3, { ac_power_w: 3 }))
    await api.drained()
    const bad = hostile.filter(({ reason }) => reason !== undefined)
    const kept = await until('the dead letters', async () => {
      const found = await letters(connection.id)
      return found.length >= bad.length && found
    })
    expect(kept.map(({ reason }) => reason).sort()).toEqual(bad.map(({ reason }) => reason).sort())
    for (const letter of kept) {
      const response = await api.ask<string>('GET', `/dead-letters/${letter.id}/body`)
      expect(response.status).toBe(200)
      expect(letter.size).toBe(bad.find(({ body }) => body.length === letter.size)?.body.length)
    }
    const stored = await api.readings(deviceId, T0, T0 + 1_000)
    expect(stored.map(({ metrics }) => metrics['ac_power_w'])).toEqual([1, 2, 3])
  })

  it('cuts who sends a message above the limit, and nobody else', async () => {
    const large = await connect(instance, poison)
    const cut = new Promise<void>((resolve) => large.once('close', () => resolve()))
    void large.publishAsync('readings', Buffer.alloc(8 * 1024 * 1024, 0x20), { qos: 1 }).catch(() => undefined)
    await cut
    await publish(client, native('good', T0 + 4, { ac_power_w: 4 }))
  })

  it('stops for nobody who sends only poison', async () => {
    const senders = await Promise.all(Array.from({ length: 3 }, () => connect(instance, poison)))
    let stop = false
    let sent = 0
    // Small ones, and lists whose every item is bad.
    const list = `[${Array.from({ length: 2_000 }, () => of('"ac_power_w":"x"')).join()}]`
    const loops = senders.map(async (sender) => {
      while (!stop) {
        await publish(sender, ++sent % 50 === 0 ? list : Buffer.from([0xff, sent & 0xff]))
      }
    })
    const from = T0 + 10_000
    for (let index = 0; index < 100; index++) await publish(client, native('good', from + index, { ac_power_w: index }))
    await until('the good ones', async () => (await api.readings(deviceId, from, from + 1_000)).length === 100, 60_000)
    await until('enough poison', () => sent > 1_000, 120_000)
    stop = true
    await Promise.all(loops)
    await Promise.all(senders.map((sender) => sender.endAsync()))
    await api.drained(180_000)
    expect((await letters(poison.id)).length).toBeGreaterThan(100)
    // Nobody died of it, and nobody grew.
    expect(instance.parts()).toEqual(parts)
    for (const [name, pid] of Object.entries(parts))
      if (name !== 'warehouse') expect(anonymousMb(pid), name).toBeLessThan(900)
  })

  it('can tell where every message and every reading is, whatever was sent', async () => {
    const before = await books()
    const sent = { good: 20, burst: 200, again: 5, other: 3, posted: 3, imported: 40, strange: 7 }
    const from = T0 + 20_000
    for (let index = 0; index < sent.good; index++)
      await publish(client, native('good', from + index, { ac_power_w: index }))
    // All at once, so that some meet their first while it is on its way.
    await Promise.all(
      Array.from({ length: sent.burst }, (_, index) =>
        publish(client, native('good', from + 1_000 + (index % 10), { ac_power_w: 1 })),
      ),
    )
    for (let index = 0; index < sent.again; index++)
      await publish(client, native('good', from + index, { ac_power_w: index }))
    for (let index = 0; index < sent.other; index++)
      await publish(client, native('good', from + index, { ac_power_w: 1_000 + index }))
    const stranger = await connect(instance, poison)
    for (let index = 0; index < sent.strange; index++)
      await publish(stranger, native('stranger', T0 + index, { ac_power_w: 1 }))
    await publish(stranger, '[]')
    await publish(stranger, 'poison')
    await stranger.endAsync()
    const { key } = await api.post<{ key: string }>('/api-keys', { name: 'bridge', scopes: ['ingest'] })
    const post = (body: string, authorization = `Bearer ${key}`) =>
      fetch(`${instance.url}/ingest/v1/readings`, { method: 'POST', headers: { authorization }, body })
    for (let index = 0; index < sent.posted; index++)
      expect((await post(native('posted', T0 + index, { ac_power_w: 1 }))).status).toBe(202)
    expect((await post('no JSON')).status).toBe(400)
    expect((await post('{}', 'Bearer helio_wrong')).status).toBe(401)
    const summer = Date.parse('2026-06-01T00:00:00Z')
    await api.post('/imports', {
      readings: Array.from({ length: sent.imported }, (_, index) => ({
        deviceId,
        ts: summer + index * 60_000,
        metrics: { ac_power_w: index },
      })),
    })
    await api.drained()
    const replay = await api.post<{ id: string }>('/replays', { connectionId: connection.id })
    await api.replayed(replay.id)
    await api.drained()

    const after = await books()
    const { message, reading, row } = after
    // Messages: every one that is on disk has one end, and a replay is no message.
    expect(message.decoded + message.empty + message.unclaimed + message.deadLetter).toBe(after.received)
    expect(after.acknowledged).toBe(after.received)
    expect(after.received - before.received).toBe(
      sent.good + sent.burst + sent.again + sent.other + sent.strange + 2 + sent.posted + 1,
    )
    expect(after.rejected - before.rejected).toBe(2)
    expect(message.unclaimed - before.message.unclaimed).toBe(sent.strange + sent.posted)
    // Readings: every one that was produced has one end, and what a replay gives is apart.
    expect(row.stored + row.duplicate + row.superseded + row.refused + reading.superseded).toBe(reading.produced)
    expect(reading.produced - before.reading.produced).toBe(
      sent.good + sent.burst + sent.again + sent.other + sent.imported,
    )
    expect(row.stored - before.row.stored).toBe(sent.good + 10 + sent.imported)
    expect(row.duplicate + reading.superseded - before.row.duplicate - before.reading.superseded).toBe(
      sent.again + sent.burst - 10,
    )
    expect(row.superseded - before.row.superseded).toBe(sent.other)
    expect(row.replayed - before.row.replayed).toBeGreaterThanOrEqual(sent.good)
  })

  /** What `/metrics` says of the whole line. */
  async function books() {
    const metrics = await api.metrics()
    const ingest = (name: string) => metrics.sum(`helio_ingest_${name}_messages_total`)
    const message = (result: string) => metrics.sum('helio_decode_messages_total', { result })
    const row = (result: string) => metrics.sum('helio_store_rows_total', { store: 'warehouse', result })
    return {
      received: ingest('received'),
      acknowledged: ingest('acknowledged'),
      rejected: ingest('rejected'),
      message: {
        decoded: message('decoded'),
        empty: message('empty'),
        unclaimed: message('unclaimed'),
        deadLetter: message('dead-letter'),
      },
      reading: {
        produced: metrics.sum('helio_decode_readings_total', { result: 'produced' }),
        superseded: metrics.sum('helio_decode_readings_total', { result: 'superseded' }),
      },
      row: {
        stored: row('stored'),
        duplicate: row('duplicate'),
        superseded: row('superseded'),
        refused: row('refused'),
        replayed: row('replayed'),
      },
    }
  }
})
