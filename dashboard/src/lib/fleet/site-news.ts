/** What the socket told of sites since their list was asked for: one that was made, renamed, moved or removed meanwhile. */
import type { LiveUpdate, Site } from '@heliograph/crm-core/contracts'
import type { ListedSite } from './rows.ts'

const KEY = 'site-record:'

export class SiteNews {
  /** As they are now; undefined: gone. */
  #sites = new Map<string, Site | undefined>()

  /** @returns those that are there */
  hear(updates: readonly LiveUpdate[]): Site[] {
    const told = updates.map(({ key, value }): [string, Site | undefined] => [
      key.slice(KEY.length),
      (value as Site | null) ?? undefined,
    ])
    this.#sites = new Map([...this.#sites, ...told])
    return told.flatMap(([, site]) => site ?? [])
  }
  forget(): void {
    this.#sites = new Map()
  }

  /** A list together with what was told: the newer of both. */
  on(listed: readonly ListedSite[]): readonly ListedSite[] {
    const news = this.#sites
    if (news.size === 0) return listed
    const known = new Set(listed.map(({ id }) => id))
    const kept = listed.flatMap((site): ListedSite[] => {
      if (!news.has(site.id)) return [site]
      const told = news.get(site.id)
      if (!told) return []
      return [told.version < site.version ? site : { ...site, ...told }]
    })
    const made = [...news.values()].filter((told) => told !== undefined)
    return [...kept, ...made.filter(({ id }) => !known.has(id))]
  }
}
