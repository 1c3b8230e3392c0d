/**
 * Chapter 7: the disk of the log is full. Nothing is acknowledged that is not on disk, senders are told to come back, and
 * when there is room again all goes on by itself.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from '../../src/process/small-disk.fixture.ts'
import { claimed } from './claimed.ts'
import { Instance, tempDir } from './instance.ts'
import { connect, native, publish } from './sender.ts'
import { until } from './until.ts'

const reason = whyNoSmallDisk()

describe.skipIf(reason !== undefined)(
  `a full disk${reason ? ` (left out: ${reason})` : ''}`,
  { timeout: 400_000 },
  () => {
    const dataDir = tempDir('full')
    let disk: SmallDisk
    let instance: Instance
    beforeAll(async () => {
      disk = mountSmallDisk(join(dataDir, 'log'), 128)
      instance = await Instance.start({ dataDir })
    })
    afterAll(async () => {
      await instance.end()
      disk.remove()
      await instance.remove()
    })

    it('acknowledges nothing, answers 503 with when to come back, and recovers', async () => {
      const api = await instance.api()
      const connection = await api.connection()
      const deviceId = await claimed(instance, api, { connection, siteId: await api.site() }, 'full')
      const { key } = await api.post<{ key: string }>('/api-keys', { name: 'bridge', scopes: ['ingest'] })
      const post = (ts: number) =>
        fetch(`${instance.url}/ingest/v1/readings`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}` },
          body: native('full', ts, { ac_power_w: 1 }),
        })
      const t0 = Date.now() - 3_600_000
      const client = await connect(instance, connection)
      await publish(client, native('full', t0, { ac_power_w: 1 }))
      expect((await post(t0)).status).toBe(202)
      await api.drained()

      disk.fill()
      let acknowledged = false
      const waiting = publish(client, native('full', t0 + 1_000, { ac_power_w: 2 })).then(() => (acknowledged = true))
      const refused = await until('503', async () => {
        const answer = await post(t0 + 2_000)
        return answer.status !== 202 && answer
      })
      expect(refused.status).toBe(503)
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      await sleep(3_000)
      expect(acknowledged).toBe(false)
      // What only reads goes on.
      expect((await fetch(`${instance.url}/healthz`)).status).toBe(200)
      expect(await api.readings(deviceId, t0, t0 + 1)).toHaveLength(1)
      const parts = instance.parts()

      disk.makeRoom()
      await waiting
      await until('202', async () => (await post(t0 + 3_000)).status === 202)
      await api.drained()
      const stored = await api.readings(deviceId, t0, t0 + 10_000)
      expect(stored.map(({ ts }) => Date.parse(ts) - t0)).toEqual([0, 1_000])
      // Nobody died of it.
      expect(instance.parts()).toEqual(parts)
      await client.endAsync()
    })
  },
)
