import type { LiveBus, LiveDevice, LiveSite, SiteStatus } from '@heliograph/crm-core/contracts'

/** What the live state knows of one device of this tenant; undefined: never heard since the state was built. */
export function liveDevice(live: LiveBus, tenantId: string | undefined, deviceId: string) {
  const value = live.get(`device:${deviceId}`)
  if (value === undefined || value.tenantId !== tenantId) return undefined
  return { ts: value.ts, ...(value.value as LiveDevice) }
}
export function liveSite(live: LiveBus, tenantId: string | undefined, siteId: string): LiveSite | undefined {
  const value = live.get(`site:${siteId}`)
  return value !== undefined && value.tenantId === tenantId ? (value.value as LiveSite) : undefined
}
export const siteStatusOf = (live: LiveSite | undefined): SiteStatus => live?.status ?? 'unknown'
