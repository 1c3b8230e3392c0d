/**
 * Chapter 3: acknowledged means on disk. Whatever is killed, at whatever moment, nothing that a device was told "received"
 * about is lost, and nothing is stored twice.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Api, ConnectionMade, ReadingItem } from './api.ts'
import { alive, Instance, type PartName } from './instance.ts'
import { until } from './until.ts'
import { connect, Load, native, publish } from './sender.ts'

const RANDOM_KILLS = 10

describe('kill -9 under load', { timeout: 120_000 }, () => {
  let instance: Instance
  let api: Api
  let connection: ConnectionMade
  let siteId: string

  beforeAll(async () => {
    instance = await Instance.start()
    api = await instance.api()
    connection = await api.connection()
    siteId = await api.site()
  })
  afterAll(() => instance.remove())

  /** A device that is claimed before its load begins. */
  async function device(name: string): Promise<string> {
    api = await instance.api()
    const client = await connect(instance, connection)
    await publish(client, native(name, Date.now() - 86_400_000, { ac_power_w: 1 }))
    await client.endAsync()
    return await api.claim(await api.unclaimed(connection.id, name), siteId)
  }
  /** Every acknowledged reading is there, none twice, none that was not sent, each as it was sent. */
  async function expectExactly(load: Load, deviceId: string): Promise<void> {
    api = await instance.api()
    await api.drained()
    const stored = await api.readings(deviceId, load.range.from, load.range.to)
    expectConserved(load, stored)
  }

  it.each<PartName>(['edge', 'worker', 'warehouse', 'api'])('loses and doubles nothing when %s is killed', async (part) => {
    const deviceId = await device(`kill-${part}`)
    const load = new Load({ instance, connection, device: `kill-${part}`, firstTs: Date.now() - 3_600_000 }).start()
    for (let round = 0; round < 3; round++) {
      await sleep(400 + Math.random() * 400)
      await instance.killPart(part)
    }
    const before = load.acknowledged.size
    await until('more acknowledgements', () => load.acknowledged.size > before + 20)
    await load.stop()
    await expectExactly(load, deviceId)
  })

  it('ends its parts with the supervisor, and accepts again when it is started again at once', async () => {
    const deviceId = await device('kill-supervisor')
    const load = new Load({ instance, connection, device: 'kill-supervisor', firstTs: Date.now() - 3_600_000 }).start()
    for (let round = 0; round < 3; round++) {
      const before = load.acknowledged.size
      await until('more acknowledgements', () => load.acknowledged.size > before + 50)
      const parts = Object.values(instance.parts())
      await instance.end('SIGKILL')
      // At once: the parts of the one that died may still be on their way out.
      await instance.start()
      expect(parts.filter(alive)).toEqual([])
    }
    const before = load.acknowledged.size
    await until('more acknowledgements', () => load.acknowledged.size > before + 20)
    await load.stop()
    await expectExactly(load, deviceId)
  })

  it(`survives ${RANDOM_KILLS} kills of everything at random moments`, { timeout: 180_000 }, async () => {
    const deviceId = await device('kill-all')
    const load = new Load({ instance, connection, device: 'kill-all', firstTs: Date.now() - 3_600_000 }).start()
    for (let round = 0; round < RANDOM_KILLS; round++) {
      await sleep(Math.random() * 1_500)
      await instance.killAll()
      await instance.start()
    }
    const before = load.acknowledged.size
    await until('more acknowledgements', () => load.acknowledged.size > before + 20)
    await load.stop()
    await expectExactly(load, deviceId)
  })
})

function expectConserved(load: Load, stored: ReadingItem[]): void {
  const times = stored.map(({ ts }) => Date.parse(ts))
  const found = new Set(times)
  expect(found.size, 'doubled').toBe(times.length)
  expect([...load.acknowledged].filter((ts) => !found.has(ts)), 'acknowledged and lost').toEqual([])
  expect(times.filter((ts) => !load.offered.has(ts)), 'never sent').toEqual([])
  expect(stored.filter(({ ts, metrics }) => metrics['ac_power_w'] !== Date.parse(ts) % 10_000), 'changed').toEqual([])
  expect(load.acknowledged.size).toBeGreaterThan(100)
}
