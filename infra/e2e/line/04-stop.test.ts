/** Chapter 4: SIGTERM under load. What is told "received" is kept, the process ends in time, and the next one goes on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claimed } from './claimed.ts'
import { expectConserved } from './conserved.ts'
import { alive, Instance } from './instance.ts'
import { Load } from './sender.ts'
import { until } from './until.ts'

/** The promise is ten seconds; a busy machine gets a little more. */
const LIMIT_MS = 15_000

describe('SIGTERM under load', { timeout: 400_000 }, () => {
  let instance: Instance
  beforeAll(async () => {
    instance = await Instance.start()
  })
  afterAll(() => instance.remove())

  it('ends with 0 in time, leaves nobody behind and loses nothing', async () => {
    let api = await instance.api()
    const connection = await api.connection()
    const deviceId = await claimed(instance, api, { connection, siteId: await api.site() }, 'steady')
    const load = new Load({
      instance,
      connection,
      device: 'steady',
      firstTs: Date.now() - 3_600_000,
      inFlight: 100,
    }).start()
    for (let round = 0; round < 2; round++) {
      const before = load.acknowledged.size
      await until('load', () => load.acknowledged.size > before + 500)
      const parts = Object.values(instance.parts())
      const ended = await instance.end('SIGTERM')
      expect(ended).toMatchObject({ code: 0, signal: null })
      expect(ended.ms).toBeLessThan(LIMIT_MS)
      expect(parts).toHaveLength(4)
      expect(parts.filter(alive)).toEqual([])
      await instance.start()
    }
    await until('load after the restart', () => load.acknowledged.size > 1_200)
    await load.stop()
    api = await instance.api()
    await api.drained()
    expectConserved(load, await api.readings(deviceId, load.range.from, load.range.to))
  })
})
