/** What is told of the parts while one of them is away: on the engines that lie in this process, each taken away for real. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PartStatus } from '@heliograph/api'
import { createOutboxRelay } from '@heliograph/crm-core'
import { type FileStore, type Log, LogError } from '@heliograph/crm-core/contracts'
import { openTestCrm, type TestCrm } from '../crm/open-for-test.ts'
import { createFolderFiles } from '../files/folder.ts'
import { createLmdbLog } from '../log/lmdb.ts'
import { createLink, type Link } from '../process/link.ts'
import { type ApiPartsDeps, createApiParts } from './api-parts.ts'
import { createLagProbe, withLag } from './lag-probe.ts'
import { createProbe } from './probe.ts'

describe('the parts as the API tells them', { timeout: 60_000 }, () => {
  let folder: string
  let crm: TestCrm
  let log: Log
  let files: FileStore
  let bus: { ok: boolean; detail?: string }
  let clock: number
  let edgeAnswers: boolean

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'helio-parts-'))
    crm = await openTestCrm()
    log = createLmdbLog({ dir: join(folder, 'log') })
    await log.start()
    files = createFolderFiles({ dir: join(folder, 'files') })
    await files.start()
    bus = { ok: true }
    clock = 0
    edgeAnswers = true
  })
  afterEach(async () => {
    await log.stop()
    await crm.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Processes that answer, over a link like the real one. */
  function link(): Link {
    const answers: Record<string, unknown> = {
      'worker status': {
        parts: [
          { name: 'store', state: 'ok', lag: 7 },
          { name: 'decode', state: 'ok', lag: 3 },
        ],
      },
      'edge status': { parts: [{ name: 'mqtt', state: 'ok', lag: 0 }] },
      'worker decode.share': { partitions: 6, rebalances: 2 },
      'supervisor states': [],
    }
    const made = createLink('api', ({ to, kind, id, from }) => {
      const body = answers[`${to} ${kind}`]
      if (to !== 'edge' || edgeAnswers)
        setImmediate(() => made.deliver({ link: true, to: from, from: to, kind, id: id!, reply: true, body }))
      return true
    })
    return made
  }
  const parts = (more: Partial<ApiPartsDeps> = {}): (() => Promise<PartStatus[]>) =>
    createApiParts({
      link: link(),
      isShared: false,
      warehouse: { health: () => Promise.resolve({ ok: true }) },
      db: crm.db,
      log,
      files,
      live: { health: () => bus },
      relay: createOutboxRelay({ db: crm.db, publish: () => Promise.resolve() }),
      channels: [{ name: 'mail', waiting: () => crm.crm.notifications.waiting(['mail']), trouble: () => undefined }],
      demoProgress: () => undefined,
      clock: () => clock,
      ...more,
    })
  const named = (found: PartStatus[], name: string) => found.find((part) => part.name === name)

  it('are all there and well', async () => {
    const found = await parts()()
    expect(found.filter(({ state }) => state !== 'ok')).toEqual([])
    expect(found.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'mqtt',
        'store',
        'decode',
        'warehouse',
        'crm',
        'log',
        'files',
        'events',
        'mail',
        'live bus',
      ]),
    )
  })

  it('name the CRM where its database is away, and the process as unusable only when that lasts', async () => {
    const ask = parts()
    await ask()
    await crm.db.stop()
    const at = performance.now()
    const found = await ask()
    expect(performance.now() - at).toBeLessThan(10_000)
    expect(named(found, 'crm')).toMatchObject({ state: 'down', lag: null })
    expect(named(found, 'crm')!.vital).toBeUndefined()
    // The last that is known of what is asked from it.
    expect(named(found, 'events')).toMatchObject({ state: 'down', lag: 0 })
    expect(named(found, 'mail')).toMatchObject({ state: 'down', lag: 0 })
    for (const well of ['mqtt', 'store', 'warehouse', 'log', 'files']) expect(named(found, well)!.state).toBe('ok')
    clock += 5_000
    expect(named(await ask(), 'crm')).toMatchObject({ state: 'down', vital: true })
    await crm.db.start()
    expect(named(await ask(), 'crm')).toEqual({ name: 'crm', state: 'ok', lag: 0 })
  })

  it('name the log, and the folder of files', async () => {
    let away = true
    const bounds: Log['bounds'] = (topic) =>
      away ? Promise.reject(new LogError('log_unavailable', 'no broker answers')) : log.bounds(topic)
    const ask = parts({ log: { bounds } })
    rmSync(join(folder, 'files'), { recursive: true })
    const found = await ask()
    expect(named(found, 'log')).toMatchObject({ state: 'down', lag: null })
    expect(named(found, 'files')).toMatchObject({ state: 'down', detail: expect.stringContaining('ENOENT') as string })
    expect(named(found, 'crm')!.state).toBe('ok')
    away = false
    await files.start()
    expect((await ask()).filter(({ state }) => state !== 'ok')).toEqual([])
  })

  it('are told in time where one hangs, and it is not asked again meanwhile', async () => {
    let asked = 0
    const hanging = () => {
      asked++
      return new Promise<never>(() => undefined)
    }
    const ask = parts({ warehouse: { health: hanging } })
    const at = performance.now()
    for (let time = 0; time < 2; time++)
      expect(named(await ask(), 'warehouse')).toMatchObject({ state: 'down', detail: 'no answer within 1500 ms' })
    expect(performance.now() - at).toBeLessThan(10_000)
    expect(asked).toBe(1)
  })

  it('call a process dead that does not answer, and not one that cannot be heard', async () => {
    const ask = parts({ isShared: true })
    await ask()
    edgeAnswers = false
    const dead = await ask()
    expect(named(dead, 'mqtt')).toMatchObject({ state: 'down', lag: 0 })
    bus = { ok: false, detail: 'redis:6379 does not answer' }
    const unheard = await ask()
    expect(named(unheard, 'live bus')).toMatchObject({ state: 'degraded', detail: 'redis:6379 does not answer' })
    for (const [name, lag] of [
      ['mqtt', 0],
      ['store', 7],
      ['decode', 3],
    ] as const)
      expect(named(unheard, name)).toMatchObject({
        state: 'degraded',
        lag,
        detail: 'not heard of: the live bus is away; it may be well',
      })
  })

  it('tell how decoders share their work', async () => {
    expect(named(await parts({ isShared: true })(), 'decode')).toMatchObject({
      lag: 3,
      detail: 'one decoder with 6 partitions, shared out anew 2 times',
    })
  })
})

it('a lag that cannot be asked is the last one known, and its part waits for the log', async () => {
  let answer = (): Promise<number> => Promise.resolve(4)
  const probe = createLagProbe(() => answer(), 50)
  expect(withLag('decode', await probe())).toEqual({ name: 'decode', state: 'ok', lag: 4 })
  answer = () => Promise.reject(new Error('no broker'))
  expect(withLag('decode', await probe())).toEqual({
    name: 'decode',
    state: 'degraded',
    lag: 4,
    detail: 'waits for the log: no broker',
  })
  expect(withLag('store', await probe(), 'the warehouse is down')).toMatchObject({ state: 'down', lag: 4 })
})

it('what throws at once is an answer too', async () => {
  const probe = createProbe(() => {
    throw new Error('not started')
  })
  expect(await probe()).toEqual({ trouble: 'not started' })
})
