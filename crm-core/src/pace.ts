/**
 * Does something soon after it is asked for and no more often than an interval allows: at once after a quiet time, so that nothing
 * waits for a tick of a clock, and together with all that was asked for meanwhile after a busy one.
 */
export class Pace {
  readonly #intervalMs: number
  readonly #act: () => void
  #actedAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  /** @param intervalMs least time between the beginnings of two acts, milliseconds */
  constructor(intervalMs: number, act: () => void) {
    this.#intervalMs = intervalMs
    this.#act = act
  }

  /** Acts in a later turn of the event loop. Asked for again before that, it acts once. */
  soon(): void {
    if (this.#timer !== undefined) return
    const waitMs = Math.max(0, this.#actedAt + this.#intervalMs - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      // Before it acts: who acts may ask again.
      this.#actedAt = performance.now()
      this.#act()
    }, waitMs)
  }
  /** What was asked for and not done is forgotten. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
