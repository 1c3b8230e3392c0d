/** What the fleet list shows of a site, from what its devices said last. */
import { isDaylight } from '@heliograph/crm-core'
import type { LiveSite, Metric, SiteStatus } from '@heliograph/crm-core/contracts'
import type { DeviceView, SiteView } from '../alarms/rule.ts'
import { productionNow } from './production-now.ts'

/** Below this share of its peak power a site makes nothing worth calling production. */
const IDLE_SHARE = 0.002

export interface SiteLiveInput {
  view: SiteView
  openAlarms: { type: string; severity: string }[]
  /** Wh of the site's local day so far, where known. */
  energyTodayWh?: number
}

export function siteLive({ view, openAlarms, energyTodayWh }: SiteLiveInput): LiveSite {
  const seen = view.devices.filter((device) => device.state)
  const current = seen.filter((device) => !device.stale)
  const production = productionNow(view)
  const night = !isDaylight(view.now, view.site)
  const value = (role: string, metric: Metric) => sumOfRole(current, role, metric, view.now)
  const battery = current.find((device) => device.state!.metrics.battery_soc_pct !== undefined)
  const live: LiveSite = {
    status: statusOf({ seen, current, openAlarms, night, power: production?.powerW, peakPowerW: view.site.peakPowerW }),
    openAlarms: openAlarms.length,
    night,
  }
  if (production) {
    live.acPowerW = production.powerW
    live.source = production.source
  }
  const grid = value('grid', 'grid_power_w')
  const load = value('load', 'load_power_w')
  const batteryPower = value('battery', 'battery_power_w')
  if (grid !== undefined) live.gridPowerW = grid
  if (load !== undefined) live.loadPowerW = load
  if (batteryPower !== undefined) live.batteryPowerW = batteryPower
  if (battery) live.batterySocPct = battery.state!.metrics.battery_soc_pct
  if (energyTodayWh !== undefined) live.energyTodayWh = energyTodayWh
  if (seen.length > 0) live.lastSeenAt = Math.max(...seen.map((device) => device.state!.ts))
  return live
}

/** Devices of the role first; else any device that measures it (a hybrid inverter tells its battery and grid). */
function sumOfRole(current: DeviceView[], role: string, metric: Metric, now: number): number | undefined {
  const measuring = current.filter((device) => device.state!.metrics[metric] !== undefined)
  const designated = measuring.filter((device) => roleAt(device, now) === role)
  const used = designated.length > 0 ? designated : measuring.slice(0, 1)
  return used.length === 0 ? undefined : used.reduce((sum, device) => sum + device.state!.metrics[metric]!, 0)
}

const roleAt = ({ device }: DeviceView, at: number): string | undefined =>
  device.roles.find(({ from, to }) => at >= from && (to === undefined || at < to))?.role

function statusOf(site: {
  seen: DeviceView[]
  current: DeviceView[]
  openAlarms: { type: string; severity: string }[]
  night: boolean
  power?: number
  peakPowerW?: number
}): SiteStatus {
  if (site.seen.length === 0) return 'unknown'
  // Lost contact is not an outage, and night is neither.
  if (site.current.length === 0) return site.night ? 'idle' : 'silent'
  const critical = site.openAlarms.some(({ severity }) => severity === 'critical')
  const producing = (site.power ?? 0) > (site.peakPowerW ?? 1_000) * IDLE_SHARE
  if (critical && !producing && !site.night) return 'down'
  if (critical || site.openAlarms.some(({ severity }) => severity === 'major')) return 'degraded'
  return producing ? 'producing' : 'idle'
}
