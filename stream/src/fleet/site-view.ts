import type { Registry, Soiling } from '@heliograph/crm-core'
import type { ExpectedNow, RegistrySite } from '@heliograph/crm-core/contracts'
import type { SiteView } from '../alarms/rule.ts'
import type { FleetState } from './fleet-state.ts'

/** What rules see of a site now. @param now UTC milliseconds */
export function siteView(
  site: RegistrySite,
  registry: Registry,
  fleet: FleetState,
  now: number,
  expected?: ExpectedNow,
  soiling?: Soiling,
): SiteView {
  const thresholds = registry.tenant(site.tenantId)?.thresholds
  return {
    site,
    now,
    ...(thresholds && { thresholds }),
    ...(expected && { expected }),
    ...(soiling && { soiling }),
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
