/** How long a sender may repeat a message and have it taken once. Repeats after that are one row all the same: stores go by key. */
const WINDOW_MS = 15 * 60_000
const MAX_IDS = 100_000

/**
 * Remembers message ids while and after they are appended. A repeat waits for the first one's outcome: acknowledged only
 * when that is on disk, tried again when it failed.
 */
export class SeenMessages {
  readonly #seen = new Map<string, { at: number; stored: Promise<unknown> }>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  async once(id: string, store: () => Promise<unknown>): Promise<void> {
    const known = this.#seen.get(id)
    if (known !== undefined && this.#now() - known.at < WINDOW_MS) {
      await known.stored
      return
    }
    const entry = { at: this.#now(), stored: store() }
    this.#seen.delete(id)
    this.#seen.set(id, entry)
    if (this.#seen.size > MAX_IDS) this.#seen.delete(this.#seen.keys().next().value!)
    try {
      await entry.stored
    } catch (error) {
      if (this.#seen.get(id) === entry) this.#seen.delete(id)
      throw error
    }
  }
}
