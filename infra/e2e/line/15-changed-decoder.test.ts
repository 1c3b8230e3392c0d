/**
 * Chapter 15: a decoder is changed so that the same messages yield other times. A replay of their raw bytes puts the new rows in
 * and takes the old ones out; totals are those of the new ones alone.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Api, ConnectionMade } from './api.ts'
import { claimed } from './claimed.ts'
import { Instance } from './instance.ts'
import { connect, native, publish } from './sender.ts'

const MINUTE = 60_000
const LATER_MS = 30_000
const COUNT = 60
const CHANGED = { NODE_OPTIONS: `--import ${new URL('./changed-decoder.mjs', import.meta.url).href}` }

describe('a changed decoder', { timeout: 400_000 }, () => {
  let instance: Instance
  let api: Api
  let connection: ConnectionMade
  let deviceId: string
  /** A whole quarter of an hour, so that half a minute moves no energy out of the window asked for. */
  const from = Math.floor((Date.now() - 3 * 60 * MINUTE) / (15 * MINUTE)) * 15 * MINUTE
  beforeAll(async () => {
    instance = await Instance.start()
    api = await instance.api()
    connection = await api.connection()
    deviceId = await claimed(instance, api, { connection, siteId: await api.site() }, 'moved')
  })
  afterAll(() => instance.remove())

  const times = async () =>
    (await api.readings(deviceId, from, from + 2 * COUNT * MINUTE)).map(({ ts }) => (Date.parse(ts) - from) / 1_000)
  const energy = async () => {
    const { series } = await api.get<{ series: { points: { sum: number | null }[] }[] }>(
      `/series?scope=device:${deviceId}&metric=energy_wh&from=${from - 15 * MINUTE}&to=${from + 2 * COUNT * MINUTE}&bucket=5m`,
    )
    return series[0]!.points.reduce((sum, { sum: wh }) => sum + (wh ?? 0), 0)
  }
  async function replay(): Promise<void> {
    const { id } = await api.post<{ id: string }>('/replays', { connectionId: connection.id })
    await api.replayed(id)
    await api.post('/status/settle')
  }
  /** The same data, under the code that is given. */
  async function restart(env: Record<string, string>, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const { dataDir, httpPort, mqttPort } = instance
    await instance.end(signal)
    instance = await Instance.start({ dataDir, httpPort, mqttPort, env })
    api = await instance.api()
    await api.drained()
  }

  it('moves every row of a replayed message, and leaves none where it was', async () => {
    const client = await connect(instance, connection)
    for (let index = 0; index < COUNT; index++)
      await publish(
        client,
        native('moved', from + index * MINUTE, { ac_power_w: 600, energy_total_wh: 1_000_000 + index * 10 }),
      )
    await client.endAsync()
    await api.drained()
    await api.post('/status/settle')
    const before = Array.from({ length: COUNT }, (_, index) => index * 60)
    expect(await times()).toEqual(before)
    expect(await energy()).toBeCloseTo((COUNT - 1) * 10, 3)

    await restart(CHANGED)
    expect(await times()).toEqual(before)
    await replay()
    expect(await times()).toEqual(before.map((second) => second + LATER_MS / 1_000))
    expect(await energy()).toBeCloseTo((COUNT - 1) * 10, 3)
    // Again: nothing more moves.
    await replay()
    expect(await times()).toEqual(before.map((second) => second + LATER_MS / 1_000))
  })

  it('moves them back when the change is taken back', async () => {
    await restart({})
    await replay()
    expect(await times()).toEqual(Array.from({ length: COUNT }, (_, index) => index * 60))
    expect(await energy()).toBeCloseTo((COUNT - 1) * 10, 3)
  })

  it('moves them all when everything is killed in the middle: a replay begins anew', async () => {
    await restart(CHANGED)
    const { id } = await api.post<{ id: string }>('/replays', { connectionId: connection.id })
    await restart(CHANGED, 'SIGKILL')
    await api.replayed(id)
    await api.post('/status/settle')
    expect(await times()).toEqual(Array.from({ length: COUNT }, (_, index) => index * 60 + LATER_MS / 1_000))
    expect(await energy()).toBeCloseTo((COUNT - 1) * 10, 3)
  })
})
