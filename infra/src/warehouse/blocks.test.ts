import { expect, it } from 'vitest'
import { splitBlocks } from './blocks.ts'

const rowsOf = (count: number, months: number) =>
  Array.from({ length: count }, (_, index) => ({ ts: Date.UTC(2025, index % months, 1), index }))

it('leaves rows that fit as they come', () => {
  const rows = rowsOf(24, 12)
  expect(splitBlocks(rows)).toEqual([{ rows, months: new Set(Array.from({ length: 12 }, (_, at) => 2025 * 12 + at)) }])
  expect(splitBlocks([])).toEqual([])
})

it('cuts many rows month by month, so that each month is a part in as few blocks as there can be', () => {
  const rows = rowsOf(360_000, 12)
  const blocks = splitBlocks(rows)
  expect(blocks.map((block) => block.rows.length)).toEqual([100_000, 100_000, 100_000, 60_000])
  expect(blocks.map(({ months }) => months.size)).toEqual([4, 4, 4, 2])
  const indexes = blocks.flatMap((block) => block.rows.map((row) => (row as { index: number }).index))
  expect(indexes.sort((a, b) => a - b)).toEqual(rows.map(({ index }) => index))
})

it('gives no block more months than the engine takes', () => {
  const sizes = splitBlocks(rowsOf(300, 300)).map(({ months }) => months.size)
  expect(sizes).toEqual([64, 64, 64, 64, 44])
})
