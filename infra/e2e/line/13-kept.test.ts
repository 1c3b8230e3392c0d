/**
 * Chapter 13: data that an earlier schema wrote. Each kept directory opens under the code of today, and everything is
 * found again: what was answered then is answered now, what was acknowledged then and not decoded is stored now.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { good } from '../cli/command.ts'
import type { Api } from './api.ts'
import { Instance, tempDir } from './instance.ts'
import { type Kept, ofThen, stable } from './kept/kept.ts'
import { connect, native, publish } from './sender.ts'
import { until } from './until.ts'

const FOLDER = new URL('kept/', import.meta.url).pathname
const archives = readdirSync(FOLDER).filter((file) => file.endsWith('.tar.gz'))

it('keeps at least one', () => expect(archives).not.toEqual([]))

describe.each(archives)('a data directory of %s', { timeout: 400_000 }, (archive) => {
  const home = tempDir('kept')
  let kept: Kept
  let instance: Instance
  let api: Api
  beforeAll(async () => {
    execFileSync('tar', ['-xzf', join(FOLDER, archive), '-C', home])
    kept = JSON.parse(readFileSync(join(home, 'kept.json'), 'utf8')) as Kept
    // Its raw messages are as old as the archive.
    instance = await Instance.start({ dataDir: join(home, 'data'), env: { HELIO_RAW_RETENTION_DAYS: '3650' } })
    api = await instance.api()
  })
  afterAll(async () => {
    await instance.remove()
    rmSync(home, { recursive: true, force: true })
  })

  const pending = async (): Promise<(number | undefined)[]> =>
    (await api.readings(kept.deviceId, kept.pending[0]!, kept.pending.at(-1)! + 1)).map(
      ({ metrics }) => metrics['ac_power_w'],
    )
  const expectEverything = async (): Promise<void> => {
    for (const { path, answer } of kept.answers)
      expect(stable(ofThen(await api.get(path), kept)), path).toMatchObject(stable(answer) as object)
    expect(await pending()).toEqual(kept.pending.map(() => 7))
  }

  it('goes on where it was stopped: what was acknowledged and not decoded is stored', async () => {
    await api.drained()
    expect(await pending()).toEqual(kept.pending.map(() => 7))
  })

  it('answers as it did: customers, tickets, readings, figures', expectEverything)

  it('proves its audit trail and its roll-ups', async () => {
    expect(await api.post('/audit/verify')).toMatchObject({ ok: true, broken: null })
    await api.post('/status/settle')
    await good(instance.dataDir, ['verify'])
  })

  it('decodes the raw messages of then again to the same rows', async () => {
    const { id } = await api.post<{ id: string }>('/replays', { connectionId: kept.connection.id })
    await api.replayed(id)
    await api.post('/status/settle')
    await expectEverything()
  })

  it('lets people and devices in with the secrets they have', async () => {
    await instance.api({ email: 'support@line.test', password: 'correct-horse-battery' })
    const client = await connect(instance, kept.connection)
    const ts = Date.now()
    await publish(client, native('inv-kept', ts, { ac_power_w: 4_711 }))
    await client.endAsync()
    await until('the new reading', async () => (await api.readings(kept.deviceId, ts, ts + 1)).length === 1)
  })

  it('opens a second time', async () => {
    await instance.end('SIGTERM')
    await instance.start()
    api = await instance.api()
    await api.drained()
    await expectEverything()
  })
})
