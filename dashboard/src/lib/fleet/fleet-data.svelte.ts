/** The sites of the fleet page: loaded page by page, with what stands there, and kept in step with changes. */
import { api } from '#lib/api/api.ts'
import { asApiError, isAbort, type ApiError } from '#lib/api/problem.ts'
import { reloadOn } from '#lib/live/reload-on.svelte.ts'
import { session } from '#lib/session/session.svelte.ts'
import { directory } from '#lib/state/directory.svelte.ts'
import { scope } from '#lib/state/scope.svelte.ts'
import { equipmentOf, type FleetFacts } from './facts.ts'
import { fleetSites, withChanges, type ListedSite, type SiteChange } from './rows.ts'

export class FleetData {
  listed = $state.raw<readonly ListedSite[]>([])
  facts = $state.raw<FleetFacts | undefined>(undefined)
  /** Whether every page of the list is here. */
  complete = $state(false)
  error = $state.raw<ApiError | undefined>(undefined)
  #tries = $state(0)
  #factTries = $state(0)

  readonly equipment = $derived(this.facts ? equipmentOf(this.facts) : undefined)
  readonly sites = $derived(
    fleetSites(this.listed, {
      customer: (id) => directory.customers.name(id),
      unit: (id) => scope.name(id),
      equipment: (id) => this.equipment?.get(id),
      tickets: (id) => (this.facts && session.may('ticket:read') ? (this.facts.openTickets[id] ?? 0) : undefined),
    }),
  )

  constructor() {
    directory.customers.want()
    $effect(() => {
      void this.#tries
      const control = new AbortController()
      this.complete = false
      void this.#load(control.signal)
      return () => control.abort()
    })
    $effect(() => {
      void this.#factTries
      const control = new AbortController()
      api.get<FleetFacts>('/fleet/facts', { signal: control.signal }).then(
        (facts) => {
          this.facts = facts
        },
        // Without them the list still says what runs; filters by equipment have nothing to offer.
        () => undefined,
      )
      return () => control.abort()
    })
    reloadOn(
      () => (session.may('ticket:read') ? { topic: 'tickets' } : undefined),
      () => this.#factTries++,
    )
  }

  reload = (): void => {
    this.#tries++
  }
  /** Puts in what a change answered, without asking again. */
  put(changed: readonly SiteChange[]): void {
    this.listed = withChanges(this.listed, changed)
  }

  async #load(signal: AbortSignal): Promise<void> {
    try {
      const loaded: ListedSite[] = []
      for await (const part of api.pages<ListedSite>('/sites', {}, signal)) {
        const first = loaded.length === 0
        loaded.push(...part)
        // The first page is shown at once, the rest together: a list that grows under the pointer cannot be read.
        if (first && this.listed.length === 0) this.listed = [...loaded]
      }
      this.listed = loaded
      this.complete = true
      this.error = undefined
    } catch (caught) {
      if (!isAbort(caught)) this.error = asApiError(caught)
    }
  }
}
