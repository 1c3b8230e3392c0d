/** Every tag that sites carry, with the sites that do. */
import type { Site } from '@heliograph/crm-core/contracts'

export interface TagUse {
  tag: string
  siteIds: string[]
}
export function tagUses(sites: Iterable<Pick<Site, 'id' | 'tags'>>): TagUse[] {
  const uses = new Map<string, string[]>()
  for (const { id, tags } of sites)
    for (const tag of tags) {
      const ids = uses.get(tag)
      if (ids) ids.push(id)
      else uses.set(tag, [id])
    }
  return [...uses].map(([tag, siteIds]) => ({ tag, siteIds })).sort((a, b) => a.tag.localeCompare(b.tag))
}

/** Sites changed in one request at most. */
const AT_ONCE = 500
export function* chunks<T>(items: readonly T[], size = AT_ONCE): Generator<T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}
