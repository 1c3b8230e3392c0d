/**
 * What an alarm rule is: a judgement of one site, so that it sees peers and gateways and can say one thing about one
 * cause. A rule has no memory; delay, hysteresis, identity and telling are the engine's.
 */
import type { AlarmRecord, DeviceId, RegistryDevice, RegistrySite } from '@heliograph/crm-core/contracts'
import type { DeviceState } from '../fleet/fleet-state.ts'

export interface DeviceView {
  device: RegistryDevice
  /** Absent: never seen. */
  state?: DeviceState
  /** Its values no longer speak for now. */
  stale: boolean
  /** Time between two deliveries, milliseconds. */
  intervalMs: number
}
export interface SiteView {
  site: RegistrySite
  devices: DeviceView[]
  /** UTC milliseconds. */
  now: number
}

export interface Condition {
  /** What of the site it is about: a device's id, a device and a code, or `site`. Stable while it lasts. */
  key: string
  deviceId?: DeviceId
  /** Since when it holds, on the rule's clock, UTC milliseconds. */
  since: number
  severity?: AlarmRecord['severity']
  /** One sentence for a technician. */
  message: string
  details?: Record<string, unknown>
}
export interface Judgement {
  active: Condition[]
  /** Keys (or prefixes ending in `*`) of which nothing can be said now: what is raised stays, what is not stays so. */
  unknown?: string[]
}

export interface Rule {
  type: string
  severity: AlarmRecord['severity']
  /** A condition must hold this long before it is an alarm, and be gone this long before the alarm is cleared. */
  raiseAfterMs: number
  clearAfterMs: number
  judge(site: SiteView): Judgement
}
export const defineRule = (rule: Rule): Rule => rule
