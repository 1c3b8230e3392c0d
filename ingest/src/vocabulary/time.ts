import { Temporal } from 'temporal-polyfill'
import type { VendorMessage } from '../vendor.ts'
import { finiteOf } from './number.ts'

/** The time of a reading and who told it. Spread it into a reading or give it to `reading()`. */
export interface ReadingTime {
  /** UTC milliseconds. */
  ts: number
  tsSource: 'device' | 'arrival'
}

/** ECMAScript's own limit of dates. */
const MAX_MS = 8.64e15

export const arrival = (message: Pick<VendorMessage, 'receivedAt'>): ReadingTime => ({
  ts: message.receivedAt,
  tsSource: 'arrival',
})
/** Device time where there is one (UTC ms), else time of arrival. */
export const deviceTime = (ms: number | undefined, message: Pick<VendorMessage, 'receivedAt'>): ReadingTime =>
  ms === undefined ? arrival(message) : { ts: ms, tsSource: 'device' }

/**
 * UTC milliseconds from a count since 1970. `auto` takes numbers from 1e11 on for milliseconds (1e11 ms is 1973, 1e11 s is
 * the year 5138). Zero and negative mean "never" with every vendor known, so they give undefined, as do junk and no value.
 */
export function epochMs(value: unknown, unit: 's' | 'ms' | 'auto' = 'auto'): number | undefined {
  const number = finiteOf(value)
  if (number === undefined || number <= 0) return undefined
  const ms = unit === 'ms' || (unit === 'auto' && number >= 1e11) ? number : number * 1000
  return ms <= MAX_MS ? Math.round(ms) : undefined
}

const DATE_TIME =
  /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)? ?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$/i
const COMPACT = /^(\d{4})(\d{2})(\d{2})[T ]?(\d{2})(\d{2})(\d{2})()(Z)?$/

/**
 * UTC milliseconds of a date text: RFC 3339 and its relatives (blank for T, no seconds, `+0100`), `yyyyMMddHHmmss`.
 * With `Z` or an offset in the text that counts; otherwise the text is local time in `timezone` (IANA name). Without a zone, with
 * an unknown one, and for an impossible date: undefined. Local times that a clock change repeats mean the first of the two;
 * skipped ones are moved on by the gap, as ECMAScript's `compatible` says.
 */
export function textMs(text: unknown, timezone?: string): number | undefined {
  if (typeof text !== 'string' || text.length > 60) return undefined
  const match = DATE_TIME.exec(text.trim()) ?? COMPACT.exec(text.trim())
  if (!match) return undefined
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone] = match
  const ms = Math.trunc(Number(`0.${fraction || '0'}`) * 1000)
  const utc = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second), ms)
  const back = new Date(utc)
  // Date.UTC rolls 31 June over into July and 24:30 into the next day: such text is broken, not a date.
  if (
    back.getUTCMonth() !== Number(month) - 1 ||
    back.getUTCDate() !== Number(day) ||
    back.getUTCHours() !== Number(hour)
  )
    return undefined
  if (Number(minute) > 59 || Number(second) > 59) return undefined
  if (zone) return utc - offsetMs(zone)
  return timezone === undefined ? undefined : localMs(utc, timezone)
}
function offsetMs(zone: string): number {
  if (!/^[+-]/.test(zone)) return 0
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))
  return (zone.startsWith('-') ? -1 : 1) * minutes * 60_000
}
/** UTC milliseconds of a wall-clock time (given as if it were UTC) in a zone; undefined where the zone is unknown. */
function localMs(wallClockMs: number, timezone: string): number | undefined {
  try {
    const wall = new Date(wallClockMs).toISOString().slice(0, -1)
    return Temporal.PlainDateTime.from(wall).toZonedDateTime(timezone).epochMilliseconds
  } catch {
    return undefined
  }
}

/**
 * The reading's time from whatever the device wrote: a count since 1970 or a date text (local text needs the message's zone).
 * What cannot be read gives the time of arrival; an improbable device time is passed on, the decode stage flags it.
 */
export function timeOf(value: unknown, message: Pick<VendorMessage, 'receivedAt' | 'timezone'>): ReadingTime {
  if (typeof value === 'string' && /\D/.test(value.trim().replace(/\.\d+$/, ''))) {
    return deviceTime(textMs(value, message.timezone), message)
  }
  if (typeof value === 'string' && value.trim().length === 14) {
    const compact = textMs(value, message.timezone)
    return deviceTime(compact, message)
  }
  return deviceTime(epochMs(value), message)
}
