import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSupervisor, type PartSpec, StartError, type Supervisor } from './supervisor.ts'

const MODULE = new URL('./part.fixture.ts', import.meta.url).pathname

describe('the supervisor', () => {
  let dir: string
  let supervisor: Supervisor
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'helio-supervisor-'))
    supervisor = createSupervisor(pino({ level: 'silent' }), { hangMs: 1_500, heartbeatMs: 100 })
  })
  afterEach(async () => {
    await supervisor.stop([['part', 'other', 'store']])
    rmSync(dir, { recursive: true })
  })

  /** @param plan what each of its lives does, the last one for ever: `fail`, `die`, `hang` (after it was ready) or `live` */
  const part = (plan: string, name = 'part', optional?: true): PartSpec => ({
    name,
    module: MODULE,
    env: () => ({ PART_PLAN: plan, PART_FILE: join(dir, name) }),
    stopMs: 2_000,
    ...(optional && { optional }),
  })
  const lives = (name = 'part') => (existsSync(join(dir, name)) ? readFileSync(join(dir, name), 'utf8').length : 0)
  const state = (name = 'part') => supervisor.states().find((each) => each.name === name)?.state

  it.each(['die', 'fail'])('tries again a part that is to %s before it is ready', async (end) => {
    await supervisor.start([part(`${end},${end},live`)])
    expect(lives()).toBe(3)
    expect(state()).toBe('ok')
  })

  it('gives up after some attempts, with what the part said', async () => {
    await expect(supervisor.start([part('live', 'other'), part('fail')])).rejects.toThrow(
      new StartError('cannot, for a reason'),
    )
    expect(lives()).toBe(3)
    expect(lives('other')).toBe(1)
  })

  it('starts without what is optional, and tries it on', async () => {
    await supervisor.start([part('fail,fail,fail,fail,fail,live', 'store', true)])
    expect(state('store')).toBe('down')
    await supervisor.start([part('live')])
    expect(state()).toBe('ok')
    await expect.poll(() => state('store'), { timeout: 15_000 }).toBe('ok')
    expect(lives('store')).toBe(6)
  })

  it('starts again a part that is killed, busy for ever or stopped by a signal', async () => {
    await supervisor.start([part('hang,live'), part('live', 'other')])
    // Busy in a loop: it neither ends nor answers.
    await expect.poll(() => lives(), { timeout: 15_000 }).toBe(2)
    await expect.poll(() => state(), { timeout: 5_000 }).toBe('ok')
    for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
      const pid = supervisor.pid('other')!
      process.kill(pid, signal)
      await expect
        .poll(() => supervisor.pid('other') !== pid && state('other') === 'ok', { timeout: 15_000 })
        .toBe(true)
    }
    expect(lives('other')).toBe(3)
  })

  it('lets a part load while it waits for another, and begin when that is there', async () => {
    const base = part('live')
    const slow = { ...base, env: () => ({ ...base.env(), PART_SLOW_MS: '1000' }) }
    const first = supervisor.start([slow])
    let isFirstThere = false
    const after = first.then(() => void (isFirstThere = true))
    const second = supervisor.start([part('live', 'other')], after)
    await expect.poll(() => lives('other')).toBe(1)
    expect(isFirstThere).toBe(false)
    expect(state('other')).toBe('down')
    await second
    expect(isFirstThere).toBe(true)
    expect(lives('other')).toBe(1)
  })

  it('begins nothing that waits for what cannot be started', async () => {
    const after = supervisor.start([part('fail', 'store')])
    const waiting = supervisor.start([part('live', 'other')], after).catch((error: unknown) => error)
    await expect(after).rejects.toThrow(new StartError('cannot, for a reason'))
    expect(state('other')).toBe('down')
    await supervisor.stop([['other']])
    expect(await waiting).toBeInstanceOf(StartError)
  })

  it('leaves alone a part that is only slow', async () => {
    await supervisor.start([part('live')])
    const pid = supervisor.pid('part')
    process.kill(pid!, 'SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 700))
    process.kill(pid!, 'SIGCONT')
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(supervisor.pid('part')).toBe(pid)
  })
})
