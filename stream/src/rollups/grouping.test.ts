import { describe, expect, it } from 'vitest'
import { eachOrRestore, groups, ofOneFlush } from './grouping.ts'

const DAY = 86_400_000
const job = (device: string, site: string, fromDay: number, toDay: number) => ({
  device: { id: device },
  site: { id: site },
  range: { from: fromDay * DAY, to: toDay * DAY },
})
const names = (jobs: readonly { device: { id: string } }[]) => jobs.map(({ device }) => device.id)

describe('what one flush computes', () => {
  it('is all that is short, and of a long past whole sites, the newest first, until it is enough', () => {
    const sites = Array.from({ length: 10 }, (_, index) => `site${index}`)
    const past = sites.flatMap((site, index) => [
      job(`${site}-a`, site, 0, 400 + index),
      job(`${site}-b`, site, 1, 400 + index),
    ])
    const live = sites.map((site) => job(`${site}-live`, site, 500, 500.5))
    const { now, next, later } = ofOneFlush([...past, ...live], ({ site }) => site.id === 'site0')
    expect(names(now.slice(0, 10))).toEqual(names(live))
    // Two devices of 400 days each: four sites are 3 200 device days.
    expect(names(now.slice(10))).toEqual(
      ['site9', 'site8', 'site7', 'site6'].flatMap((site) => [`${site}-a`, `${site}-b`]),
    )
    expect(names(later)).toEqual(['site0-a', 'site0-b'])
    expect(now.length + next.length + later.length).toBe(past.length + live.length)
  })
  it('is at least one site, however long its past', () => {
    const { now, next } = ofOneFlush([job('a', 'one', 0, 9000), job('b', 'two', 0, 8000)])
    expect([names(now), names(next)]).toEqual([['a'], ['b']])
  })
})

describe('one grouped query', () => {
  it('reads a bounded number of device days, or of devices', () => {
    const year = Array.from({ length: 20 }, (_, index) => job(`d${index}`, 'site', 0, 365 + index / 10))
    for (const group of groups(year)) expect(group.length).toBe(2)
    const minutes = Array.from({ length: 600 }, (_, index) => job(`d${index}`, 'site', 0, 0.01))
    expect(groups(minutes).map((group) => group.length)).toEqual([250, 250, 100])
    expect(groups(minutes, () => 5000).map((group) => group.length)[0]).toBeLessThanOrEqual(20)
  })
})

describe('work of which some fails', () => {
  const run = async (atOnce: number, failing: number) => {
    const [done, restored]: [number[], number[]] = [[], []]
    let most = 0
    let running = 0
    const work = async (item: number) => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, item === failing ? 1 : 5))
      running--
      if (item === failing) throw new Error(`${item} failed`)
      done.push(item)
    }
    const ended = eachOrRestore([0, 1, 2, 3, 4], work, (item) => restored.push(item), atOnce)
    return { error: await ended.then(() => undefined, String), done, restored: restored.sort(), most }
  }
  it('is given back with all that was not begun, one at a time', async () => {
    expect(await run(1, 2)).toEqual({ error: 'Error: 2 failed', done: [0, 1], restored: [2, 3, 4], most: 1 })
  })
  it('lets what is under way end, two at a time', async () => {
    expect(await run(2, 1)).toEqual({ error: 'Error: 1 failed', done: [0], restored: [1, 2, 3, 4], most: 2 })
    expect(await run(2, -1)).toEqual({ error: undefined, done: [0, 1, 2, 3, 4], restored: [], most: 2 })
  })
})
