import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { groupNear, joinNear, NEAR_MS, type Range } from './near-ranges.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const ranges = fc.array(
  fc
    .record({ from: fc.integer({ min: 0, max: 500 }), length: fc.integer({ min: 1, max: 100 }) })
    .map(({ from, length }): Range => ({ from: from * HOUR, to: (from + length) * HOUR })),
  { maxLength: 40 },
)

describe('stretches that lie close', () => {
  it('become one where the gap is short beside them, and stay apart where it is long', () => {
    expect(
      joinNear([
        { from: 20 * DAY, to: 40 * DAY },
        { from: 0, to: 18 * DAY },
      ]),
    ).toEqual([{ from: 0, to: 40 * DAY }])
    const apart = [
      { from: 0, to: HOUR },
      { from: 400 * DAY, to: 400 * DAY + HOUR },
    ]
    expect(joinNear(apart)).toEqual(apart)
    expect(joinNear([])).toEqual([])
  })
  it('cover what was given, in order, with a gap worth leaving out between each', () => {
    fc.assert(
      fc.property(ranges, (given) => {
        const joined = joinNear(given)
        for (const { from, to } of given)
          expect(joined.some((found) => found.from <= from && found.to >= to)).toBe(true)
        for (const [index, { from }] of joined.entries())
          if (index > 0) expect(from - joined[index - 1]!.to).toBeGreaterThan(NEAR_MS)
      }),
    )
  })
})

describe('groups of stretches', () => {
  const group = (items: readonly (Range & { key: string })[], most = 1000) =>
    groupNear(items, { rangeOf: (item) => item, keyOf: ({ key }) => key, most }).map((some) =>
      some.map(({ key }) => key),
    )

  it('hold long ones whose ends differ by days, and short ones whose ends differ by minutes', () => {
    const long = ['a', 'b', 'c'].map((key, index) => ({ key, from: index * 3 * DAY, to: (60 - index) * DAY }))
    const short = ['d', 'e'].map((key, index) => ({ key, from: index * HOUR, to: (2 + index) * HOUR }))
    expect(group([...long, ...short])).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ])
  })
  it('hold nothing twice, nothing of one key together, and no more than they may', () => {
    fc.assert(
      fc.property(ranges, fc.integer({ min: 1, max: 6 }), (given, most) => {
        const items = given.map((range, index) => ({ ...range, key: `k${index % 7}`, index }))
        const found = groupNear(items, { rangeOf: (item) => item, keyOf: ({ key }) => key, most })
        expect(
          found
            .flat()
            .map(({ index }) => index)
            .sort((a, b) => a - b),
        ).toEqual(items.map(({ index }) => index))
        for (const some of found) {
          expect(some.length).toBeLessThanOrEqual(most)
          expect(new Set(some.map(({ key }) => key)).size).toBe(some.length)
        }
      }),
    )
  })
})
