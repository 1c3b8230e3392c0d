/**
 * What a shown value is: live, stale (its age is told and it is dimmed), never seen, or not measured. Zero is only ever a
 * measured zero.
 */
export type ValueState = 'live' | 'stale' | 'never' | 'not-measured'

/** Without a word from the server on staleness, a value older than this is no longer called live. */
export const STALE_AFTER_MS = 10 * 60_000

/**
 * @param value the value, absent where the source does not measure it
 * @param seenAt newest time its source was heard of, UTC milliseconds; absent when never
 * @param now UTC milliseconds
 * @param serverStale the server's own judgement where it gave one; it knows the device's delivery interval
 */
export function valueState(
  value: number | null | undefined,
  seenAt: number | null | undefined,
  now: number,
  serverStale?: boolean,
): ValueState {
  if (seenAt === null || seenAt === undefined || !Number.isFinite(seenAt)) return 'never'
  if (value === null || value === undefined || !Number.isFinite(value)) return 'not-measured'
  const stale = serverStale ?? now - seenAt > STALE_AFTER_MS
  return stale ? 'stale' : 'live'
}
