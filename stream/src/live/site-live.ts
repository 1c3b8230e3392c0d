/** What the fleet list shows of a site, from what its devices said last. */
import {
  combineSite,
  deadStrings,
  type DeviceValues,
  isDaylight,
  ROLLUP_GAUGES,
  verdict,
  type VerdictInput,
} from '@heliograph/crm-core'
import type { ExpectedNow, LiveSite, SiteStatus } from '@heliograph/crm-core/contracts'
import type { DeviceView, SiteView } from '../alarms/rule.ts'
import type { DeviceState } from '../fleet/fleet-state.ts'

/** Below this share of its peak power a site makes nothing worth calling production. */
const IDLE_SHARE = 0.002

export interface SiteLiveInput {
  view: SiteView
  openAlarms: { type: string; severity: string }[]
  /** Wh of the site's local day so far, where known. */
  energyTodayWh?: number
  /** Sites around it were lost at the same time. */
  lostTogether?: boolean
}

export function siteLive({ view, openAlarms, energyTodayWh, lostTogether = false }: SiteLiveInput): LiveSite {
  const seen = view.devices.filter((device) => device.state)
  const current = seen.filter((device) => !device.stale)
  const currentById = new Map(current.map(({ device, state }) => [device.id, state!]))
  // The same rule as for roll-ups: a gateway, its inverters and a meter count once.
  const now = combineSite(
    view.devices.map(({ device }) => device),
    view.now,
    ({ id }) => {
      const state = currentById.get(id)
      return state && valuesNow(state)
    },
  )
  const power = now.gauges.ac_power_w?.avg
  const night = !isDaylight(view.now, view.site)
  const live: LiveSite = {
    status: statusOf({ seen, current, openAlarms, night, power, peakPowerW: view.site.peakPowerW }),
    openAlarms: openAlarms.length,
    night,
  }
  if (power !== undefined) live.acPowerW = power
  if (now.source) live.source = now.source
  if (now.gauges.grid_power_w) live.gridPowerW = now.gauges.grid_power_w.avg
  if (now.gauges.load_power_w) live.loadPowerW = now.gauges.load_power_w.avg
  if (now.gauges.battery_power_w) live.batteryPowerW = now.gauges.battery_power_w.avg
  if (now.gauges.battery_soc_pct) live.batterySocPct = now.gauges.battery_soc_pct.avg
  if (energyTodayWh !== undefined) live.energyTodayWh = energyTodayWh
  if (seen.length > 0) live.lastSeenAt = Math.max(...seen.map((device) => device.state!.ts))
  const expected = againstExpected(view.expected ?? {}, power)
  Object.assign(live, expected)
  live.verdict = verdict({
    night,
    contact: !seen.some(({ state }) => Number.isFinite(state!.receivedAt))
      ? 'never'
      : current.length === 0
        ? 'lost'
        : 'some',
    ...(live.lastSeenAt !== undefined && { lastSeenAt: live.lastSeenAt }),
    producing: isProducing(power, view.site.peakPowerW),
    lostTogether,
    expected,
    ...factsOf(current),
  })
  return live
}

/** Its power now over what is expected now; the same five minutes as far as the two are told. */
function againstExpected(expected: ExpectedNow, power: number | undefined): ExpectedNow {
  const { expectedPowerW, performanceNow } = expected
  if (performanceNow !== undefined || !expectedPowerW || power === undefined) return expected
  return { ...expected, performanceNow: power / expectedPowerW }
}

/** What the devices that are heard tell of themselves. */
function factsOf(
  current: readonly DeviceView[],
): Pick<VerdictInput, 'faults' | 'limited' | 'deadStrings' | 'inverters'> {
  const faults: VerdictInput['faults'][number][] = []
  const dead: VerdictInput['deadStrings'][number][] = []
  const inverters: VerdictInput['inverters'][number][] = []
  let limited = false
  for (const { device, state } of current) {
    if (!state) continue
    const named = { deviceId: device.id, deviceName: device.name }
    for (const { code, text, severity } of state.faults ?? [])
      if (severity !== 'info' && severity !== 'minor')
        faults.push({ ...named, code, ...(text && { text }), since: state.faultSince[code] ?? state.ts })
    if (state.status === 'fault' && !state.faults?.length)
      faults.push({ ...named, code: 'fault without a code', since: state.ts })
    limited ||= state.quality.includes('curtailed') || (state.metrics.power_limit_pct ?? 100) < 99.5
    if (device.kind !== 'inverter') continue
    for (const input of deadStrings(state.dc ?? [], state.dcProduced)) dead.push({ ...named, string: input })
    if (device.peakPowerW && state.metrics.ac_power_w !== undefined)
      inverters.push({ ...named, share: state.metrics.ac_power_w / device.peakPowerW })
  }
  return { faults, limited, deadStrings: dead, inverters }
}

const isProducing = (power: number | undefined, peakPowerW = 1_000): boolean => (power ?? 0) > peakPowerW * IDLE_SHARE

/** What a device says now, as values of one instant. */
function valuesNow(state: DeviceState): DeviceValues {
  const gauges: DeviceValues['gauges'] = {}
  for (const name of ROLLUP_GAUGES) {
    const value = state.metrics[name]
    if (value !== undefined) gauges[name] = { avg: value, min: value, max: value }
  }
  return { gauges }
}

function statusOf(site: {
  seen: DeviceView[]
  current: DeviceView[]
  openAlarms: { type: string; severity: string }[]
  night: boolean
  power?: number
  peakPowerW?: number
}): SiteStatus {
  if (!site.seen.some(({ state }) => Number.isFinite(state!.receivedAt))) return 'unknown'
  // Lost contact is not an outage, and night is neither.
  if (site.current.length === 0) return site.night ? 'idle' : 'silent'
  const critical = site.openAlarms.some(({ severity }) => severity === 'critical')
  const producing = isProducing(site.power, site.peakPowerW)
  if (critical && !producing && !site.night) return 'down'
  if (critical || site.openAlarms.some(({ severity }) => severity === 'major')) return 'degraded'
  return producing ? 'producing' : 'idle'
}
