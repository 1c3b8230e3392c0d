/** Every open alarm that the person sees, for triage: grouping needs them all. */
import type { Alarm, Incident } from '@heliograph/crm-core/contracts'
import { api } from '#lib/api/api.ts'
import { asApiError, isAbort, type ApiError } from '#lib/api/problem.ts'
import { reloadOn } from '#lib/live/reload-on.svelte.ts'
import { stillOpen } from './causes.ts'

/** More than a team can take in at once; beyond it the page says that there are more. */
export const MOST_OPEN = 5000
const MOST_INCIDENTS = 1000

export class OpenAlarms {
  items = $state.raw<readonly Alarm[]>([])
  incidents = $state.raw<readonly Incident[]>([])
  ready = $state(false)
  error = $state.raw<ApiError | undefined>(undefined)
  more = $state(false)
  #tries = $state(0)

  /** @param unit org unit whose sites count */
  constructor(unit: () => string | undefined) {
    $effect(() => {
      void this.#tries
      const control = new AbortController()
      void this.#load(unit(), control.signal)
      return () => control.abort()
    })
    reloadOn(() => ({ topic: 'alarms' }), this.reload)
  }
  reload = (): void => {
    this.#tries++
  }
  /** Puts in what a change answered; what is over leaves. */
  put(changed: readonly Alarm[]): void {
    this.items = stillOpen(this.items, changed)
  }

  async #load(orgUnitId: string | undefined, signal: AbortSignal): Promise<void> {
    try {
      const items: Alarm[] = []
      const query = { open: true, historic: false, orgUnitId }
      for await (const page of api.pages<Alarm>('/alarms', query, signal, MOST_OPEN)) items.push(...page)
      const incidents: Incident[] = []
      if (items.some(({ incidentId }) => incidentId !== null))
        for await (const page of api.pages<Incident>('/incidents', { open: true }, signal, MOST_INCIDENTS))
          incidents.push(...page)
      this.incidents = incidents
      this.items = items
      this.more = items.length >= MOST_OPEN
      this.ready = true
      this.error = undefined
    } catch (caught) {
      if (!isAbort(caught)) this.error = asApiError(caught)
    }
  }
}
