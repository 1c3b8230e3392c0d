/** Hours of a promise as a clock counts them that stands still when nobody works. UTC milliseconds. */
import type { ServiceHours } from '../../contracts/index.ts'
import { addDays, localDate, zoneOffset } from '../telemetry/local-time.ts'

/** Monday to Friday, on the site's clock. */
const OPENS = '08:00'
const CLOSES = '18:00'
const isWorkday = (date: string): boolean => {
  const day = new Date(`${date}T00:00:00Z`).getUTCDay()
  return day >= 1 && day <= 5
}

/** When `ms` of service have passed since `start`. */
export function afterService(start: number, ms: number, hours: ServiceHours, timezone: string): number {
  if (hours === 'always') return start + ms
  let left = ms
  for (const { from, to } of shifts(start, timezone)) {
    if (to - from >= left) return from + left
    left -= to - from
  }
  throw new RangeError('working days have no end')
}

/** Milliseconds of service between two instants; 0 where the second is not later. */
export function serviceBetween(start: number, end: number, hours: ServiceHours, timezone: string): number {
  if (end <= start) return 0
  if (hours === 'always') return end - start
  let sum = 0
  for (const { from, to } of shifts(start, timezone)) {
    if (from >= end) break
    sum += Math.min(to, end) - from
  }
  return sum
}

/** What is left of the shift at `start`, and every one after it. */
function* shifts(start: number, timezone: string): Generator<{ from: number; to: number }, void> {
  for (let date = localDate(timezone, start); ; date = addDays(date, 1)) {
    if (!isWorkday(date)) continue
    const from = Math.max(start, instantOf(timezone, date, OPENS))
    const to = instantOf(timezone, date, CLOSES)
    if (to > from) yield { from, to }
  }
}

/** An hour of the day on a zone's clock; clocks are changed at night. */
function instantOf(timezone: string, date: string, hour: string): number {
  const wall = Date.parse(`${date}T${hour}:00Z`)
  return wall - zoneOffset(timezone, wall - zoneOffset(timezone, wall))
}
