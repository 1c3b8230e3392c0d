/** A form about one record that others may change at the same time. */
import { api } from '#lib/api/api.ts'
import { asApiError } from '#lib/api/problem.ts'
import { Sending } from '#lib/state/sending.svelte.ts'
import { clashesOf, touched, type Clash } from './stale.ts'

/** As people are told; somebody else's is left where the person chose it, and nothing was sent. */
export type Outcome = 'saved' | 'left as it was'

interface Saved {
  id: string
  version: number
}
interface RecordFormOptions<T extends Saved> {
  /** Of the API: `/contacts`. */
  path: string
  /** Absent: a new one is made. */
  record: T | undefined
  /** What stands in the form, as the API takes it. */
  draft: () => Partial<T>
  /** Puts what holds by now into the form. */
  fill: (record: T) => void
  /** What fields are called where two people have changed them. */
  names: Readonly<Partial<Record<keyof T & string, string>>>
  say?: (key: keyof T & string, value: unknown) => string | undefined
  /** The body by which a new one is made. */
  body?: () => object
  ondone: (record: T, outcome: Outcome) => void
}

/** Sends what was touched; where somebody was faster it says so by `clash` and saves nothing until the person has chosen. */
export class RecordForm<T extends Saved> {
  readonly sending = new Sending()
  clash = $state.raw<{ rows: Clash[]; theirs: T }>()
  /** What the person began with; after a choice, what somebody else made of it. */
  #base: T | undefined
  readonly #options: RecordFormOptions<T>

  constructor(options: RecordFormOptions<T>) {
    this.#options = options
    this.#base = options.record
  }

  send = (event?: SubmitEvent): Promise<void> =>
    this.sending.submit(event, async () => {
      const { path, draft, body, ondone } = this.#options
      const base = this.#base
      if (!base) {
        ondone(await api.post<T>(path, body?.() ?? draft()), 'saved')
        return
      }
      const changes = touched<T>(base, draft())
      try {
        ondone(
          Object.keys(changes).length === 0
            ? base
            : (await api.patch<T>(`${path}/${base.id}`, changes, `"v${String(base.version)}"`)).data,
          'saved',
        )
      } catch (caught) {
        if (asApiError(caught).code !== 'stale') throw caught
        const theirs = await api.get<T>(`${path}/${base.id}`)
        this.clash = { theirs, rows: clashesOf<T>(base, changes, theirs, this.#options.names, this.#options.say) }
      }
    })

  keepTheirs = (): void => {
    if (this.clash) this.#options.ondone(this.clash.theirs, 'left as it was')
  }
  /** Back to the form: what was touched here, on top of theirs. */
  goOn = (): void => {
    if (!this.clash || !this.#base) return
    const { theirs } = this.clash
    this.#options.fill({ ...theirs, ...touched<T>(this.#base, this.#options.draft()) })
    this.#base = theirs
    this.clash = undefined
  }
  applyMine = (): void => {
    this.goOn()
    void this.send()
  }
}
