/**
 * Chapter 1: a device speaks, is found, is claimed, and is on its site's page. What it said before it was claimed comes
 * after by a replay of the raw log.
 */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Api, ReadingItem } from './api.ts'
import { Instance } from './instance.ts'
import { connect, native, publish } from './sender.ts'

/** The promise is one second; a busy machine gets five. */
const SECOND = 5_000
/** Recorded messages that carry their own time are from 2023. */
const FOUR_YEARS_MS = 4 * 366 * 86_400_000

interface SiteLive {
  live: { acPowerW?: number; status: string } | null
  devices: { deviceId: string; metrics: Record<string, number>; stale: boolean }[]
}

describe('from a device to its page', () => {
  let instance: Instance
  let api: Api
  beforeAll(async () => {
    instance = await Instance.start()
    api = await instance.api()
  })
  afterAll(() => instance.remove())

  const live = (siteId: string) => api.get<SiteLive>(`/sites/${siteId}/live`)

  it('shows a native device: unclaimed, claimed, its history replayed, live within a second', async () => {
    const siteId = await api.site()
    const connection = await api.connection()
    const client = await connect(instance, connection)
    const t0 = Date.now() - 20 * 60_000
    for (let index = 0; index < 20; index++)
      await publish(
        client,
        native('inv-1', t0 + index * 60_000, { ac_power_w: 1_000 + index, energy_total_wh: 5_000_000 + index * 20 }),
      )
    const item = await api.unclaimed(connection.id, 'inv-1')
    const deviceId = await api.claim(item, siteId)
    await expect
      .poll(async () => (await api.readings(deviceId, t0, Date.now())).map(({ metrics }) => metrics['ac_power_w']), {
        timeout: SECOND,
        interval: 50,
      })
      .toEqual(Array.from({ length: 20 }, (_, index) => 1_000 + index))
    // The replayed history is what the page shows until the device speaks again.
    await expect
      .poll(async () => (await live(siteId)).devices[0]?.metrics['ac_power_w'], { timeout: SECOND, interval: 50 })
      .toBe(1_019)

    const sent = Date.now()
    await publish(client, native('inv-1', sent, { ac_power_w: 4_321, energy_total_wh: 5_000_400 }))
    await expect.poll(async () => (await live(siteId)).live?.acPowerW, { timeout: SECOND, interval: 20 }).toBe(4_321)
    const liveAfter = Date.now() - sent
    await expect
      .poll(async () => (await api.readings(deviceId, sent, sent + 1)).length, { timeout: SECOND, interval: 20 })
      .toBe(1)
    expect(liveAfter).toBeLessThan(SECOND)

    await expect
      .poll(
        async () => {
          const { series } = await api.get<{ series: { points: { sum: number | null }[] }[] }>(
            `/series?scope=site:${siteId}&metric=energy_wh&from=${t0 - 3_600_000}&to=${Date.now() + 60_000}&bucket=5m`,
          )
          return series[0]!.points.reduce((sum, { sum: wh }) => sum + (wh ?? 0), 0)
        },
        { timeout: 15_000, interval: 200 },
      )
      .toBeCloseTo(400, 3)
    expect(await api.all(`/unclaimed?connectionId=${connection.id}`)).toEqual([])
    await client.endAsync()
  })

  const recorded = [
    { vendor: 'opendtu', file: 'opendtu/fleet.mqtt.ndjson', metric: 'ac_power_w' },
    { vendor: 'victron', file: 'victron/pvinverter.mqtt.ndjson', metric: 'ac_power_w' },
    { vendor: 'victron', file: 'victron/grid.mqtt.ndjson', metric: 'grid_power_w' },
    { vendor: 'sparkplug-b', file: 'sparkplug-b/dbirth.bin', metric: 'grid_power_w' },
  ]
  it.each(recorded)('shows the recorded messages of $file', async ({ vendor, file, metric }) => {
    const siteId = await api.site()
    const connection = await api.connection({ vendor })
    const client = await connect(instance, connection)
    const messages = fixture(file)
    const send = async () => {
      for (const { topic, body } of messages) await publish(client, body, topic)
    }
    const expected = lastOf(file, metric)
    await send()
    // What comes value by value is one reading when the next one begins.
    const again = setInterval(() => void send(), 1_000)
    const item = await api.unclaimed(connection.id, expected.device).finally(() => clearInterval(again))
    const deviceId = await api.claim(item, siteId)
    const claimed = Date.now()
    await expect
      .poll(async () => history(await api.readings(deviceId, claimed - FOUR_YEARS_MS, Date.now() + 60_000), claimed), {
        timeout: SECOND,
        interval: 50,
      })
      .toBeGreaterThan(0)
    await send()
    await expect
      .poll(async () => (await live(siteId)).devices.find((each) => each.deviceId === deviceId)?.metrics[metric], {
        timeout: SECOND,
        interval: 20,
      })
      .toBeCloseTo(expected.value, 3)
    await client.endAsync()
  })
})

const history = (readings: ReadingItem[], before: number) =>
  readings.filter(({ receivedAt }) => Date.parse(receivedAt) < before).length

const read = (file: string): Buffer => readFileSync(new URL(`../../../ingest/fixtures/${file}`, import.meta.url))
function lines<T>(file: string): T[] {
  return read(file)
    .toString()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T)
}
function fixture(file: string): { topic: string; body: Buffer }[] {
  if (file.endsWith('.bin')) {
    const { topic } = JSON.parse(read(file.replace('.bin', '.meta.json')).toString()) as { topic: string }
    return [{ topic, body: read(file) }]
  }
  return lines<{ topic: string; payload?: unknown }>(file).map(({ topic, payload = '' }) => ({
    topic,
    body: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
  }))
}
/** What must come out of them, as the vendor's own test has it. */
function lastOf(file: string, metric: string): { device: string; value: number } {
  const found = lines<{ device: string; metrics: Record<string, number> }>(
    file.replace(/\.(mqtt\.ndjson|bin)$/, '.expected.ndjson'),
  )
    .filter(({ metrics }) => metrics[metric] !== undefined)
    .at(-1)!
  return { device: found.device, value: found.metrics[metric]! }
}
