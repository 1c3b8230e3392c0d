/** Waiting times between attempts to reconnect: doubling from half a second to half a minute, spread so that a restarted server is not met by all at once. */
export const FIRST_WAIT_MS = 500
export const LONGEST_WAIT_MS = 30_000

/**
 * @param attempt 0 for the first retry
 * @param random 0 to 1, passed in by tests
 */
export function backOff(attempt: number, random: number): number {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 16))
  return Math.round(full / 2 + (full / 2) * random)
}
