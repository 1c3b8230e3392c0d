/**
 * Chapter 6: devices repeat themselves, send late and out of order. The numbers are those of a device that did none of it.
 */
import type { MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Api, ConnectionMade } from './api.ts'
import { claimed } from './claimed.ts'
import { Instance } from './instance.ts'
import { connect, native, publish } from './sender.ts'
import { until } from './until.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const STEP = 5 * 60_000

interface Point {
  ts: string
  sum?: number | null
  avg?: number | null
  min?: number | null
  max?: number | null
}

describe('any order', { timeout: 400_000 }, () => {
  let instance: Instance
  let api: Api
  let connection: ConnectionMade
  let siteId: string
  let client: MqttClient
  beforeAll(async () => {
    instance = await Instance.start()
    api = await instance.api()
  })
  // Anew for each attempt: a device that was claimed never comes back among the unclaimed.
  beforeEach(async () => {
    connection = await api.connection()
    siteId = await api.site()
    client = await connect(instance, connection)
  })
  afterEach(() => client.endAsync(true))
  afterAll(() => instance.remove())

  it('stores the same message once: told three times, over another connection, and after a restart', async () => {
    const deviceId = await claimed(instance, api, { connection, siteId }, 'repeats')
    const ts = Date.now() - HOUR
    const body = native('repeats', ts, { ac_power_w: 42, energy_total_wh: 1_000 })
    for (let index = 0; index < 3; index++) await publish(client, body)
    const other = await connect(instance, connection)
    await publish(other, body)
    await other.endAsync()
    await client.endAsync()
    expect((await instance.end('SIGTERM')).code).toBe(0)
    await instance.start()
    client = await connect(instance, connection)
    await publish(client, body)
    await publish(client, native('repeats', ts + 1, { ac_power_w: 43 }))
    api = await instance.api()
    await api.drained()
    const stored = await api.readings(deviceId, ts - 1_000, ts + 1_000)
    expect(stored.map(({ metrics }) => metrics['ac_power_w'])).toEqual([42, 43])
  })

  it('gives the totals of data in order for data that is late by an hour, three days and 400 days', async () => {
    const inOrder = await claimed(instance, api, { connection, siteId }, 'in-order')
    const lately = await claimed(instance, api, { connection, siteId: await api.site() }, 'late')
    const end = Math.floor(Date.now() / STEP) * STEP
    const starts = [end - 400 * DAY, end - 3 * DAY, end - 3 * HOUR, end - HOUR]
    const told = starts.flatMap((start, era) =>
      Array.from({ length: 12 }, (_, index) => ({
        ts: start + index * STEP,
        metrics: { ac_power_w: 1_000 + 37 * index, energy_total_wh: 2_000_000 + era * 5_000 + index * 85 },
      })),
    )
    const send = async (device: string, order: typeof told) => {
      for (const { ts, metrics } of order) await publish(client, native(device, ts, metrics))
      // Roll-ups of every width are written: what comes later has to change them.
      await api.post('/status/settle')
    }
    await send('in-order', told)
    // The newest first, and every era in a batch of its own, so that each meets roll-ups that are written already.
    const eras = starts.map((_, era) => told.slice(era * 12, era * 12 + 12))
    for (const era of [eras[3]!, eras[1]!, eras[0]!, [...eras[2]!].reverse()]) await send('late', era)
    for (const [from, to, bucket] of [
      [end - 2 * HOUR, end, '5m'],
      [end - 4 * DAY, end, '1h'],
      [end - 401 * DAY, end, '1d'],
      [end - 401 * DAY, end, '1mo'],
    ] as const) {
      const sums = async (deviceId: string) => {
        const { series } = await api.get<{ series: { points: Point[] }[] }>(
          `/series?scope=device:${deviceId}&metric=energy_wh&from=${from}&to=${to}&bucket=${bucket}`,
        )
        return series[0]!.points
          .filter(({ sum }) => sum !== null)
          .map(({ ts, sum }) => [ts, Math.round(sum! * 1e3) / 1e3])
      }
      const expected = await until(`energy by ${bucket}`, async () => {
        const found = await sums(inOrder)
        return found.length > 0 && found
      })
      await expect.poll(() => sums(lately), { timeout: 45_000, interval: 1_000, message: bucket }).toEqual(expected)
      expect(await sums(inOrder)).toEqual(expected)
    }
    const total = async (deviceId: string) => {
      const { series } = await api.get<{ series: { points: Point[] }[] }>(
        `/series?scope=device:${deviceId}&metric=energy_wh&from=${end - 401 * DAY}&to=${end}&bucket=1mo`,
      )
      return series[0]!.points.reduce((sum, point) => sum + (point.sum ?? 0), 0)
    }
    // A counter tells it all, gaps included.
    expect(await total(lately)).toBeCloseTo(3 * 5_000 + 11 * 85, 0)
  })

  it('keeps history of three hundred different months that comes at once', async () => {
    const deviceId = await claimed(instance, api, { connection, siteId }, 'months')
    const now = new Date()
    const months = Array.from({ length: 300 }, (_, index) =>
      Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1 - index, 15, 12),
    )
    const readings = months.map((ts, index) => ({ deviceId, ts, metrics: { ac_power_w: index } }))
    await api.post('/imports', { readings })
    await api.drained()
    const stored = [
      ...(await api.readings(deviceId, months[150]!, months[0]! + 1)),
      ...(await api.readings(deviceId, months[299]!, months[150]!)),
    ]
    expect(stored).toHaveLength(300)
    expect(stored.every(({ quality }) => quality.includes('backfill'))).toBe(true)
    // A live message with such dates is no history: what cannot be believed stands at the time of its arrival.
    const sent = Date.now()
    await publish(client, `[${months.map((ts, index) => native('months', ts, { dc_power_w: index })).join()}]`)
    await api.drained()
    const arrived = await api.readings(deviceId, sent - 1_000, Date.now() + 1_000)
    expect(arrived.map(({ quality }) => quality)).toEqual([['clock_suspect']])
  })
})
