import { describe, expect, it } from 'vitest'
import { addDays, ago, clock, DAY, HOUR, localDate, offsetAt, span, startOfDay, wallToInstant } from './times.ts'

const at = (text: string) => Date.parse(text)

describe('local days', () => {
  it('begin at the midnight of their zone', () => {
    expect(startOfDay('2026-03-03', 'Europe/Berlin')).toBe(at('2026-03-02T23:00:00Z'))
    expect(startOfDay('2026-07-03', 'Asia/Kathmandu')).toBe(at('2026-07-02T18:15:00Z'))
    expect(startOfDay('2026-07-03', 'America/St_Johns')).toBe(at('2026-07-03T02:30:00Z'))
  })
  it('have 23, 24 or 25 hours', () => {
    const hours = (date: string) =>
      (startOfDay(addDays(date, 1), 'Europe/Berlin') - startOfDay(date, 'Europe/Berlin')) / HOUR
    expect([hours('2026-03-29'), hours('2026-03-30'), hours('2026-10-25')]).toEqual([23, 24, 25])
  })
  it('begin at the first instant there is where midnight is left out', () => {
    // Beirut goes forward at midnight: the day begins at one.
    const start = startOfDay('2026-03-29', 'Asia/Beirut')
    expect(clock(start, 'Asia/Beirut')).toBe('01:00')
    expect(localDate(start, 'Asia/Beirut')).toBe('2026-03-29')
    expect(localDate(start - 1, 'Asia/Beirut')).toBe('2026-03-28')
  })
  it('are named by the zone, not by the browser', () => {
    expect(localDate(at('2026-03-02T23:30:00Z'), 'Europe/Berlin')).toBe('2026-03-03')
    expect(localDate(at('2026-03-02T23:30:00Z'), 'America/New_York')).toBe('2026-03-02')
  })
  it('take the earlier of two equal wall times', () => {
    expect(wallToInstant(at('2026-10-25T02:30:00Z'), 'Europe/Berlin')).toBe(at('2026-10-25T00:30:00Z'))
  })
  it('fall back to UTC for a zone that is none', () => {
    expect(offsetAt(at('2026-03-03T00:00:00Z'), 'Not/AZone')).toBe(0)
  })
})

describe('ages', () => {
  it.each([
    [0, 'just now'],
    [9_000, 'just now'],
    [12_000, '12 s ago'],
    [5 * 60_000, '5 min ago'],
    [3 * HOUR, '3 h ago'],
    [47 * HOUR, '47 h ago'],
    [5 * DAY, '5 d ago'],
    [-2 * HOUR, '2 h ahead'],
    [Number.NaN, 'never'],
  ])('%s ms is %s', (age, text) => {
    expect(ago(age)).toBe(text)
  })
  it('are spans without a direction', () => {
    expect(span(-90_000)).toBe('1 min')
  })
})
