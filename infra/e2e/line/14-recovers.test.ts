/**
 * Chapter 14: parts that die before they are ready, hang, or have no store to begin with. The instance comes up without
 * them, says so, and is whole again when they are.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Api } from './api.ts'
import { Instance, type PartName } from './instance.ts'
import { connect, native, publish } from './sender.ts'
import { until } from './until.ts'

const SAID = 'MQTT         mqtt://'

describe('a part that is not there', { timeout: 400_000 }, () => {
  let instance: Instance
  afterEach(() => instance.remove())
  const partOf = async (api: Api, name: string) => (await api.ready()).parts.find((part) => part.name === name)

  it('is started again when it is killed before it was ready the first time', async () => {
    instance = await Instance.create()
    const child = instance.spawn()
    for (const name of ['warehouse', 'api', 'worker', 'edge'] as const satisfies PartName[]) {
      const pid = await instance.part(name)
      process.kill(pid, 'SIGKILL')
      await until(`another ${name}`, () => ![undefined, pid].includes(instance.parts()[name]))
    }
    await until('the start', () => instance.output.includes(SAID), 60_000)
    expect(child.exitCode).toBeNull()
    const api = await instance.api()
    await until('"ready"', async () => (await api.ready()).status === 'ready')
  })

  it('is the store: devices and pages are served without it, and all is stored when it comes', async () => {
    instance = await Instance.create()
    // Where its folder should be lies a file: it cannot start.
    const inTheWay = join(instance.dataDir, 'warehouse')
    writeFileSync(inTheWay, '')
    await instance.start()
    const api = await instance.api()
    expect((await fetch(`${instance.url}/readyz`)).status).toBe(200)
    expect(await api.ready()).toMatchObject({ status: 'degraded' })
    expect(await partOf(api, 'warehouse')).toEqual({ name: 'warehouse', state: 'down', lag: null })
    const siteId = await api.site()
    const connection = await api.connection()
    const client = await connect(instance, connection)
    const from = Date.now() - 60_000
    await publish(client, native('early', from, { ac_power_w: 1 }))
    const { id } = await api.unclaimed(connection.id, 'early')
    // Claimed at once; its history waits for the store.
    const { replayId } = await api.post<{ replayId: string }>(`/unclaimed/${id}/claim`, { siteId })
    let sent = 1
    await until('what waits', async () => {
      await publish(client, native('early', from + sent, { ac_power_w: sent }))
      sent++
      return ((await partOf(api, 'store'))?.lag ?? 0) >= 20
    })
    await client.endAsync()
    expect(await partOf(api, 'store')).toMatchObject({ state: 'down' })

    rmSync(inTheWay)
    await until('"ready"', async () => (await api.ready()).status === 'ready', 60_000)
    await api.replayed(replayId)
    const [device] = await api.all<{ id: string }>('/devices')
    await until('the readings', async () => (await api.readings(device!.id, from, from + sent)).length === sent, 30_000)
    await api.drained()
  })

  it('hangs: it is told as down with what was known of it, and started again', async () => {
    instance = await Instance.start()
    const api = await instance.api()
    await until('"ready"', async () => (await api.ready()).status === 'ready')
    const pid = await instance.part('worker')
    process.kill(pid, 'SIGSTOP')
    const decode = await until('"down"', async () => {
      const part = await partOf(api, 'decode')
      return part?.state === 'down' && part
    })
    expect(decode.lag).toBe(0)
    await until('another worker', () => ![undefined, pid].includes(instance.parts().worker), 60_000, 200)
    await until('"ready"', async () => (await api.ready()).status === 'ready')
  })
})
