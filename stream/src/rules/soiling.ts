import { dayStart } from '@heliograph/crm-core'
import { defineRule } from '../alarms/rule.ts'

const KEY = 'site'
/** Share of the clean yield that must be missing, and below which it is over; between the two what is raised stays. */
const RAISE = 0.08
const CLEAR = 0.04

/**
 * Dirt on the modules: a slow, steady fall of what the site gives under a clear sky, over weeks. Its memory is in the days'
 * figures: after rain or a washing the fall must begin anew before it is told again.
 */
export const soiling = defineRule({
  type: 'soiling',
  severity: 'minor',
  // Weeks have shown it.
  raiseAfterMs: 0,
  clearAfterMs: 0,
  // It is the reason, not a remark beside it.
  alwaysExplains: true,
  yieldsTo: ['inverter-fault', 'dead-string'],
  judge({ site, soiling: found }) {
    if (!found) return { active: [], unknown: [KEY] }
    if (found.loss < CLEAR) return { active: [] }
    if (found.loss < RAISE || !found.steady) return { active: [], unknown: [KEY] }
    const percent = Math.round(found.loss * 100)
    return {
      active: [
        {
          key: KEY,
          since: dayStart(site.timezone, found.since),
          message: `Dirt on the modules: ${percent} % less than when they were clean, a little more every clear day since ${found.since}`,
          details: { percent, since: found.since, clearDays: found.days },
        },
      ],
    }
  },
})
