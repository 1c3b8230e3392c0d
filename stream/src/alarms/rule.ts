/**
 * What an alarm rule is: a judgement of one site, so that it sees peers and gateways and can say one thing about one
 * cause. A rule has no memory; delay, hysteresis, identity and telling are the engine's.
 */
import type {
  AlarmRecord,
  DeviceId,
  ExpectedNow,
  RegistryDevice,
  RegistrySite,
  Thresholds,
} from '@heliograph/crm-core/contracts'
import type { Soiling } from '@heliograph/crm-core'
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
  /** The site against what it should give; figures that are not measured are absent. */
  expected?: ExpectedNow
  /** How dirty its modules are, from its clear days. Absent: not known. */
  soiling?: Soiling
  /** From when on the tenant wants to hear of it. Absent: the ordinary. */
  thresholds?: Thresholds
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
  raiseAfterMs: number | ((site: SiteView) => number)
  clearAfterMs: number
  /**
   * Types of rules that say why: while one of them holds for the same device, for what it hangs on, or for the whole site, this
   * rule begins nothing, so that one fault is one alarm. What is only minor or info explains nothing.
   */
  yieldsTo?: readonly string[]
  /** Explains those that yield to it whatever its severity: it tells the reason, however small the harm. */
  alwaysExplains?: boolean
  judge(site: SiteView): Judgement
}
export const defineRule = (rule: Rule): Rule => rule
