import { daylightMs } from '@heliograph/crm-core'
import { DEFAULT_THRESHOLDS, type Thresholds } from '@heliograph/crm-core/contracts'
import { type Condition, defineRule, type DeviceView, type SiteView } from '../alarms/rule.ts'

/**
 * Lost contact, judged on arrival and on daylight alone: a logger that sleeps at night, or sends once a day, is not silent.
 * It says nothing about production. One cause, one alarm: a silent gateway explains its children, and a site of which
 * nothing is heard any more is one alarm, not one per device.
 */
export const deviceSilent = defineRule({
  type: 'device-silent',
  severity: 'major',
  raiseAfterMs: 0,
  clearAfterMs: 0,
  judge({ site, devices, now, thresholds = DEFAULT_THRESHOLDS }) {
    // History that was brought in is nothing heard: such a device owes us no delivery.
    const heard = devices.filter(
      ({ device, state }) => state && Number.isFinite(state.receivedAt) && !device.replacedById,
    )
    const silent = heard.filter((view) => isSilent(view, site, now, thresholds))
    if (silent.length === 0) return { active: [] }
    if (silent.length === heard.length && heard.length > 1) {
      const since = Math.max(...silent.map((view) => view.state!.receivedAt))
      return {
        active: [
          { key: 'site', since, message: `Nothing was heard of any of the ${heard.length} devices of this site` },
        ],
        unknown: silent.map((view) => view.device.id),
      }
    }
    const silentIds = new Set(silent.map((view) => view.device.id))
    const explained = (view: DeviceView) => view.device.parentId !== undefined && silentIds.has(view.device.parentId)
    return {
      active: silent.filter((view) => !explained(view)).map(condition),
      unknown: silent.filter(explained).map((view) => view.device.id),
    }
  },
})

function isSilent(
  { state, intervalMs }: DeviceView,
  site: SiteView['site'],
  now: number,
  { silenceIntervals, silenceMinutes }: Thresholds,
): boolean {
  const allowed = Math.max(silenceMinutes * 60_000, silenceIntervals * intervalMs)
  // Cheap first: daylight never makes a silence longer.
  return now - state!.receivedAt > allowed && daylightMs(state!.receivedAt, now, site) > allowed
}

const condition = ({ device, state, intervalMs }: DeviceView): Condition => ({
  key: device.id,
  deviceId: device.id,
  since: state!.receivedAt,
  message: `${device.name} has not been heard of; it usually reports every ${duration(intervalMs)}`,
  details: { lastReceivedAt: state!.receivedAt, intervalMs },
})

function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000)
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}
