import { expect, it } from 'vitest'
import { HOUR } from '../format/times.ts'
import { addMonths, lastDays, lastMonths, parseDay, parseRange, parseZoom, rangeOf, zoomText } from './ranges.ts'

const zone = 'Europe/Berlin'
const now = Date.parse('2026-03-29T10:00:00Z')

it('ranges are whole local days, with clock changes', () => {
  const day = rangeOf('day', '2026-03-29', zone, now)
  expect(day).toMatchObject({
    from: Date.parse('2026-03-28T23:00:00Z'),
    to: Date.parse('2026-03-29T22:00:00Z'),
    current: true,
  })
  expect((day.to - day.from) / HOUR).toBe(23)
  const week = rangeOf('week', '2026-03-28', zone, now)
  expect(week.current).toBe(false)
  expect((week.to - week.from) / HOUR).toBe(7 * 24)
})
it('addresses with nonsense show today', () => {
  expect(parseDay('2026-02-31x', '2026-03-29')).toBe('2026-03-29')
  expect(parseDay('2030-01-01', '2026-03-29')).toBe('2026-03-29')
  expect(parseDay('2026-01-01', '2026-03-29')).toBe('2026-01-01')
  expect(parseRange('__proto__')).toBe('day')
  expect(parseRange('month')).toBe('month')
})
it('a zoom stays within its range', () => {
  const range = rangeOf('day', '2026-03-29', zone, now)
  const text = zoomText(range.from + HOUR, range.from + 2 * HOUR)
  expect(parseZoom(text, range)).toEqual({ from: range.from + HOUR, to: range.from + 2 * HOUR })
  expect(parseZoom(zoomText(0, range.from - HOUR), range)).toBeUndefined()
  expect(parseZoom('1-2', range)).toBeUndefined()
  expect(parseZoom(null, range)).toBeUndefined()
})
it('last days and months are in order', () => {
  expect([addMonths('2026-03-31', -1), addMonths('2026-12-05', 1), addMonths('2026-02-15', -12)]).toEqual([
    '2026-02-01',
    '2027-01-01',
    '2025-02-01',
  ])
  expect(lastDays('2026-03-01', 3)).toEqual(['2026-02-27', '2026-02-28', '2026-03-01'])
  expect(lastMonths('2026-02-15', 3)).toEqual(['2025-12-01', '2026-01-01', '2026-02-01'])
})
