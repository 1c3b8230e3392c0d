import type { LiveBus, LiveValue } from '@heliograph/crm-core/contracts'
import { KIND_OF_LIST, kindOf } from './viewer.ts'

/** Kinds that a site's page shows beside the site itself. */
const OF_A_SITE = ['device:', 'alarm:'] as const

interface TenantKeys {
  bySite: Map<string, Set<string>>
  siteOf: Map<string, string>
}

/**
 * Which keys of the live state belong to which site. The bus lists by tenant alone; going through a fleet of ten thousand
 * for every page that somebody opens would hold up everybody. Built for a tenant when first asked, kept by what passes.
 */
export class SiteIndex {
  readonly #tenants = new Map<string, TenantKeys>()

  /** Takes note of a value on its way. */
  note(value: LiveValue): void {
    const keys = this.#tenants.get(value.tenantId)
    if (keys === undefined || value.siteId === undefined) return
    if (!OF_A_SITE.some((prefix) => value.key.startsWith(prefix))) return
    const before = keys.siteOf.get(value.key)
    if (before === value.siteId) return
    if (before !== undefined) keys.bySite.get(before)?.delete(value.key)
    add(keys, value.key, value.siteId)
  }

  /** Values of a site: its own, its devices' and its open alarms'. */
  *values(bus: LiveBus, tenantId: string, siteId: string): Iterable<LiveValue> {
    const own = bus.get(`site:${siteId}`)
    if (own !== undefined) yield own
    const keys = this.#of(bus, tenantId)
    const ofSite = keys.bySite.get(siteId)
    if (ofSite === undefined) return
    for (const key of ofSite) {
      const value = bus.get(key)
      if (value !== undefined) yield value
      else {
        // Forgotten by the bus, which keeps so many keys and no more.
        ofSite.delete(key)
        keys.siteOf.delete(key)
      }
    }
  }

  #of(bus: LiveBus, tenantId: string): TenantKeys {
    let keys = this.#tenants.get(tenantId)
    if (keys === undefined) {
      keys = { bySite: new Map(), siteOf: new Map() }
      for (const prefix of OF_A_SITE)
        for (const { key, siteId } of bus.list(tenantId, prefix)) if (siteId !== undefined) add(keys, key, siteId)
      this.#tenants.set(tenantId, keys)
    }
    return keys
  }
}

function add(keys: TenantKeys, key: string, siteId: string): void {
  keys.siteOf.set(key, siteId)
  const known = keys.bySite.get(siteId)
  if (known === undefined) keys.bySite.set(siteId, new Set([key]))
  else known.add(key)
}

/** The live state of a topic, before anybody's rights are asked. */
export function* valuesOfTopic(bus: LiveBus, index: SiteIndex, tenantId: string, topic: string): Iterable<LiveValue> {
  const kind = KIND_OF_LIST.get(topic)
  if (kind !== undefined) yield* bus.list(tenantId, `${kind}:`)
  else if (kindOf(topic) === 'site') yield* index.values(bus, tenantId, topic.slice('site:'.length))
  else {
    const value = bus.get(topic)
    if (value !== undefined) yield value
  }
}
