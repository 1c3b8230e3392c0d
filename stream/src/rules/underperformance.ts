import { DEFAULT_THRESHOLDS, expectedSourceWords } from '@heliograph/crm-core/contracts'
import { defineRule } from '../alarms/rule.ts'

const KEY = 'site'

/**
 * A site below what its sensor, the weather or its healthy neighbours let expect, for hours. A clear sky alone says nothing: then,
 * and at night, nothing is known and what is raised stays.
 */
export const underperformance = defineRule({
  type: 'underperformance',
  severity: 'minor',
  raiseAfterMs: ({ thresholds = DEFAULT_THRESHOLDS }) => thresholds.underperformanceHours * 3_600_000,
  clearAfterMs: 3_600_000,
  // Why it gives less is told by these.
  yieldsTo: ['inverter-fault', 'device-silent', 'zero-power', 'dead-string', 'soiling'],
  judge({ expected, thresholds = DEFAULT_THRESHOLDS }) {
    const { expectedState, expectedSource, underSince, performanceNow } = expected ?? {}
    if (expectedState !== 'ok' && expectedState !== 'under') return { active: [], unknown: [KEY] }
    if (expectedState === 'ok' || !expectedSource || underSince === undefined || performanceNow === undefined)
      return { active: [] }
    // Well under the band's low end, so that the edge of the band raises nothing.
    if (performanceNow > 1 - thresholds.underperformancePercent / 100) return { active: [], unknown: [KEY] }
    const percent = Math.round((1 - performanceNow) * 100)
    return {
      active: [
        {
          key: KEY,
          since: underSince,
          message: `${percent} % under what ${expectedSourceWords(expectedSource)} let expect`,
          details: { percent, source: expectedSource },
        },
      ],
    }
  },
})
