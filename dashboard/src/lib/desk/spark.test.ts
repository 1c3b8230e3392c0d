import { expect, test } from 'vitest'
import { sparkOf } from './spark.ts'

test('the line spans the box, and what was not known is a gap', () => {
  const spark = sparkOf(
    [
      { ts: 0, lag: 0 },
      { ts: 10, lag: 200 },
      { ts: 20, lag: null },
      { ts: 30, lag: 100 },
      { ts: 40, lag: 0 },
    ],
    100,
    20,
  )
  expect(spark).toEqual({
    line: 'M0 20 L25 0M75 10 L100 20',
    area: 'M0 20 L0 20 L25 0 L25 20ZM75 20 L75 10 L100 20 L100 20Z',
    most: 200,
  })
})
test('a handful behind is no mountain, nothing known is nothing drawn', () => {
  expect(sparkOf([{ ts: 0, lag: 5 }], 100, 20).line).toBe('M0 19 h0.1')
  expect(sparkOf([{ ts: 0, lag: null }], 100, 20)).toEqual({ line: '', area: '', most: 0 })
  expect(sparkOf([], 100, 20).line).toBe('')
})
