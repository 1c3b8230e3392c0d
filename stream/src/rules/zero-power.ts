import { isDaylight } from '@heliograph/crm-core'
import { type Condition, defineRule, type DeviceView } from '../alarms/rule.ts'

/** Below this share of its peak power an inverter makes nothing. */
const NOTHING = 0.002
/** Above this share a peer proves that there is light enough. */
const ENOUGH = 0.08

/**
 * An inverter that is in contact and makes nothing while its peers at the site produce. Without a peer nothing is said:
 * a clear sky that was cloudy is not a loss.
 */
export const zeroPower = defineRule({
  type: 'zero-power',
  severity: 'critical',
  raiseAfterMs: 15 * 60_000,
  clearAfterMs: 5 * 60_000,
  // A fault that the device names, or lost contact, is why it makes nothing.
  yieldsTo: ['inverter-fault', 'device-silent'],
  judge({ site, devices, now }) {
    const inverters = devices.filter(
      ({ device, state }) => device.kind === 'inverter' && device.peakPowerW && state?.metrics.ac_power_w !== undefined,
    )
    const current = inverters.filter((view) => !view.stale)
    const unknown = inverters.filter((view) => view.stale).map((view) => view.device.id)
    if (!isDaylight(now, site)) return { active: [], unknown: inverters.map((view) => view.device.id) }
    const producing = current.filter((view) => share(view) >= ENOUGH)
    const idle = current.filter((view) => share(view) <= NOTHING)
    if (producing.length === 0) return { active: [], unknown: [...unknown, ...idle.map((view) => view.device.id)] }
    return {
      unknown,
      active: idle.map(({ device, state }): Condition => ({
        key: device.id,
        deviceId: device.id,
        since: state!.ts,
        message: `${device.name} makes nothing while ${producing.length === 1 ? 'its neighbour produces' : `${producing.length} neighbours produce`}`,
        details: { peers: producing.map((view) => view.device.id) },
      })),
    }
  },
})

const share = ({ device, state }: DeviceView): number => state!.metrics.ac_power_w! / device.peakPowerW!
