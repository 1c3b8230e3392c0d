/** One thing that a page shows, with the four states it can be in. */
import { asApiError, isAbort, type ApiError } from '#lib/api/problem.ts'

export class Resource<T> {
  data = $state.raw<T | undefined>(undefined)
  error = $state.raw<ApiError | undefined>(undefined)
  loading = $state(true)
  #tries = $state(0)

  /**
   * Loads when made and again whenever something reactive that `load` reads before its first await has changed; the request
   * before is called off. Made while a component sets up.
   * @param load answers undefined when there is nothing to ask for yet
   * @param known shown until the first answer is there
   */
  constructor(load: (signal: AbortSignal) => Promise<T> | undefined, known?: T) {
    this.data = known
    $effect(() => {
      void this.#tries
      const control = new AbortController()
      const promise = load(control.signal)
      if (!promise) return
      this.loading = true
      promise.then(
        (data) => {
          if (control.signal.aborted) return
          this.data = data
          this.error = undefined
          this.loading = false
        },
        (error: unknown) => {
          if (control.signal.aborted || isAbort(error)) return
          this.error = asApiError(error)
          this.loading = false
        },
      )
      return () => control.abort()
    })
  }

  /** Asks again; what is shown stays until the answer is there. */
  reload = (): void => {
    this.#tries++
  }
  /** Puts in what a change answered, without asking again. */
  set(data: T): void {
    this.data = data
    this.error = undefined
  }
}
