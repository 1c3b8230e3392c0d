import { describe, expect, it } from 'vitest'
import { cardLines, drawnLines, lineOf } from './card-lines.ts'

const heights = { head: 30, card: 100 }
const isHead = (row: string) => row.startsWith('#')
const rows = ['#a', '1', '2', '3', '#b', '4', '#c', '5', '6']

describe('lines of cards', () => {
  it('begin anew at every group, and headings have a line of their own', () => {
    const lines = cardLines(rows, 2, isHead, heights)
    expect(lines.map(({ from, to, head, top }) => [rows.slice(from, to).join(''), head, top])).toEqual([
      ['#a', true, 0],
      ['12', false, 30],
      ['3', false, 130],
      ['#b', true, 230],
      ['4', false, 260],
      ['#c', true, 360],
      ['56', false, 390],
    ])
    expect(lineOf(lines, 3)?.top).toBe(130)
  })
  it('are all alike where nothing is grouped', () => {
    expect(cardLines(['1', '2', '3'], 2, isHead, heights).map(({ top, to }) => [top, to])).toEqual([
      [0, 2],
      [100, 3],
    ])
  })
  it('are drawn where they are in sight; what is left out keeps its height', () => {
    const many = cardLines(
      Array.from({ length: 1000 }, (_, index) => (index % 10 === 0 ? '#' : 'x')),
      3,
      isHead,
      heights,
    )
    const whole = many.at(-1)!.top + many.at(-1)!.height
    for (const scrollTop of [0, 5_000, whole - 400, whole + 10_000]) {
      const drawn = drawnLines(many, scrollTop, 400, 1)
      const inside = many.filter(({ from, to }) => from >= drawn.from && to <= drawn.to)
      expect(drawn.before + inside.reduce((sum, { height }) => sum + height, 0) + drawn.after).toBe(whole)
      const top = Math.min(scrollTop, whole - 400)
      expect(drawn.before).toBeLessThanOrEqual(top)
      expect(whole - drawn.after).toBeGreaterThanOrEqual(top + 400)
      expect(inside.length).toBeLessThan(20)
    }
  })
  it('of nothing are none', () => {
    expect(drawnLines([], 50, 400, 2)).toEqual({ from: 0, to: 0, before: 0, after: 0 })
  })
})
