/** What each demo device measures at an instant: one function for history and live values. */
import type { Metrics } from '@heliograph/crm-core/contracts'
import type { DemoDevice, DemoSite } from './plan.ts'
import { DemoCounter, demoShare } from './production.ts'

const HISTORY_DAYS = 30
export const historyStart = (seededAt: number): number =>
  Math.floor((seededAt - HISTORY_DAYS * 86_400_000) / 300_000) * 300_000

export interface Behaviour {
  device: DemoDevice
  /** Asked for rising instants, UTC milliseconds. */
  metricsAt(ts: number): Metrics
}

export function behavioursOf(site: DemoSite, devices: readonly DemoDevice[], seededAt: number): Behaviour[] {
  const start = historyStart(seededAt)
  return devices.map((device) => ({ device, metricsAt: measure(site, device, start) }))
}

function measure(site: DemoSite, device: DemoDevice, start: number): (ts: number) => Metrics {
  const peakW = site.devices.reduce((sum, { peakPowerW }) => sum + (peakPowerW ?? 0), 0)
  const production = (ts: number): number => peakW * demoShare(site, ts)
  const load = (ts: number): number => loadW(site, peakW, ts)
  switch (device.role) {
    case 'production': {
      const quality = qualityOf(device.serial)
      const power = (ts: number): number => device.peakPowerW! * quality * demoShare(site, ts)
      const counter = new DemoCounter(power, start, 12_000_000 * quality)
      return (ts) => {
        const watts = Math.round(power(ts))
        return {
          ac_power_w: watts,
          dc_power_w: Math.round(watts / 0.97),
          energy_total_wh: counter.at(ts),
          inverter_temp_c: Math.round((22 + (28 * watts) / device.peakPowerW!) * 10) / 10,
        }
      }
    }
    case 'grid': {
      const battery = site.devices.some(({ role }) => role === 'battery')
      const balance = (ts: number): number =>
        load(ts) - production(ts) - (battery ? batteryW(load(ts) - production(ts)) : 0)
      const imported = new DemoCounter((ts) => Math.max(0, balance(ts)), start, 4_000_000)
      const exported = new DemoCounter((ts) => Math.max(0, -balance(ts)), start, 6_000_000)
      return (ts) => ({
        grid_power_w: Math.round(balance(ts)),
        import_total_wh: imported.at(ts),
        export_total_wh: exported.at(ts),
      })
    }
    case 'battery':
      return (ts) => ({
        battery_power_w: Math.round(batteryW(load(ts) - production(ts))),
        battery_soc_pct: Math.round(35 + 60 * demoShare({ ...site, cluster: 'battery' }, ts - 3 * 3_600_000)),
      })
    default:
      return () => ({})
  }
}

/** Inverters of one roof differ by a few percent, always the same way. */
function qualityOf(serial: string): number {
  let hash = 0
  for (const letter of serial) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0
  return 0.97 + (hash % 50) / 1_000
}

/** A load with a morning and an evening hill, by solar time. */
function loadW(site: DemoSite, peakW: number, ts: number): number {
  const hour = (((ts / 3_600_000 + site.longitude / 15) % 24) + 24) % 24
  const hill = (at: number, width: number): number => Math.exp(-(((hour - at) / width) ** 2))
  return peakW * (0.06 + 0.1 * hill(8, 2) + 0.16 * hill(18.5, 2.5) + 0.05 * hill(12.5, 3))
}

/** Discharge is positive: the battery takes a surplus and gives to a lack, within its inverter's five kilowatts. */
const batteryW = (lack: number): number => Math.max(-5_000, Math.min(5_000, lack * 0.8))
