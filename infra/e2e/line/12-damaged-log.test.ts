/** Chapter 12: a byte of the log goes bad, or its last record is torn. It is said, the message it belonged to is left out, and all others are there. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claimed } from './claimed.ts'
import { Instance } from './instance.ts'
import { connect, native, publish } from './sender.ts'
import { until } from './until.ts'

describe('a damaged log', { timeout: 400_000 }, () => {
  let instance: Instance
  beforeAll(async () => {
    instance = await Instance.start()
  })
  afterAll(() => instance.remove())

  const damages = [
    {
      name: 'a flipped byte',
      device: 'flipped',
      mark: 'message-number-2',
      spoil: (bytes: Buffer, at: number) => void (bytes[at + 3]! ^= 0x04),
      left: [100, 101, 103, 104],
    },
    {
      // What was written last, of which only the beginning came to the disk.
      name: 'a torn last record',
      device: 'torn',
      mark: 'message-number-4',
      spoil: (bytes: Buffer, at: number) => void bytes.fill(0, at + 3, bytes.indexOf('}}', at) + 2),
      left: [100, 101, 102, 103],
    },
  ]

  it.each(damages)('reports $name and reads everything else', async ({ device, mark, spoil, left }) => {
    let api = await instance.api()
    const connection = await api.connection()
    const deviceId = await claimed(instance, api, { connection, siteId: await api.site() }, device)
    const t0 = Date.now() - 60_000
    const client = await connect(instance, connection)
    // Nobody decodes while these come in, so that they are read only after the damage.
    process.kill(await instance.part('worker'), 'SIGSTOP')
    for (let index = 0; index < 5; index++)
      await publish(
        client,
        native(
          device,
          t0 + index,
          { ac_power_w: 100 + index },
          { extra: { mark: `${device} message-number-${index}` } },
        ),
      )
    await client.endAsync(true)
    await instance.killAll()

    const file = join(instance.dataDir, 'log/raw/0/log.mdb')
    const bytes = readFileSync(file)
    let spoiled = 0
    for (let at = bytes.indexOf(`${device} ${mark}`); at >= 0; at = bytes.indexOf(`${device} ${mark}`, at + 1)) {
      spoil(bytes, at)
      spoiled++
    }
    expect(spoiled).toBeGreaterThan(0)
    writeFileSync(file, bytes)

    await instance.start()
    api = await instance.api()
    await api.drained()
    const stored = await api.readings(deviceId, t0, t0 + 10)
    expect(stored.map(({ metrics }) => metrics['ac_power_w'])).toEqual(left)
    await until('the report', () => instance.output.includes('a damaged part of the log was left out'))
    // And it goes on.
    const again = await connect(instance, connection)
    await publish(again, native(device, t0 + 9, { ac_power_w: 109 }))
    await again.endAsync()
    await until('the next one', async () => (await api.readings(deviceId, t0 + 9, t0 + 10)).length === 1)
  })
})
