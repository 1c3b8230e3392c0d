import { lostTogether, type Registry } from '@heliograph/crm-core'
import type { SiteId } from '@heliograph/crm-core/contracts'
import type { FleetState } from '../fleet/fleet-state.ts'

const AGAIN_MS = 30_000

/** Which sites went silent together with those around them; looked at now and then, over all sites of each tenant. */
export class Streets {
  readonly #registry: Registry
  readonly #fleet: FleetState
  #lost = new Set<SiteId>()
  #at = Number.NEGATIVE_INFINITY

  constructor(registry: Registry, fleet: FleetState) {
    this.#registry = registry
    this.#fleet = fleet
  }

  lostWithOthers(siteId: SiteId, now: number): boolean {
    if (now - this.#at >= AGAIN_MS) {
      this.#at = now
      this.#lost = this.#look(now)
    }
    return this.#lost.has(siteId)
  }

  #look(now: number): Set<SiteId> {
    const heard = new Map<SiteId, { lostAt: number; current: boolean }>()
    for (const state of this.#fleet.all()) {
      if (!Number.isFinite(state.receivedAt)) continue
      const site = heard.get(state.siteId) ?? { lostAt: 0, current: false }
      site.lostAt = Math.max(site.lostAt, state.receivedAt)
      site.current ||= !this.#fleet.isStale(state, now)
      heard.set(state.siteId, site)
    }
    const byTenant = Map.groupBy(
      [...heard].flatMap(([id, { lostAt, current }]) => {
        const site = this.#registry.site(id)
        return !site || current || site.latitude === undefined || site.longitude === undefined
          ? []
          : [{ id, tenantId: site.tenantId, latitude: site.latitude, longitude: site.longitude, lostAt }]
      }),
      ({ tenantId }) => tenantId,
    )
    const found = new Set<SiteId>()
    for (const lost of byTenant.values()) for (const id of lostTogether(lost)) found.add(id)
    return found
  }
}
