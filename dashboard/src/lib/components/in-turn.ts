import { afterPaint } from './after-paint.ts'

/**
 * What nobody looks at yet is made after what is looked at: when the page has been at rest for a while, one thing at a time, so that no
 * touch waits for more than one of them.
 */
const REST_MS = 5_000
/** A page that never rests gets on with it all the same. */
const LONGEST_WAIT_MS = 2_000

const waiting = new Set<() => void>()
let timer: ReturnType<typeof setTimeout> | undefined

/** @returns how to call it off */
export function inTurn(make: () => void): () => void {
  waiting.add(make)
  timer ??= setTimeout(next, REST_MS)
  return () => waiting.delete(make)
}

function next(): void {
  timer = undefined
  const [first] = waiting
  if (!first) return
  // Not every browser tells when it is idle.
  const whenIdle: (run: () => void) => unknown =
    typeof requestIdleCallback === 'function'
      ? (run) => requestIdleCallback(run, { timeout: LONGEST_WAIT_MS })
      : (run) => setTimeout(run, 50)
  whenIdle(() => {
    if (waiting.delete(first)) first()
    if (waiting.size > 0) timer ??= setTimeout(next)
  })
}

const seen = new Set<() => void>()

/** What comes into sight together is made one by one, each painted before the next. @returns how to call it off */
export function onePerTask(make: () => void): () => void {
  if (seen.size === 0) setTimeout(nextSeen)
  seen.add(make)
  return () => seen.delete(make)
}
function nextSeen(): void {
  const [first] = seen
  if (!first) return
  first()
  seen.delete(first)
  if (seen.size > 0) afterPaint(nextSeen)
}
