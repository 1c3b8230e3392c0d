/** Chapter 5: a store that is down delays and never loses. Devices notice nothing; `/readyz` and the page say so. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AlarmItem, Api } from './api.ts'
import { claimed } from './claimed.ts'
import { expectConserved } from './conserved.ts'
import { Instance } from './instance.ts'
import { connect, Load, native, publish } from './sender.ts'
import { until } from './until.ts'

const OUTAGE_MS = 15_000

describe('a failing store', { timeout: 400_000 }, () => {
  let instance: Instance
  let api: Api
  let siteId: string
  beforeAll(async () => {
    instance = await Instance.start()
    api = await instance.api()
    siteId = await api.site()
  })
  afterAll(() => instance.remove())

  it('raises a fault that was told once, while the store was down, just before what judges was killed', async () => {
    const connection = await api.connection()
    const deviceId = await claimed(instance, api, { connection, siteId }, 'faulty')
    const client = await connect(instance, connection)
    const warehouse = await instance.part('warehouse')
    process.kill(warehouse, 'SIGSTOP')
    await publish(
      client,
      native('faulty', Date.now(), { ac_power_w: 0 }, { status: 'fault', faults: [{ code: '42' }] }),
    )
    await client.endAsync()
    const worker = await instance.part('worker')
    await sleep(50)
    process.kill(worker, 'SIGKILL')
    await sleep(2_000)
    process.kill(warehouse, 'SIGCONT')
    const alarms = () => api.all<AlarmItem>(`/alarms?deviceId=${deviceId}&type=inverter-fault`)
    await until('the alarm', async () => (await alarms()).length > 0)
    await api.drained()
    await sleep(1_000)
    expect(await alarms()).toHaveLength(1)
  })

  const outages: { name: string; device: string; run(): Promise<void> }[] = [
    {
      name: 'that answers nothing',
      device: 'stopped',
      async run() {
        const pid = await instance.part('warehouse')
        process.kill(pid, 'SIGSTOP')
        await sleep(OUTAGE_MS)
        process.kill(pid, 'SIGCONT')
      },
    },
    {
      name: 'that dies again and again',
      device: 'dying',
      async run() {
        const end = Date.now() + OUTAGE_MS
        while (Date.now() < end) {
          const { warehouse } = instance.parts()
          if (warehouse !== undefined) process.kill(warehouse, 'SIGKILL')
          await sleep(250)
        }
      },
    },
  ]

  it.each(outages)('$name: devices go on, it is said, and everything is stored afterwards', async ({ device, run }) => {
    // One of its own: a device that an attempt claimed never comes back among the unclaimed.
    const connection = await api.connection()
    const deviceId = await claimed(instance, api, { connection, siteId }, device)
    const load = new Load({ instance, connection, device, firstTs: Date.now() - 3_600_000, inFlight: 4 }).start()
    await until('load', () => load.acknowledged.size > 50)
    const before = load.acknowledged.size
    const outage = run()
    await until('"degraded"', async () => (await api.ready()).status === 'degraded', OUTAGE_MS)
    const during = await fetch(`${instance.url}/readyz`)
    expect(during.status).toBe(200)
    // Pages that need no store answer all the while.
    expect((await api.ask('GET', '/customers')).status).toBe(200)
    expect((await api.ask('GET', `/sites/${siteId}/live`)).status).toBe(200)
    await outage
    expect(load.acknowledged.size - before).toBeGreaterThan(200)
    await load.stop()
    await until('"ready"', async () => (await api.ready()).status === 'ready', 60_000)
    await api.drained()
    expectConserved(load, await api.readings(deviceId, load.range.from, load.range.to))
  })
})
