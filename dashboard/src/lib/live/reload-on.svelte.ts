/** Lists that the API orders and pages are asked for again when something of theirs has changed, at most every few seconds. */
import type { LiveRequest } from './hub.ts'
import { live } from './live.svelte.ts'

const AT_MOST_EVERY_MS = 2000
/** What changes at once is asked for once. */
const SOON_MS = 100

/** Calls `reload` after updates of a topic, not for its first snapshot: the list was loaded with the page. */
export function reloadOn(request: () => LiveRequest | undefined, reload: () => void): void {
  $effect(() => {
    const wanted = request()
    if (!wanted) return
    let timer: ReturnType<typeof setTimeout> | undefined
    let first = true
    let reloadedAt = Number.NEGATIVE_INFINITY
    const stop = live.hub.subscribe(wanted, {
      apply: (_entries, whole) => {
        if (first && whole) {
          first = false
          return
        }
        timer ??= setTimeout(
          () => {
            timer = undefined
            reloadedAt = performance.now()
            reload()
          },
          Math.max(SOON_MS, reloadedAt + AT_MOST_EVERY_MS - performance.now()),
        )
      },
    })
    return () => {
      clearTimeout(timer)
      stop()
    }
  })
}
