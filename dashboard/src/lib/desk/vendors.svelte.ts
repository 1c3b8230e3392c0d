/** The vendors that can be connected. A server that does not list them leaves the field to be typed. */
import { api } from '#lib/api/api.ts'
import type { ListOf } from '#lib/api/client.ts'
import { sentence } from '#lib/format/words.ts'
import type { VendorInfo } from './types.ts'

class Vendors {
  items = $state.raw<readonly VendorInfo[]>([])
  #asked: Promise<void> | undefined

  want(): void {
    if (this.#asked) return
    this.#asked = api.get<ListOf<VendorInfo>>('/vendors').then(
      ({ items }) => {
        this.items = [...items].sort((a, b) => a.name.localeCompare(b.name))
      },
      () => {
        this.#asked = undefined
      },
    )
  }
  get(id: string): VendorInfo | undefined {
    return this.items.find((vendor) => vendor.id === id)
  }
  name(id: string): string {
    return this.get(id)?.name ?? sentence(id)
  }
}

export const vendors = new Vendors()
