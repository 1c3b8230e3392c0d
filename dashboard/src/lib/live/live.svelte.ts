/**
 * The hub in a browser, and live values as reactive state. `$state.raw`: a map of ten thousand sites is replaced as a whole
 * once a frame instead of being watched deeply.
 */
import { SvelteMap } from 'svelte/reactivity'
import { EntryStore, liveAddress, mergeEntries, noEntries, type LiveEntries, type LiveEntry } from './entries.ts'
import { LiveHub, type LiveRequest, type LiveStatus, type SocketLike } from './hub.ts'
import { session } from '#lib/session/session.svelte.ts'

/** Where there is no painting (a page in the background), changes are still applied, only slowly. */
const BACKGROUND_PASS_MS = 1000

class LiveLine {
  status = $state<LiveStatus>('idle')
  /** Since when the status holds, UTC milliseconds. */
  since = $state(0)
  /** Seconds' clock of the page: ages are told from it. */
  now = $state(Date.now())

  readonly hub = new LiveHub({
    connect: () => new WebSocket(liveAddress(location.href)) as SocketLike,
    now: () => Date.now(),
    random: () => Math.random(),
    after: (ms, run) => {
      const timer = setTimeout(run, ms)
      return () => clearTimeout(timer)
    },
    onFrame: (run) => {
      if (document.hidden) setTimeout(run, BACKGROUND_PASS_MS)
      else requestAnimationFrame(run)
    },
    onStatus: (status, since) => {
      this.status = status
      this.since = since
    },
    onSignedOut: () => {
      void session.signInAgain().then((again) => {
        if (again) this.hub.resume()
      })
    },
  })

  /** Starts the clock and the triggers that reconnect at once; answers how to stop. Called by the frame of the pages. */
  start(): () => void {
    const tick = setInterval(() => {
      if (!document.hidden) this.now = Date.now()
    }, 1000)
    const wake = () => {
      if (document.hidden) return
      this.now = Date.now()
      this.hub.resume()
    }
    window.addEventListener('online', wake)
    document.addEventListener('visibilitychange', wake)
    return () => {
      clearInterval(tick)
      window.removeEventListener('online', wake)
      document.removeEventListener('visibilitychange', wake)
      this.hub.stop()
    }
  }
}

export const live = new LiveLine()

/** The newest values of one topic by key. */
export class LiveTopic<Value> {
  entries = $state.raw<LiveEntries<Value>>(noEntries())
  /** Whether a first snapshot has come. */
  ready = $state(false)
  error = $state<string | undefined>(undefined)

  /** @param prefix taken off the keys: `site:` turns `site:ID` into `ID` */
  constructor(request: () => LiveRequest | undefined, prefix = '') {
    $effect(() => {
      const wanted = request()
      if (!wanted) return
      this.ready = false
      this.error = undefined
      return live.hub.subscribe(wanted, {
        apply: (updates, whole) => {
          this.entries = mergeEntries(this.entries, updates, whole, prefix)
          this.ready = true
          this.error = undefined
        },
        error: (code) => {
          this.error = code
        },
      })
    })
  }
}

/**
 * The newest values of a topic with many keys: whoever shows one key is told of that one alone, so that a frame of a thousand updates
 * costs what is in sight of it.
 */
export class LiveTable<Value> {
  readonly #byKey = new SvelteMap<string, LiveEntry<Value>>()
  /** The same, unwatched: copied without asking ten thousand times whether somebody looks. */
  readonly #all = new EntryStore<Value>()
  /** Counts the passes that changed something. */
  passes = $state(0)

  /** @param prefix taken off the keys: `site:` turns `site:ID` into `ID` */
  constructor(request: () => LiveRequest | undefined, prefix: string) {
    $effect(() => {
      const wanted = request()
      if (!wanted) return
      return live.hub.subscribe(wanted, {
        apply: (updates, whole) => {
          const { set, gone } = this.#all.apply(updates, whole, prefix)
          for (const [name, entry] of set) this.#byKey.set(name, entry)
          for (const name of gone) this.#byKey.delete(name)
          this.passes++
        },
        error: () => undefined,
      })
    })
  }

  /** What is known of a key now, and again when that changes. */
  at(key: string): LiveEntry<Value> | undefined {
    return this.#byKey.get(key)
  }
  /** All of it as it is now. */
  snapshot(): LiveEntries<Value> {
    return this.#all.copy()
  }
}
