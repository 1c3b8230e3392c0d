/**
 * Chapter 3: acknowledged means on disk. Whatever is killed, at whatever moment, nothing that a device was told "received"
 * about is lost, and nothing is stored twice.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Api, ConnectionMade } from './api.ts'
import { claimed } from './claimed.ts'
import { expectConserved } from './conserved.ts'
import { alive, Instance, type PartName } from './instance.ts'
import { Load } from './sender.ts'
import { until } from './until.ts'

const RANDOM_KILLS = 20
/** A start takes longer than this now and then: it is killed in the middle. */
const LONGEST_LIFE_MS = 3_500

describe('kill -9 under load', { timeout: 300_000, retry: 0 }, () => {
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
    return await claimed(instance, api, { connection, siteId }, name)
  }
  async function expectExactly(load: Load, deviceId: string): Promise<void> {
    api = await instance.api()
    await api.drained()
    const stored = await api.readings(deviceId, load.range.from, load.range.to)
    expectConserved(load, stored)
  }

  it.each<PartName>(['edge', 'worker', 'warehouse', 'api'])(
    'loses and doubles nothing when %s is killed',
    async (part) => {
      const deviceId = await device(`kill-${part}`)
      const load = new Load({ instance, connection, device: `kill-${part}`, firstTs: Date.now() - 3_600_000 }).start()
      for (let round = 0; round < 3; round++) {
        await sleep(400 + Math.random() * 400)
        await instance.killPart(part)
      }
      await until('enough acknowledgements', () => load.acknowledged.size > 100)
      const before = load.acknowledged.size
      await until('more acknowledgements', () => load.acknowledged.size > before + 20)
      await load.stop()
      await expectExactly(load, deviceId)
    },
  )

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

  it(`survives ${RANDOM_KILLS} kills of everything at random moments`, { timeout: 900_000 }, async () => {
    const deviceId = await device('kill-all')
    const load = new Load({ instance, connection, device: 'kill-all', firstTs: Date.now() - 3_600_000 }).start()
    for (let round = 1; round <= RANDOM_KILLS; round++) {
      await sleep(Math.random() * LONGEST_LIFE_MS)
      await instance.killAll()
      // Now and then it lives long enough to acknowledge; else it may not even be ready.
      if (round % 4 > 0 && round < RANDOM_KILLS) {
        instance.spawn()
        continue
      }
      const acknowledged = load.acknowledged.size
      await instance.start()
      await until('more acknowledgements', () => load.acknowledged.size > acknowledged)
    }
    const before = load.acknowledged.size
    await until('more acknowledgements', () => load.acknowledged.size > before + 20)
    await load.stop()
    await expectExactly(load, deviceId)
  })
})
