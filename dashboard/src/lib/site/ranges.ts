/** Time ranges of a site's charts: whole local days of the site, ending at a day that the address names. */
import { addDays, localDate, startOfDay } from '../format/times.ts'

export const POWER_RANGES = { day: 1, '3d': 3, week: 7, month: 30 } as const
export type PowerRange = keyof typeof POWER_RANGES
export const POWER_RANGE_NAMES: Readonly<Record<PowerRange, string>> = {
  day: 'Day',
  '3d': '3 days',
  week: 'Week',
  month: '30 days',
}

export interface Range {
  from: number
  to: number
  /** Last local day. */
  at: string
  /** Whether it ends with the day that is still running. */
  current: boolean
}

export function parseRange(text: string | null): PowerRange {
  return text !== null && Object.hasOwn(POWER_RANGES, text) ? (text as PowerRange) : 'day'
}

/** A day of the address; nonsense and days to come are today. */
export function parseDay(text: string | null, today: string): string {
  if (
    text === null ||
    !/^\d{4}-\d{2}-\d{2}$/.test(text) ||
    Number.isNaN(Date.parse(`${text}T00:00:00Z`)) ||
    text > today
  )
    return today
  return text
}

export function rangeOf(range: PowerRange, at: string, zone: string, now: number): Range {
  const first = addDays(at, 1 - POWER_RANGES[range])
  return {
    from: startOfDay(first, zone),
    to: startOfDay(addDays(at, 1), zone),
    at,
    current: at === localDate(now, zone),
  }
}

/** A stretch zoomed to, as `from-to` in seconds; undefined when it is none or lies outside what the range allows. */
export function parseZoom(text: string | null, range: Range): { from: number; to: number } | undefined {
  const match = /^(\d{9,11})-(\d{9,11})$/.exec(text ?? '')
  if (!match) return undefined
  const from = Math.max(Number(match[1]) * 1000, range.from)
  const to = Math.min(Number(match[2]) * 1000, range.to)
  return to - from >= 60_000 ? { from, to } : undefined
}
export function zoomText(from: number, to: number): string {
  return `${String(Math.floor(from / 1000))}-${String(Math.ceil(to / 1000))}`
}

/** First day of the month that lies some months after that of a day. */
export function addMonths(date: string, months: number): string {
  const [year, month] = [Number(date.slice(0, 4)), Number(date.slice(5, 7)) - 1]
  return new Date(Date.UTC(year, month + months, 1)).toISOString().slice(0, 10)
}

/** The days up to and with one, in order. */
export function lastDays(at: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => addDays(at, index - count + 1))
}
/** The first days of the months up to and with that of a day, in order. */
export function lastMonths(at: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => addMonths(at, index - count + 1))
}
/** The first days of the years up to and with that of a day, in order. */
export function lastYears(at: string, count: number): string[] {
  const year = Number(at.slice(0, 4))
  return Array.from({ length: count }, (_, index) => `${String(year - count + 1 + index).padStart(4, '0')}-01-01`)
}
