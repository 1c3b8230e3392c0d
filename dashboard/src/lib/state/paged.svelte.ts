/** A list that comes by pages: the first at once, the others when asked for. */
import { asApiError, isAbort, type ApiError } from '#lib/api/problem.ts'
import type { ListOf } from '#lib/api/client.ts'

export class Paged<T> {
  items = $state.raw<readonly T[]>([])
  error = $state.raw<ApiError | undefined>(undefined)
  loading = $state(true)
  /** Whether a first page has come. */
  ready = $state(false)
  more = $state(false)
  #cursor: string | null = null
  #tries = $state(0)
  #control = new AbortController()
  #load: (cursor: string | null, signal: AbortSignal) => Promise<ListOf<T>>

  /** @param load reads what it depends on before its first await; the list starts over when that changes */
  constructor(load: (cursor: string | null, signal: AbortSignal) => Promise<ListOf<T>>) {
    this.#load = load
    $effect(() => {
      void this.#tries
      const control = new AbortController()
      this.#control = control
      this.loading = true
      this.#take(this.#load(null, control.signal), control, true)
      return () => control.abort()
    })
  }

  reload = (): void => {
    this.#tries++
  }
  next = (): void => {
    if (this.loading || this.#cursor === null) return
    this.loading = true
    this.#take(this.#load(this.#cursor, this.#control.signal), this.#control, false)
  }
  /** Changes or removes (by answering undefined) items in place. */
  update(change: (item: T) => T | undefined): void {
    this.items = this.items.map(change).filter((item): item is T & {} => item !== undefined)
  }

  #take(page: Promise<ListOf<T>>, control: AbortController, first: boolean): void {
    page.then(
      ({ items, nextCursor }) => {
        if (control.signal.aborted) return
        this.items = first ? items : [...this.items, ...items]
        this.#cursor = nextCursor
        this.more = nextCursor !== null
        this.error = undefined
        this.loading = false
        this.ready = true
      },
      (error: unknown) => {
        if (control.signal.aborted || isAbort(error)) return
        this.error = asApiError(error)
        this.loading = false
      },
    )
  }
}
