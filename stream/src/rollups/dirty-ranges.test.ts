import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DirtyRanges } from './dirty-ranges.ts'

describe('dirty ranges', () => {
  it('stay few, forget nothing, and know since when they wait', () => {
    const range = fc.record({
      from: fc.integer({ min: 0, max: 1000 }),
      length: fc.integer({ min: 1, max: 50 }),
      since: fc.nat(),
    })
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 60 }), (added) => {
        const dirty = new DirtyRanges<string>()
        for (const { from, length, since } of added) dirty.add('a', from, from + length, since)
        expect(dirty.oldest).toBe(Math.min(...added.map(({ since }) => since)))
        const [entry] = dirty.take()
        expect(dirty.size).toBe(0)
        expect(entry!.ranges.length).toBeLessThanOrEqual(8)
        for (const [index, { from }] of entry!.ranges.entries())
          if (index > 0) expect(from).toBeGreaterThan(entry!.ranges[index - 1]!.to)
        for (const { from, length } of added)
          expect(entry!.ranges.some((found) => found.from <= from && found.to >= from + length)).toBe(true)
      }),
    )
  })
  it('grow together where they lie closest', () => {
    const dirty = new DirtyRanges<string>()
    for (let index = 0; index < 9; index++) dirty.add('a', index * 100, index * 100 + (index === 4 ? 60 : 10), 1)
    expect(dirty.take()[0]!.ranges.filter(({ from, to }) => to - from > 60)).toEqual([{ from: 400, to: 510 }])
    dirty.add('a', 5, 5, 1)
    expect([dirty.size, dirty.oldest]).toEqual([0, Infinity])
  })
  it('are taken by key', () => {
    const dirty = new DirtyRanges<string>()
    dirty.add('a', 0, 1, 1)
    dirty.add('b', 0, 1, 2)
    expect(dirty.take((key) => key === 'b').map(({ key }) => key)).toEqual(['b'])
    expect([dirty.size, dirty.oldest]).toEqual([1, 1])
  })
})
