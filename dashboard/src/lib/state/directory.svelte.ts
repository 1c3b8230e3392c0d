/** Names of customers, sites and connections by id, so that lists can say whose something is. Loaded once when first asked for, then kept fresh on demand. */
import type { Connection, Customer, Permission, Site } from '@heliograph/crm-core/contracts'
import { api } from '#lib/api/api.ts'
import type { ListOf } from '#lib/api/client.ts'
import { session } from '#lib/session/session.svelte.ts'

class Names<T extends { id: string; name: string }> {
  entries = $state.raw<ReadonlyMap<string, T>>(new Map())
  ready = $state(false)
  #path: string
  #needs: Permission
  #paged: boolean
  #asked: Promise<void> | undefined
  #renewing = false
  #loadedAt = 0

  /** @param paged whether the list comes by pages, and takes a limit */
  constructor(path: string, needs: Permission, paged = true) {
    this.#path = path
    this.#needs = needs
    this.#paged = paged
  }
  /** Loads if that has not happened yet. A failure leaves the names out and is tried again by the next who asks. */
  want(): void {
    if (this.#asked) return
    this.#asked = this.#load().catch(() => {
      this.#asked = undefined
    })
  }
  /**
   * Asks once more, as there may be something whose name is not here. What is shown stays until the answer is there.
   * @param olderThanMs a list that was asked for since is good enough, milliseconds
   */
  again(olderThanMs = 0): void {
    if (!this.ready || this.#renewing || Date.now() - this.#loadedAt < olderThanMs) return
    this.#renewing = true
    void this.#load()
      .catch(() => undefined)
      .finally(() => (this.#renewing = false))
  }
  get(id: string | null | undefined): T | undefined {
    return id ? this.entries.get(id) : undefined
  }
  name(id: string | null | undefined): string {
    return this.get(id)?.name ?? ''
  }
  get list(): T[] {
    return [...this.entries.values()].sort((a, b) => a.name.localeCompare(b.name))
  }

  async #load(): Promise<void> {
    if (!session.may(this.#needs)) return
    const items: T[] = []
    this.#loadedAt = Date.now()
    if (!this.#paged) items.push(...(await api.get<ListOf<T>>(this.#path)).items)
    else for await (const page of api.pages<T>(this.#path, {}, new AbortController().signal)) items.push(...page)
    this.entries = new Map(items.map((item) => [item.id, item]))
    this.ready = true
  }
}

export const directory = {
  customers: new Names<Customer>('/customers', 'customer:read'),
  sites: new Names<Site>('/sites', 'site:read'),
  /** People that tickets can be given to. */
  assignees: new Names<{ id: string; name: string }>('/tickets/assignees', 'ticket:read', false),
  connections: new Names<Connection>('/connections', 'connection:read'),
}
/** Name of the customer whose a site is, as far as both lists are there. */
export const ownerOf = (siteId: string): string => directory.customers.name(directory.sites.get(siteId)?.customerId)
/** The same beside the site's own name: empty where both are called alike. */
export function ownerBeside(siteId: string): string {
  const owner = ownerOf(siteId)
  return owner === directory.sites.name(siteId) ? '' : owner
}
