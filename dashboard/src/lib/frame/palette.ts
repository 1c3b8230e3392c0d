/** What the palette offers for what was typed. Pure, so that its order can be tested. */
import type { SearchHit } from '@heliograph/crm-core/contracts'
import type { IconName } from '#lib/components/icons.ts'

export interface PaletteItem {
  id: string
  group: string
  title: string
  detail?: string
  icon: IconName
  keys?: readonly string[]
  /** Where it leads; such items are remembered as recent. */
  href?: string
  run?: () => void
}
export interface Searchable extends PaletteItem {
  words?: string
  /** Found by its words alone: too many of its kind to list. */
  rare?: boolean
}

/** Commands that have every typed word, those whose title begins with it first. */
export function matching<T extends Searchable>(items: readonly T[], text: string): T[] {
  const words = fold(text).split(/\s+/).filter(Boolean)
  if (words.length === 0) return [...items]
  const rank = (item: T) => (fold(item.title).startsWith(words[0]!) ? 0 : 1)
  return items
    .filter((item) => {
      const told = fold(`${item.group} ${item.title} ${item.words ?? ''}`)
      return words.every((word) => told.includes(word))
    })
    .sort((a, b) => rank(a) - rank(b))
}

const HIT: Readonly<Record<SearchHit['kind'], { group: string; icon: IconName; path: string }>> = {
  site: { group: 'Sites', icon: 'home', path: '/sites' },
  device: { group: 'Devices', icon: 'device', path: '/devices' },
  customer: { group: 'Customers', icon: 'people', path: '/customers' },
  ticket: { group: 'Tickets', icon: 'ticket', path: '/tickets' },
}
/** Hits by kind; the kind of the best hit comes first. */
export function hitItems(hits: readonly SearchHit[]): PaletteItem[] {
  const byKind = Map.groupBy(hits, ({ kind }) => kind)
  return [...byKind].flatMap(([kind, found]) =>
    found.map(({ id, title, detail }) => ({
      id: `${kind} ${id}`,
      group: HIT[kind].group,
      title,
      detail,
      icon: HIT[kind].icon,
      href: `${HIT[kind].path}/${id}`,
    })),
  )
}

/** Recents remembered and shown. */
const MOST_RECENT = 8
export type Recent = Pick<PaletteItem, 'title' | 'detail' | 'icon'> & { href: string }
/** The newest first, each once. */
export function withRecent(recents: readonly Recent[], item: PaletteItem): Recent[] {
  if (item.href === undefined) return [...recents]
  const { title, detail, icon, href } = item
  const entry: Recent = { title, icon, href, ...(detail === undefined ? {} : { detail }) }
  return [entry, ...recents.filter((other) => other.href !== href)].slice(0, MOST_RECENT)
}
/** What was stored, read with care: another release, or a person, may have written it. */
export function readRecents(text: string | null, icons: ReadonlySet<string>): Recent[] {
  try {
    const told: unknown = JSON.parse(text ?? '[]')
    if (!Array.isArray(told)) return []
    return told.filter((entry): entry is Recent => {
      const { title, href, icon, detail } = (entry ?? {}) as Record<string, unknown>
      return (
        typeof title === 'string' &&
        typeof href === 'string' &&
        /^\/(?![/\\])/.test(href) &&
        typeof icon === 'string' &&
        icons.has(icon) &&
        (detail === undefined || typeof detail === 'string')
      )
    })
  } catch {
    return []
  }
}

const fold = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
