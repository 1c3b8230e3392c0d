import type { Sql } from '../../contracts/index.ts'
import { addDays, dayStart, zoneOffset } from './local-time.ts'
import type { Range } from './near-ranges.ts'
import { day, join, list, sql } from './sql.ts'

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

/** Things, devices or sites, that have their days by one zone. */
export interface ZoneIds {
  timezone: string
  ids: readonly string[]
}
export const byZone = (things: readonly { id: string; timezone: string }[]): ZoneIds[] =>
  [...Map.groupBy(things, ({ timezone }) => timezone)].map(([timezone, some]) => ({
    timezone,
    ids: [...new Set(some.map(({ id }) => id))],
  }))

/**
 * The same of several zones in one statement: a statement costs as much to plan as a day's rows of a hundred sites to read.
 * @param key column that says what a row belongs to
 */
export function localDaysByZone(zones: readonly ZoneIds[], key: Sql, from: string, to: string): LocalDays {
  const local = zones.map(({ timezone }) => localDays(timezone, from, to))
  const pick = (of: (days: LocalDays) => Sql): Sql => {
    const last = of(local.at(-1)!)
    const others = local.slice(0, -1).map((days, at) => sql`${key} IN ${list(zones[at]!.ids)}, ${of(days)}`)
    return others.length === 0 ? last : sql`multiIf(${join(others)}, ${last})`
  }
  return {
    start: (date) => pick((days) => days.start(date)),
    length: (date) => pick((days) => days.length(date)),
    skipsMidnight: local.some((days) => days.skipsMidnight),
  }
}
/** From the first of these local days to the end of the last, in whichever of the zones: UTC milliseconds, `to` exclusive. */
export function spanOfDays(zones: readonly ZoneIds[], from: string, to: string): Range {
  return {
    from: Math.min(...zones.map(({ timezone }) => dayStart(timezone, from))),
    to: Math.max(...zones.map(({ timezone }) => dayStart(timezone, addDays(to, 1)))),
  }
}
