/**
 * Instants as people read them, always in a named zone: a site's own where a site is meant. Built on Intl alone, so that a
 * day of 23, 24 or 25 hours and zones with half hours come out right.
 */

export const MINUTE = 60_000
export const HOUR = 3_600_000
export const DAY = 86_400_000

/** API times are RFC 3339 text, live frames carry milliseconds. NaN for what is neither. */
export function toMs(time: string | number | null | undefined): number {
  if (typeof time === 'number') return time
  if (typeof time === 'string') return Date.parse(time)
  return Number.NaN
}

let zoneHere: string | undefined
/** Of this browser. Asked once: the first answer costs as much as drawing a table. */
export const localZone = (): string => (zoneHere ??= Intl.DateTimeFormat().resolvedOptions().timeZone)

const formats = new Map<string, Intl.DateTimeFormat>()
function format(locale: string, zone: string, options: Intl.DateTimeFormatOptions, key: string): Intl.DateTimeFormat {
  const id = `${locale}|${zone}|${key}`
  let found = formats.get(id)
  if (!found) {
    try {
      found = new Intl.DateTimeFormat(locale, { timeZone: zone, ...options })
    } catch {
      // A zone this browser does not know: UTC, and `zoneName` says so.
      found = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', ...options })
    }
    formats.set(id, found)
  }
  return found
}

/** `14:05` */
export function clock(ts: number, zone: string, locale = 'en'): string {
  return format(locale, zone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }, 'clock').format(ts)
}
/** `3 Mar 2026, 14:05` */
export function dateTime(ts: number, zone: string, locale = 'en'): string {
  return format(
    locale,
    zone,
    { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    'dateTime',
  ).format(ts)
}
/** With seconds and the zone's name: for tooltips and titles. */
export function exactTime(ts: number, zone: string, locale = 'en'): string {
  if (!Number.isFinite(ts)) return 'unknown time'
  return format(
    locale,
    zone,
    {
      day: 'numeric',
      month: 'short',
      year: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
      timeZoneName: 'short',
    },
    'exactTime',
  ).format(ts)
}
/** A local day of the form `2026-03-03`, written out. It has no zone left, so none is applied. */
export function dayName(date: string, locale = 'en'): string {
  return format(locale, 'UTC', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }, 'dayName').format(
    Date.parse(`${date}T00:00:00Z`),
  )
}

/** How far a zone is from UTC at an instant, in milliseconds. */
export function offsetAt(ts: number, zone: string): number {
  const parts = format(
    'en-US',
    zone,
    {
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    },
    'parts',
  ).formatToParts(ts)
  const read = (type: string) => Number(parts.find((part) => part.type === type)?.value)
  const wall = Date.UTC(read('year'), read('month') - 1, read('day'), read('hour'), read('minute'), read('second'))
  return wall - Math.floor(ts / 1000) * 1000
}

/** The local day an instant falls in, as `2026-03-03`. */
export function localDate(ts: number, zone: string): string {
  return new Date(ts + offsetAt(ts, zone)).toISOString().slice(0, 10)
}

/** The date some days later; days are calendar days here. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10)
}

/**
 * First instant of a local day. Where a clock change leaves out midnight, the first instant that exists is taken; where it
 * doubles it, the earlier one.
 */
export function startOfDay(date: string, zone: string): number {
  return wallToInstant(Date.parse(`${date}T00:00:00Z`), zone)
}

/** The instant at which a zone's clock shows a wall time (given as if it were UTC). */
export function wallToInstant(wall: number, zone: string): number {
  const before = offsetAt(wall - DAY, zone)
  const after = offsetAt(wall + DAY, zone)
  const candidates = [wall - before, wall - after].filter((ts) => ts + offsetAt(ts, zone) === wall)
  if (candidates.length > 0) return Math.min(...candidates)
  // The wall time is skipped: the instant of the jump is where the later offset starts.
  return wall - Math.min(before, after)
}

/**
 * An age in words: `just now`, `4 min ago`, `3 h ago`, `5 d ago`. A time ahead of ours by more than a moment is said to be so:
 * it is a clock at fault, not fresh data.
 */
export function ago(ageMs: number): string {
  if (!Number.isFinite(ageMs)) return 'never'
  if (ageMs < -MINUTE) return `${span(-ageMs)} ahead`
  if (ageMs < 10_000) return 'just now'
  return `${span(ageMs)} ago`
}

/** A length of time in its largest fitting unit. */
export function span(ms: number): string {
  const size = Math.abs(ms)
  if (size < MINUTE) return `${Math.floor(size / 1000)} s`
  if (size < HOUR) return `${Math.floor(size / MINUTE)} min`
  if (size < 2 * DAY) return `${Math.floor(size / HOUR)} h`
  return `${Math.floor(size / DAY)} d`
}
