import type { Sql } from '../../contracts/index.ts'
import { addDays, dayStart, zoneOffset } from './local-time.ts'
import { day, join, sql } from './sql.ts'

/** As far as a DateTime reaches: 2106. */
const LAST_SECOND = 4_294_967_295

/** Local days of a zone in a statement. Both take an expression of a date within the days that were named. */
export interface LocalDays {
  /** First instant of the day. */
  start(date: Sql): Sql
  /** How long the day is, in seconds. */
  length(date: Sql): Sql
  /** Whether a day among them has no midnight. */
  skipsMidnight: boolean
}

/**
 * The engine gets the instants instead of the zone's name. Its own time zone data puts a day whose midnight is skipped by a
 * clock change (Chile, Egypt, Lebanon, the Azores) an hour into the day before, where nobody looks for it, and does not
 * know every name that people may write (`America/Coyhaique`, `europe/berlin`).
 * @param from first and last day, both inclusive
 */
export function localDays(timezone: string, from: string, to: string): LocalDays {
  const dates: string[] = []
  for (let date = from; date <= addDays(to, 1); date = addDays(date, 1)) dates.push(date)
  // Plain numbers: an array of them is one literal, where a call for each day would be evaluated day by day.
  const seconds = dates.map((date) => Math.min(Math.max(dayStart(timezone, date) / 1000, 0), LAST_SECOND))
  const starts = sql`[${join(seconds.map((second) => sql`${second}`))}]`
  const index = (date: Sql): Sql => sql`toUInt32((${date}) - ${day(from)})`
  return {
    start: (date) => sql`toDateTime(${starts}[${index(date)} + 1], 'UTC')`,
    length: (date) => sql`(${starts}[${index(date)} + 2] - ${starts}[${index(date)} + 1])`,
    skipsMidnight: dates.slice(0, -1).some((date) => {
      const start = dayStart(timezone, date)
      return start + zoneOffset(timezone, start) !== Date.parse(`${date}T00:00:00Z`)
    }),
  }
}
