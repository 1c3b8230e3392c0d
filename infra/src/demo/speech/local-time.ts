const formats = new Map<string, Intl.DateTimeFormat>()

/** `2026-03-14T12:00:00` as the clock on the wall shows it, without a zone. */
export function localTimeOf(timezone: string, ts: number): string {
  let format = formats.get(timezone)
  if (!format) {
    const two = '2-digit'
    format = new Intl.DateTimeFormat('sv-SE', {
      timeZone: timezone,
      year: 'numeric',
      month: two,
      day: two,
      hour: two,
      minute: two,
      second: two,
    })
    formats.set(timezone, format)
  }
  return format.format(ts).replace(' ', 'T')
}
