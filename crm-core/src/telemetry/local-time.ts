/** Calendar days and months of an IANA zone, in UTC milliseconds. Fast enough to be asked for every reading. */
const QUARTER_MS = 900_000
const DAY_MS = 86_400_000
/** Offsets change only on full quarter hours, so one answer serves a whole quarter. */
const MAX_CACHED = 50_000

interface Zone {
  format: Intl.DateTimeFormat
  offsets: Map<number, number>
  days: Map<string, number>
  /** The day asked for last: readings come by the day. */
  last: LocalDay | undefined
}
export interface LocalDay {
  date: string
  /** UTC milliseconds; `end` is the start of the next day, 23, 24 or 25 hours later. */
  start: number
  end: number
}
const zones = new Map<string, Zone>()

function zoneOf(timezone: string): Zone {
  let zone = zones.get(timezone)
  if (!zone) {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      era: 'short',
    })
    zone = { format, offsets: new Map(), days: new Map(), last: undefined }
    zones.set(timezone, zone)
  }
  return zone
}

/** Local time minus UTC, in milliseconds. */
export function zoneOffset(timezone: string, ts: number): number {
  if (timezone === 'UTC') return 0
  const zone = zoneOf(timezone)
  const quarter = Math.floor(ts / QUARTER_MS)
  const cached = zone.offsets.get(quarter)
  if (cached !== undefined) return cached
  const at = quarter * QUARTER_MS
  const parts: Record<string, number> = {}
  for (const { type, value } of zone.format.formatToParts(at)) parts[type] = Number(value)
  const local = Date.UTC(
    parts['year']!,
    parts['month']! - 1,
    parts['day'],
    parts['hour'],
    parts['minute'],
    parts['second'],
  )
  const offset = local - at
  if (zone.offsets.size >= MAX_CACHED) zone.offsets.clear()
  zone.offsets.set(quarter, offset)
  return offset
}

/** The local day an instant falls on, `YYYY-MM-DD`. */
export const localDate = (timezone: string, ts: number): string => localDay(timezone, ts).date

const dateAt = (timezone: string, ts: number): string =>
  new Date(ts + zoneOffset(timezone, ts)).toISOString().slice(0, 10)

/** First instant of a local day. Where midnight is skipped by a clock change, the first instant that exists. */
export function dayStart(timezone: string, date: string): number {
  const midnight = Date.parse(`${date}T00:00:00Z`)
  if (timezone === 'UTC') return midnight
  const zone = zoneOf(timezone)
  const cached = zone.days.get(date)
  if (cached !== undefined) return cached
  let start = midnight - zoneOffset(timezone, midnight - zoneOffset(timezone, midnight))
  while (dateAt(timezone, start) < date) start += QUARTER_MS
  while (dateAt(timezone, start - QUARTER_MS) === date) start -= QUARTER_MS
  if (zone.days.size >= MAX_CACHED) zone.days.clear()
  zone.days.set(date, start)
  return start
}

/** A calendar day moved by a number of days. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)
}

/** Bounds of the local day an instant falls on. */
export function localDay(timezone: string, ts: number): LocalDay {
  const zone = zoneOf(timezone)
  if (zone.last && ts >= zone.last.start && ts < zone.last.end) return zone.last
  const date = dateAt(timezone, ts)
  const day = { date, start: dayStart(timezone, date), end: dayStart(timezone, addDays(date, 1)) }
  zone.last = day
  return day
}
