import { describe, expect, it } from 'vitest'
import { addDays, dayStart, localDate, localDay, zoneOffset } from './local-time.ts'

const HOUR = 3_600_000

describe('local days', () => {
  it.each([
    ['Europe/Berlin', '2026-03-29', 23],
    ['Europe/Berlin', '2026-10-25', 25],
    ['Europe/Berlin', '2026-06-01', 24],
    ['Asia/Kathmandu', '2026-06-01', 24],
    ['Australia/Lord_Howe', '2026-10-04', 23.5],
    // Midnight does not exist there on that day.
    ['America/Santiago', '2026-09-06', 23],
    ['Africa/Cairo', '2026-04-24', 23],
  ])('%s %s has %d hours', (zone, date, hours) => {
    const start = dayStart(zone, date)
    const next = dayStart(zone, addDays(date, 1))
    expect((next - start) / HOUR).toBe(hours)
    expect(localDate(zone, start)).toBe(date)
    expect(localDate(zone, start - 1)).toBe(addDays(date, -1))
    expect(localDate(zone, next - 1)).toBe(date)
  })
  it('knows offsets of quarter hours', () => {
    expect(zoneOffset('Asia/Kathmandu', Date.UTC(2026, 0, 1))).toBe(5.75 * HOUR)
    expect(localDay('Asia/Kathmandu', Date.UTC(2026, 0, 1, 18, 20))).toEqual({
      date: '2026-01-02',
      start: Date.UTC(2026, 0, 1, 18, 15),
      end: Date.UTC(2026, 0, 2, 18, 15),
    })
  })
})
