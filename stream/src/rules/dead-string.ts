import { deadStrings, isDaylight } from '@heliograph/crm-core'
import { type Condition, defineRule } from '../alarms/rule.ts'

/**
 * A DC input that gives nothing while its siblings at the same inverter produce: a fuse, a plug, a torn cable. An input that was
 * never used is none. Where no sibling produces enough nothing can be said.
 */
export const deadString = defineRule({
  type: 'dead-string',
  severity: 'major',
  // A passing shadow or a restart of one tracker is over by then.
  raiseAfterMs: 30 * 60_000,
  clearAfterMs: 15 * 60_000,
  yieldsTo: ['inverter-fault', 'device-silent', 'zero-power'],
  judge({ site, devices, now }) {
    const active: Condition[] = []
    const unknown: string[] = []
    const daylight = isDaylight(now, site)
    for (const { device, state, stale } of devices) {
      const dc = state?.dc
      if (device.kind !== 'inverter' || !dc || dc.length < 2) continue
      const dead = stale || !daylight ? [] : deadStrings(dc, state.dcProduced)
      for (const input of dead)
        active.push({
          key: `${device.id}/dc${input}`,
          deviceId: device.id,
          since: state.ts,
          message: `String ${input} of ${device.name} gives nothing while its neighbours produce`,
          details: { string: input, currents: dc.map(({ current_a }) => current_a ?? null) },
        })
      // Gone is only what gives something again.
      if (stale || !daylight) unknown.push(`${device.id}/*`)
      else
        for (const [index, { current_a, power_w }] of dc.entries())
          if ((current_a ?? power_w ?? 0) <= 0.05) unknown.push(`${device.id}/dc${index + 1}`)
    }
    return { active, unknown }
  },
})
