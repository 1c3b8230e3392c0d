/** How a company shows itself to its customers: asked for once, and put on the page where customers are. */
import type { Brand } from '@heliograph/crm-core/contracts'
import { api } from '#lib/api/api.ts'
import { accentOf, accentTokens, isColor } from './accent.ts'

class BrandState {
  current = $state.raw<Brand | undefined>(undefined)
  #asked: Promise<void> | undefined

  /** @param tenant whose brand, where nobody is signed in yet */
  want(tenant?: string): void {
    if (this.#asked) return
    this.#asked = api.get<Brand>('/brand', { query: { tenant }, anonymous: true }).then(
      (brand) => this.put(brand),
      // Without it the pages look as they always do.
      () => undefined,
    )
  }
  put(brand: Brand): void {
    this.current = brand
    const style = document.documentElement.style
    if (brand.accentColor !== undefined && isColor(brand.accentColor))
      for (const [name, value] of Object.entries(accentTokens(accentOf(brand.accentColor))))
        style.setProperty(name, value)
  }
}

export const brand = new BrandState()
