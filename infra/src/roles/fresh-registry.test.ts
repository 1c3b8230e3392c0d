import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { FRESH_MS, type FreshRegistry, watchFreshness } from './fresh-registry.ts'

describe('a registry that decoding may trust', () => {
  let fresh: FreshRegistry
  const { signal } = new AbortController()
  const knows = { everything: true }
  const errors: unknown[] = []
  const bounds = () => Promise.resolve([{ partition: 0, first: 0, next: 7 }])
  const watch = (ask: typeof bounds = bounds) =>
    (fresh = watchFreshness({ bounds: ask }, { reached: () => knows.everything }, (error) => errors.push(error)))
  const isReady = (waitMs: number) =>
    Promise.race([fresh.wait(signal).then(() => true), sleep(waitMs).then(() => false)])
  afterEach(() => fresh.stop())

  it('is one that knew everything a moment ago, and no other', async () => {
    watch()
    expect(await isReady(5_000)).toBe(true)
    knows.everything = false
    await sleep(FRESH_MS + 600)
    expect(await isReady(200)).toBe(false)
    knows.everything = true
    expect(await isReady(5_000)).toBe(true)
  })
  it('is not one where nobody can say what there is to know', async () => {
    watch(() => Promise.reject(new Error('the log is away')))
    expect(await isReady(300)).toBe(false)
    expect(errors).toEqual(expect.arrayContaining([new Error('the log is away')]))
  })
  it('is not waited for by who ends', async () => {
    watch(() => Promise.reject(new Error('the log is away')))
    await expect(fresh.wait(AbortSignal.timeout(50))).rejects.toThrow()
  })
})
