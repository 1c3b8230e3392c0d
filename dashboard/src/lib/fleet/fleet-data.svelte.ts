/** The sites of the fleet page: loaded page by page, with what stands there, and kept in step with changes. */
import type { LiveUpdate } from '@heliograph/crm-core/contracts'
import { api } from '#lib/api/api.ts'
import { asApiError, isAbort, type ApiError } from '#lib/api/problem.ts'
import { live } from '#lib/live/live.svelte.ts'
import { reloadOn } from '#lib/live/reload-on.svelte.ts'
import { session } from '#lib/session/session.svelte.ts'
import { directory } from '#lib/state/directory.svelte.ts'
import { scope } from '#lib/state/scope.svelte.ts'
import { equipmentOf, type FleetFacts } from './facts.ts'
import { keepList } from './last-list.ts'
import { fleetSites, withChanges, type ListedSite, type SiteChange } from './rows.ts'
import { SiteNews } from './site-news.ts'

export class FleetData {
  listed = $state.raw<readonly ListedSite[]>([])
  facts = $state.raw<FleetFacts | undefined>(undefined)
  /** Whether every page of the list is here. */
  complete = $state(false)
  error = $state.raw<ApiError | undefined>(undefined)
  /** Grows when a list has come, not when a site of it has changed. */
  loads = $state(0)
  /** Told while a list may still be on its way that knows less. */
  readonly #news = new SiteNews()
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
    $effect(() => keepList(this.listed))
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
    $effect(() => {
      let first = true
      return live.hub.subscribe(
        { topic: 'sites' },
        {
          apply: (updates, whole) => {
            // Of another server, or with other rights: what is gone is not told then.
            if (whole) this.#news.forget()
            if (whole && !first) this.reload()
            first = false
            this.#take(updates)
          },
        },
      )
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

  #take(updates: readonly LiveUpdate[]): void {
    for (const { customerId, orgUnitId } of this.#news.hear(updates)) {
      if (!directory.customers.get(customerId)) directory.customers.again()
      if (scope.ready && scope.name(orgUnitId) === '') void scope.reload()
    }
    this.listed = this.#news.on(this.listed)
  }

  #show(loaded: readonly ListedSite[]): void {
    this.listed = this.#news.on(loaded)
    this.loads++
  }
  async #load(signal: AbortSignal): Promise<void> {
    try {
      const loaded: ListedSite[] = []
      for await (const part of api.pages<ListedSite>('/sites', {}, signal)) {
        const first = loaded.length === 0
        loaded.push(...part)
        // The first page is shown at once, the rest together: a list that grows under the pointer cannot be read.
        if (first && this.listed.length === 0) this.#show([...loaded])
      }
      this.#show(loaded)
      this.complete = true
      this.error = undefined
    } catch (caught) {
      if (!isAbort(caught)) this.error = asApiError(caught)
    }
  }
}
