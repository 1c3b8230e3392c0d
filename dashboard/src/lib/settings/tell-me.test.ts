import { describe, expect, it } from 'vitest'
import { FLOORS, subscriptionWords, waysOf } from './tell-me.ts'

const names = {
  site: (id: string) => (id === 's1' ? 'Roof' : ''),
  customer: (id: string) => (id === 'c1' ? 'Sunny Farm' : ''),
  unit: () => 'North',
}
const nothing = { siteId: null, customerId: null, orgUnitId: null, minSeverity: 'critical' } as const

describe('what a person is told of', () => {
  it('is said in words', () => {
    expect(subscriptionWords(nothing, names)).toBe('Critical alarms of everything you see')
    expect(subscriptionWords({ ...nothing, siteId: 's1', minSeverity: 'major' }, names)).toBe(
      'Major and critical alarms of Roof',
    )
    expect(subscriptionWords({ ...nothing, customerId: 'c1', orgUnitId: 'u1' }, names)).toBe(
      'Critical alarms of Sunny Farm, North',
    )
    expect(subscriptionWords({ ...nothing, siteId: 'gone' }, names)).toBe('Critical alarms of a site that is not known')
    expect(waysOf(['mail', 'sms'])).toBe('email and SMS')
  })
  it('can begin at every severity, the most severe first', () => {
    expect(FLOORS.map(({ severity }) => severity)).toEqual(['critical', 'major', 'minor', 'info'])
  })
})
