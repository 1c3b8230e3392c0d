/** Views that a person has saved: names for addresses, kept on the server, so that they are there in every browser. */
import type { SavedView } from '@heliograph/crm-core/contracts'
import { api } from '#lib/api/api.ts'
import type { ListOf } from '#lib/api/client.ts'

class Views {
  items = $state.raw<readonly SavedView[]>([])
  ready = $state(false)
  #asked = false

  want(): void {
    if (this.#asked) return
    this.#asked = true
    void this.reload().catch(() => {
      this.#asked = false
    })
  }
  async reload(): Promise<void> {
    this.items = (await api.get<ListOf<SavedView>>('/saved-views')).items
    this.ready = true
  }
  /** @throws ApiError `conflict` where there is one of this name */
  async save(name: string, address: string): Promise<SavedView> {
    const made = await api.post<SavedView>('/saved-views', { name, address })
    this.items = [...this.items, made].sort((a, b) => a.name.localeCompare(b.name))
    return made
  }
  async rename(view: SavedView, name: string): Promise<void> {
    const { data } = await api.patch<SavedView>(`/saved-views/${view.id}`, { name }, undefined)
    this.items = this.items.map((other) => (other.id === data.id ? data : other))
  }
  async remove(view: SavedView): Promise<void> {
    await api.delete(`/saved-views/${view.id}`)
    this.items = this.items.filter(({ id }) => id !== view.id)
  }
}

export const views = new Views()

/** A view's address with its parameters in one order, so that the same filters are the same view. */
export function sameView(a: string, b: string): boolean {
  return ordered(a) === ordered(b)
}
function ordered(address: string): string {
  const url = new URL(address, 'http://here.invalid')
  url.searchParams.sort()
  return `${url.pathname}?${url.searchParams.toString()}`
}
