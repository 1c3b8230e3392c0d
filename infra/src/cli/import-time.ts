/** Times of an imported file: with an offset, local in a zone, or counted since 1970. */
import { zoneOffset } from '@heliograph/crm-core'
import { CliError } from './cli-error.ts'

export interface TimeReader {
  /**
   * @param previous instant of the row before, of the same device: tells the two passes of the doubled hour apart
   * @returns UTC milliseconds
   * @throws RangeError where the text is no time
   */
  read(text: string, previous?: number): number
}

const DAY_MS = 86_400_000
/** What a year of a logger may be: beyond it the file means something else. */
const FIRST_YEAR = 1970
const LAST_YEAR = 2199

interface Fields {
  year?: number
  month?: number
  day?: number
  /** Day of the year, from 1. */
  yearDay?: number
  hour?: number
  minute?: number
  second?: number
  ms?: number
  pm?: boolean
  /** Local time minus UTC, milliseconds. */
  offset?: number
}
/** Reads a text into its fields; undefined where it is not of that form. */
type FieldReader = (text: string) => Fields | undefined

/**
 * @param timezone IANA zone for times without an offset
 * @param format `dd-MM-yyyy HH:mm` (also as `DD-MM-YYYY HH:mm` or `dd-mm-yyyy HH:MM`), strftime (`%d-%m-%Y %H:%M`), `epoch_s` or
 *   `epoch_ms`; absent: ISO 8601, with a blank for the T too, or day first where the year comes last behind `-` or `.`
 * @throws CliError (usage) on an unknown zone or format
 */
export function timeReader(timezone: string, format?: string): TimeReader {
  if (!isTimezone(timezone)) throw new CliError(`"${timezone}" is not an IANA time zone`, 2)
  const bad = (text: string): RangeError =>
    new RangeError(
      `"${text.slice(0, 40)}" is no time${format === undefined ? '; say how it is written with --time-format' : ` of the format ${format}`}`,
    )
  if (format === 'epoch_s' || format === 'epoch_ms') {
    const factor = format === 'epoch_s' ? 1_000 : 1
    return {
      read(text) {
        const value = Number(text)
        if (text.trim() === '' || !Number.isFinite(value) || Math.abs(value * factor) > 8e15) throw bad(text)
        return Math.round(value * factor)
      },
    }
  }
  const readFields = format === undefined ? readUsual : readerOf(format)
  return {
    read(text, previous) {
      const fields = readFields(text.trim())
      const local = fields && localTime(fields)
      if (local === undefined) throw bad(text)
      if (fields?.offset !== undefined) return local - fields.offset
      return instantOf(local, timezone, previous)
    },
  }
}

/** @returns the fields as if they were UTC; undefined where there is no such day or time */
function localTime({
  year,
  month = 1,
  day = 1,
  yearDay,
  hour = 0,
  minute = 0,
  second = 0,
  ms = 0,
  pm,
}: Fields): number | undefined {
  if (year === undefined || year < FIRST_YEAR || year > LAST_YEAR) return undefined
  if (pm !== undefined && (hour < 1 || hour > 12)) return undefined
  const hours = pm === undefined ? hour : (hour % 12) + (pm ? 12 : 0)
  // Some loggers write midnight as 24:00 of the day before.
  const isMidnight24 = hours === 24 && minute === 0 && second === 0
  if ((hours > 23 && !isMidnight24) || minute > 59 || second > 60) return undefined
  const date = yearDay === undefined ? Date.UTC(year, month - 1, day) : Date.UTC(year, 0, yearDay)
  const read = new Date(date)
  if (read.getUTCFullYear() !== year) return undefined
  if (yearDay === undefined && (read.getUTCMonth() !== month - 1 || read.getUTCDate() !== day)) return undefined
  return date + hours * 3_600_000 + minute * 60_000 + second * 1_000 + ms
}

/**
 * The instant of a local time. Of the hour that happens twice the first pass, or the second where the row before is not
 * earlier than the first; a local time that is skipped is read with the offset that held before.
 */
function instantOf(local: number, timezone: string, previous: number | undefined): number {
  const before = local - zoneOffset(timezone, local - DAY_MS)
  const after = local - zoneOffset(timezone, local + DAY_MS)
  if (before === after) return before
  const valid = [before, after]
    .filter((instant) => instant + zoneOffset(timezone, instant) === local)
    .sort((a, b) => a - b)
  const [first, second] = valid
  if (first === undefined) return before
  return second !== undefined && previous !== undefined && first <= previous && second > previous ? second : first
}

const ISO =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i
const DAY_FIRST = /^(\d{1,2})[-.](\d{1,2})[-.](\d{4})(?:[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?$/
function readUsual(text: string): Fields | undefined {
  let match = ISO.exec(text)
  if (match) {
    const [, year, month, day, hour, minute, second, fraction, offset] = match
    return {
      year: Number(year),
      month: Number(month),
      day: Number(day),
      ...clock(hour, minute, second, fraction),
      ...(offset && { offset: offsetOf(offset) }),
    }
  }
  match = DAY_FIRST.exec(text)
  if (!match) return undefined
  const [, day, month, year, hour, minute, second, fraction] = match
  return { year: Number(year), month: Number(month), day: Number(day), ...clock(hour, minute, second, fraction) }
}
const clock = (hour?: string, minute?: string, second?: string, fraction?: string): Fields => ({
  hour: Number(hour ?? 0),
  minute: Number(minute ?? 0),
  second: Number(second ?? 0),
  ms: fraction === undefined ? 0 : Number(fraction.padEnd(3, '0').slice(0, 3)),
})
function offsetOf(text: string): number {
  if (/^z$/i.test(text)) return 0
  const [, sign, hours, minutes = '0'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(text)!
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
interface Token {
  pattern: string
  set(fields: Fields, text: string): void
}
const number = (field: 'month' | 'day' | 'yearDay' | 'hour' | 'minute' | 'second', pattern = '\\d{1,2}'): Token => ({
  pattern,
  set: (fields, text) => (fields[field] = Number(text)),
})
const TOKENS = {
  year: { pattern: '\\d{4}', set: (fields, text) => (fields.year = Number(text)) },
  shortYear: {
    pattern: '\\d{2}',
    set: (fields, text) => (fields.year = Number(text) + (Number(text) < 70 ? 2000 : 1900)),
  },
  month: number('month'),
  monthName: {
    pattern: '[A-Za-z]{3,9}\\.?',
    // An unknown name gives month 0, which no day has.
    set: (fields, text) => (fields.month = MONTHS.indexOf(text.slice(0, 3).toLowerCase()) + 1),
  },
  day: number('day'),
  yearDay: number('yearDay', '\\d{1,3}'),
  hour: number('hour'),
  minute: number('minute'),
  second: number('second'),
  fraction: { pattern: '\\d{1,9}', set: (fields, text) => (fields.ms = Number(text.padEnd(3, '0').slice(0, 3))) },
  pm: { pattern: '[AaPp]\\.?[Mm]\\.?', set: (fields, text) => (fields.pm = /^p/i.test(text)) },
  offset: { pattern: '(?:[Zz]|[+-]\\d{2}:?(?:\\d{2})?)', set: (fields, text) => (fields.offset = offsetOf(text)) },
} satisfies Record<string, Token>

/** @throws CliError (usage) on what is no format */
function readerOf(format: string): FieldReader {
  const parts = format.includes('%') ? strftimeParts(format) : letterParts(format)
  const tokens = parts.filter((part) => typeof part !== 'string')
  if (!tokens.some((token) => token === TOKENS.year || token === TOKENS.shortYear))
    throw new CliError(`--time-format: "${format}" has no year`, 2)
  const pattern = new RegExp(
    `^${parts.map((part) => (typeof part === 'string' ? literal(part) : `(${part.pattern})`)).join('')}$`,
  )
  return (text) => {
    const match = pattern.exec(text)
    if (!match) return undefined
    const fields: Fields = {}
    for (const [index, token] of tokens.entries()) token.set(fields, match[index + 1]!)
    return fields
  }
}
const literal = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&').replaceAll(/\s+/g, '\\s+')

const STRFTIME: Record<string, Token | readonly (Token | string)[]> = {
  Y: TOKENS.year,
  y: TOKENS.shortYear,
  m: TOKENS.month,
  b: TOKENS.monthName,
  B: TOKENS.monthName,
  d: TOKENS.day,
  e: TOKENS.day,
  j: TOKENS.yearDay,
  H: TOKENS.hour,
  I: TOKENS.hour,
  M: TOKENS.minute,
  S: TOKENS.second,
  f: TOKENS.fraction,
  p: TOKENS.pm,
  z: TOKENS.offset,
  F: [TOKENS.year, '-', TOKENS.month, '-', TOKENS.day],
  T: [TOKENS.hour, ':', TOKENS.minute, ':', TOKENS.second],
  R: [TOKENS.hour, ':', TOKENS.minute],
}
function strftimeParts(format: string): (Token | string)[] {
  return [...format.matchAll(/%[-_0]?(.)|[^%]+/g)].flatMap(([whole, directive]) => {
    if (directive === undefined) return whole
    if (directive === '%') return '%'
    const token = STRFTIME[directive]
    if (token === undefined) throw new CliError(`--time-format: %${directive} is not understood`, 2)
    return token as Token | (Token | string)[]
  })
}

/** Runs of letters, as spreadsheets and libraries write them. Month and minute are told apart by where they stand. */
function letterParts(format: string): (Token | string)[] {
  let hourSeen = false
  let secondSeen = false
  return [...format.matchAll(/'([^']*)'|\[([^\]]*)\]|([A-Za-z])\3*|[^A-Za-z'[]+/g)].flatMap(
    ([whole, quoted, bracketed, letter]): Token | string => {
      if (quoted !== undefined || bracketed !== undefined) return quoted ?? bracketed!
      if (letter === undefined) return whole
      switch (letter.toLowerCase()) {
        case 'y':
        case 'u':
          return whole.length <= 2 ? TOKENS.shortYear : TOKENS.year
        case 'd':
          return whole.length > 2 ? TOKENS.yearDay : TOKENS.day
        case 'l':
        case 'm':
          if (hourSeen) return TOKENS.minute
          return whole.length > 2 ? TOKENS.monthName : TOKENS.month
        case 'h':
        case 'k':
          hourSeen = true
          return TOKENS.hour
        case 's':
        case 'f':
          if (secondSeen || letter === 'f') return TOKENS.fraction
          secondSeen = true
          return TOKENS.second
        case 'o':
          return TOKENS.yearDay
        case 'a':
          return TOKENS.pm
        case 'z':
        case 'x':
          return TOKENS.offset
        case 't':
          return whole
        default:
          throw new CliError(`--time-format: "${whole}" is not understood`, 2)
      }
    },
  )
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
