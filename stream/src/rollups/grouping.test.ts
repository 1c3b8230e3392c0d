import { describe, expect, it } from 'vitest'
import { eachOrRestore, groups, monthsOf, ofOneFlush } from './grouping.ts'

const DAY = 86_400_000
const job = (device: string, site: string, fromDay: number, toDay: number) => ({
  device: { id: device },
  site: { id: site },
  range: { from: fromDay * DAY, to: toDay * DAY },
})
const names = (jobs: readonly { device: { id: string } }[]) => jobs.map(({ device }) => device.id)

describe('what one flush computes', () => {
  it('is all that is short, and of a long past the newest months of whole sites, until it is enough', () => {
    const sites = Array.from({ length: 10 }, (_, index) => `site${index}`)
    const past = sites.flatMap((site) =>
      ['a', 'b'].flatMap((device) =>
        monthsOf({ from: 0, to: 396 * DAY }).map(({ from, to }) =>
          job(`${site}-${device}`, site, from / DAY, to / DAY),
        ),
      ),
    )
    const live = sites.map((site) => job(`${site}-live`, site, 500, 500.5))
    const { now, next, later } = ofOneFlush([...past, ...live], ({ site }) => site.id === 'site0')
    expect(names(now.slice(0, 10))).toEqual(names(live))
    const long = now.slice(10)
    const days = long.reduce((sum, { range }) => sum + (range.to - range.from) / DAY, 0)
    expect(days).toBeGreaterThanOrEqual(3000)
    expect(days).toBeLessThan(3000 + 2 * 31)
    const begins = (jobs: readonly { range: { from: number } }[]) => jobs.map(({ range }) => range.from)
    expect(Math.min(...begins(long))).toBeGreaterThanOrEqual(Math.max(...begins(next)))
    for (const [key, devices] of Map.groupBy(long, ({ site, range }) => `${site.id} ${range.from}`))
      expect(devices, key).toHaveLength(2)
    expect(names(later)).toEqual(names(past.filter(({ site }) => site.id === 'site0')))
    expect(now.length + next.length + later.length).toBe(past.length + live.length)
  })
  it('is at least one site, however long its past', () => {
    const { now, next } = ofOneFlush([job('a', 'one', 0, 9000), job('b', 'two', 0, 8000)])
    expect([names(now), names(next)]).toEqual([['a'], ['b']])
  })
})

describe('a long stretch', () => {
  const day = (text: string): number => Date.parse(`${text}T00:00:00Z`)
  const cut = (from: string, to: string): string[] =>
    monthsOf({ from: day(from), to: day(to) }).map((piece) => new Date(piece.from).toISOString().slice(0, 10))
  it('is cut at the begins of months, and no piece is short', () => {
    expect(cut('2026-01-10', '2026-03-20')).toEqual(['2026-01-10', '2026-02-01', '2026-03-01'])
    expect(cut('2025-12-31', '2026-02-01')).toEqual(['2025-12-31'])
    expect(cut('2025-12-31', '2026-02-04')).toEqual(['2025-12-31', '2026-02-01'])
    expect(cut('2026-01-10', '2026-02-02')).toEqual(['2026-01-10'])
    expect(cut('2026-01-31', '2026-02-01')).toEqual(['2026-01-31'])
  })
  it('is whole, whatever it is', () => {
    for (let length = 1; length < 90; length++) {
      const range = { from: day('2025-11-25') + length * 7_000_000, to: day('2025-11-26') + length * DAY }
      const pieces = monthsOf(range)
      expect([pieces[0]!.from, pieces.at(-1)!.to]).toEqual([range.from, range.to])
      for (let at = 1; at < pieces.length; at++) expect(pieces[at]!.from).toBe(pieces[at - 1]!.to)
    }
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
