import { type Condition, defineRule } from '../alarms/rule.ts'

/** The device says itself what is wrong. Codes keep the vendor's spelling; each code of each device is one alarm. */
export const inverterFault = defineRule({
  type: 'inverter-fault',
  severity: 'critical',
  raiseAfterMs: 0,
  // Inverters that try again and again tell a fault for a minute and nothing for the next.
  clearAfterMs: 5 * 60_000,
  judge({ devices }) {
    const active: Condition[] = []
    const unknown: string[] = []
    for (const { device, state, stale } of devices) {
      if (!state) continue
      if (stale) unknown.push(`${device.id}/*`)
      const faults = state.faults ?? []
      // A device in fault that names no code is in fault all the same.
      const told =
        faults.length === 0 && state.status === 'fault' ? [{ code: 'fault', text: 'fault without a code' }] : faults
      for (const fault of stale ? [] : told)
        active.push({
          key: `${device.id}/${fault.code}`,
          deviceId: device.id,
          since: state.faultSince[fault.code] ?? state.ts,
          severity: 'severity' in fault && fault.severity ? fault.severity : 'critical',
          message: `${device.name} reports fault ${fault.code}${fault.text ? `: ${fault.text}` : ''}`,
          details: { code: fault.code },
        })
    }
    return { active, unknown }
  },
})
