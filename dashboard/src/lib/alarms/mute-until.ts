/** When a mute ends: after one of the usual spans, or at a time that somebody chose on a named clock. */
import { localZone, wallToInstant } from '../format/times.ts'

/** How long an alarm may be silenced in one go. */
export const MUTE_SPANS = [
  { key: '1h', name: 'For 1 hour', ms: 3_600_000 },
  { key: '8h', name: 'For 8 hours', ms: 8 * 3_600_000 },
  { key: '1d', name: 'For 1 day', ms: 86_400_000 },
  { key: '1w', name: 'For 1 week', ms: 7 * 86_400_000 },
  { key: '4w', name: 'For 4 weeks', ms: 28 * 86_400_000 },
] as const

/** Chosen by hand instead of one of the spans. */
export const UNTIL = 'until'
export type MuteEnd = (typeof MUTE_SPANS)[number]['key'] | typeof UNTIL

/** What is said about a time that does not do. */
export type EndProblem = 'Choose a date and a time.' | 'This is over already.'

/**
 * @param wall value of a `datetime-local` field, `2026-03-03T14:05`, on the clock of `zone`
 * @returns UTC milliseconds, or what is wrong with it
 */
export function muteEnd(end: MuteEnd, wall: string, zone: string, now: number): number | EndProblem {
  if (end !== UNTIL) return now + MUTE_SPANS.find(({ key }) => key === end)!.ms
  const shown = Date.parse(`${wall}:00Z`)
  if (wall === '' || !Number.isFinite(shown)) return 'Choose a date and a time.'
  const ts = wallToInstant(shown, zone)
  return ts > now ? ts : 'This is over already.'
}

/**
 * The clock that people read: the sites' own where they share one, else this browser's.
 * @param zones of the sites; `undefined` for one that is not known
 */
export function clockOf(zones: readonly (string | undefined)[]): { zone: string; ofSite: boolean } {
  const [first] = zones
  return first !== undefined && zones.every((zone) => zone === first)
    ? { zone: first, ofSite: true }
    : { zone: localZone(), ofSite: false }
}
