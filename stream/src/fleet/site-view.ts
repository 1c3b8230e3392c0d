import type { Registry } from '@heliograph/crm-core'
import type { RegistrySite } from '@heliograph/crm-core/contracts'
import type { SiteView } from '../alarms/rule.ts'
import type { FleetState } from './fleet-state.ts'

/** What rules see of a site now. @param now UTC milliseconds */
export function siteView(site: RegistrySite, registry: Registry, fleet: FleetState, now: number): SiteView {
  return {
    site,
    now,
    devices: registry
      .devicesOfSite(site.id)
      .filter((device) => device.siteId === site.id)
      .map((device) => {
        const state = fleet.get(device.id)
        return {
          device,
          state,
          stale: state ? fleet.isStale(state, now) : true,
          intervalMs: fleet.intervalMs(device.id),
        }
      }),
  }
}
