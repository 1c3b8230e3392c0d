/** The part of the company that fleet, map, alarms and tickets show: an org unit and all below it. It stands in the address. */
import { page } from '$app/state'
import type { OrgUnit } from '@heliograph/crm-core/contracts'
import { api } from '#lib/api/api.ts'
import { isScoped } from '#lib/navigation/entries.ts'
import { session } from '#lib/session/session.svelte.ts'
import { setParams } from './address.ts'
import { flatTree, unitsUnder, type TreeUnit } from './unit-tree.ts'

class Scope {
  units = $state.raw<readonly OrgUnit[]>([])
  ready = $state(false)
  /** What was chosen on the last page that shows a part: links to the others carry it on. */
  kept = $state<string | undefined>(undefined)
  #asked = false

  /** The unit of the open page's address, where the person sees such a unit. */
  get id(): string | undefined {
    return isScoped(page.url.pathname) ? (page.url.searchParams.get('unit') ?? undefined) : this.kept
  }
  get unit(): OrgUnit | undefined {
    return this.units.find(({ id }) => id === this.id)
  }
  get tree(): TreeUnit[] {
    return flatTree(this.units)
  }
  /** Ids of the unit and all below it; undefined: no restriction. */
  get under(): ReadonlySet<string> | undefined {
    return this.id === undefined ? undefined : unitsUnder(this.units, this.id)
  }
  name(id: string | null | undefined): string {
    return this.units.find((unit) => unit.id === id)?.name ?? ''
  }

  want(): void {
    if (this.#asked || !session.may('site:read') || session.isCustomer) return
    this.#asked = true
    void this.#load()
  }
  /** After units were made, renamed, moved or removed: what is shown stays until the answer is there. */
  reload(): Promise<void> {
    this.#asked = true
    return this.#load()
  }
  choose(id: string | undefined): void {
    this.kept = id
    if (isScoped(page.url.pathname)) setParams({ unit: id })
  }
  /** Follows the address: called by the frame whenever the page changes. */
  follow(): void {
    if (isScoped(page.url.pathname)) this.kept = page.url.searchParams.get('unit') ?? undefined
  }
  /** Address of a page with the scope in it. */
  href(path: string): string {
    return this.kept !== undefined && isScoped(path) ? `${path}?unit=${encodeURIComponent(this.kept)}` : path
  }

  async #load(): Promise<void> {
    try {
      const units: OrgUnit[] = []
      for await (const part of api.pages<OrgUnit>('/org-units', {}, new AbortController().signal)) units.push(...part)
      this.units = units
      this.ready = true
    } catch {
      this.#asked = false
    }
  }
}

export const scope = new Scope()
