/** A copy of an instance that is under load, and what goes on from it. */
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Api, ConnectionMade } from '../line/api.ts'
import { claimed } from '../line/claimed.ts'
import { Instance } from '../line/instance.ts'
import { connect, Load, native, publish } from '../line/sender.ts'
import { command, emptyDir, good } from './command.ts'

interface Kpi {
  rows: number
  energyWh: number
  peakAcPowerW: number
  days: { date: string; energyWh: number }[]
}
const FIRST = Date.parse('2026-03-01T00:00:00Z')

// A dozen processes are started on the way, on machines that do other things too.
describe('backup and restore', { timeout: 180_000 }, () => {
  let old: Instance
  let restored: Instance
  let api: Api
  let siteId: string
  let deviceId: string
  let connection: ConnectionMade
  let load: Load
  const work = emptyDir('backup')
  const folder = join(work, 'copy')
  const home = join(work, 'home')
  /** Acknowledged before the backup began: these must be in it. */
  let sure: Set<number>
  let figures: Kpi

  const kpiOf = async (dataDir: string): Promise<Kpi> =>
    (
      await good(dataDir, ['kpi', '--site', siteId, '--from', '2025-06-01', '--to', '2025-06-03', '--json'])
    ).json<Kpi>()[0]!

  beforeAll(async () => {
    old = await Instance.start()
    api = await old.api()
    siteId = await api.site(undefined, { name: 'Kept roof' })
    connection = await api.connection({ siteId })
    deviceId = await claimed(old, api, { connection, siteId }, 'LOADED')
    await api.post('/devices', { siteId, kind: 'inverter', vendor: 'native', serial: 'HISTORY' })
    const csv = join(work, 'history.csv')
    const rows = Array.from(
      { length: 576 },
      (_, slot) =>
        `${new Date(Date.parse('2025-05-31T22:00:00Z') + slot * 300_000).toISOString()},${(slot % 288) * 10}`,
    )
    writeFileSync(csv, `time,power\n${rows.join('\n')}\n`)
    await good(old.dataDir, [
      'import',
      csv,
      '--site',
      siteId,
      '--device',
      'HISTORY',
      '--map',
      'power=ac_power_w',
      '--time',
      'time',
    ])
    figures = await kpiOf(old.dataDir)
    load = new Load({ instance: old, connection, device: 'LOADED', firstTs: FIRST }).start()
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    sure = new Set(load.acknowledged)
    await good(old.dataDir, ['backup', folder])
    await load.stop()
  }, 300_000)
  afterAll(async () => {
    await old.remove()
    await restored?.remove()
    rmSync(work, { recursive: true, force: true })
  })

  it('is refused into a folder that holds anything, and out of one that is no backup', async () => {
    const busy = join(work, 'busy')
    mkdirSync(busy)
    writeFileSync(join(busy, 'mine'), '')
    expect(await command(old.dataDir, ['backup', busy])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not empty'),
    })
    expect(readdirSync(busy)).toEqual(['mine'])
    expect(await command(join(work, 'none'), ['restore', busy])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no backup'),
    })
  })

  it('is refused where the data directory holds anything', async () => {
    const before = readdirSync(old.dataDir).sort()
    expect(await command(old.dataDir, ['restore', folder])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not empty'),
    })
    expect(readdirSync(old.dataDir).sort()).toEqual(before)
  })

  it('goes on in another place with the same answers', async () => {
    await good(home, ['restore', folder])
    restored = await Instance.start({ dataDir: home })
    const there = await restored.api()
    expect(await kpiOf(home)).toEqual(figures)
    expect(figures).toMatchObject({ rows: 576, days: [{ date: '2025-06-01' }, { date: '2025-06-02' }] })
    await there.drained()
    const found = (await there.readings(deviceId, load.range.from, load.range.to)).map(({ ts }) => Date.parse(ts))
    expect(new Set(found).size).toBe(found.length)
    expect([...sure].filter((ts) => !found.includes(ts))).toEqual([])
    // Later messages may be in it or not; nothing is there that nobody sent.
    expect(found.filter((ts) => !load.offered.has(ts))).toEqual([])
  })

  it('takes in what comes next, and again what it had, without losing or doubling', async () => {
    const there = await restored.api()
    const client = await connect(restored, connection)
    const times = Array.from({ length: 200 }, (_, index) => load.range.to + index)
    for (const ts of [...[...sure].slice(0, 50), ...times])
      await publish(client, native('LOADED', ts, { ac_power_w: 7 }))
    await client.endAsync()
    await there.drained()
    const found = (await there.readings(deviceId, load.range.to, load.range.to + times.length)).map(({ ts }) =>
      Date.parse(ts),
    )
    expect(found).toEqual(times)
    const before = (await there.readings(deviceId, load.range.from, load.range.to)).map(({ ts }) => Date.parse(ts))
    expect(new Set(before).size).toBe(before.length)
    expect([...sure].filter((ts) => !before.includes(ts))).toEqual([])
    // A change in the CRM finds its way into the line: its events are neither lost nor taken for ones that are known.
    const second = await claimed(restored, there, { connection, siteId }, 'SECOND')
    await there.drained()
    expect(await there.readings(second, Date.now() - 2 * 86_400_000, Date.now())).toHaveLength(1)
  })

  it('holds by every check', async () => {
    expect(await good(home, ['verify', '--windows', '5', '--json'])).toMatchObject({
      stdout: expect.stringContaining('"ok":true'),
    })
    for (const verdict of (await good(home, ['audit', 'verify'])).json<{ ok: boolean }>()) expect(verdict.ok).toBe(true)
  })

  it('is refused when a byte of it changed, and leaves nothing behind', async () => {
    const { files } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
      files: { path: string; bytes: number }[]
    }
    const { path, bytes } = files.find((file) => file.path.startsWith('warehouse/readings'))!
    truncateSync(join(folder, path), bytes - 1)
    const other = join(work, 'other')
    expect(await command(other, ['restore', folder])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('damaged'),
    })
    expect(() => readdirSync(other)).toThrow()
  })
})
