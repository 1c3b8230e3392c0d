import { describe, expect, it } from 'vitest'
import { Registry, type Soiling } from '@heliograph/crm-core'
import type { CustomerId, ExpectedNow, OrgUnitId, RegistrySite, SiteId, TenantId } from '@heliograph/crm-core/contracts'
import { AlarmEngine } from '../alarms/engine.ts'
import { FleetState } from '../fleet/fleet-state.ts'
import { siteView } from '../fleet/site-view.ts'
import { soiling } from './soiling.ts'
import { underperformance } from './underperformance.ts'

const HOUR = 3_600_000
const NOON = Date.parse('2026-06-21T11:00:00Z')
const site: RegistrySite = {
  id: 's' as SiteId,
  tenantId: 't' as TenantId,
  name: 's',
  customerId: 'c' as CustomerId,
  orgUnitId: 'o' as OrgUnitId,
  timezone: 'Europe/Berlin',
}
const UNDER: ExpectedNow = {
  expectedState: 'under',
  expectedSource: 'peers',
  underSince: NOON - 5 * HOUR,
  performanceNow: 0.7,
}
const dirt = (loss: number, steady = true): Soiling => ({ loss, steady, since: '2026-05-28', days: 9 })

function scene(rules = [soiling]) {
  const registry = new Registry()
  registry.load({ version: 1, tenants: [], connections: [], devices: [], sites: [site] })
  const fleet = new FleetState(registry)
  const engine = new AlarmEngine({ rules })
  return (found: Soiling | undefined, expected?: ExpectedNow) => {
    engine.judge(siteView(site, registry, fleet, NOON, expected, found))
    const told = engine.untold.map(({ action, type, message }) => ({ said: `${action} ${type}`, message }))
    engine.settled(engine.untold.length)
    return told
  }
}

describe('dirt on modules', () => {
  it('is told once, with how much and since when', () => {
    const judge = scene()
    expect(judge(dirt(0.124))).toEqual([
      {
        said: 'raised soiling',
        message:
          'Dirt on the modules: 12 % less than when they were clean, a little more every clear day since 2026-05-28',
      },
    ])
    expect(judge(dirt(0.14))).toEqual([])
  })
  it('is not told while it is little, or came at a stroke, or nothing is known', () => {
    const judge = scene()
    for (const found of [dirt(0.07), dirt(0.3, false), undefined]) expect(judge(found)).toEqual([])
  })
  it('stays while a shower took some of it, and through grey weeks; is over when the modules are clean', () => {
    const judge = scene()
    judge(dirt(0.1))
    for (const found of [dirt(0.06), dirt(0.09, false), undefined]) expect(judge(found)).toEqual([])
    expect(judge(dirt(0.03, false))).toMatchObject([{ said: 'cleared soiling' }])
    expect(judge(dirt(0.06))).toEqual([])
  })
  it('is the reason why a site gives less than its neighbours: one alarm, not two', () => {
    const judge = scene([soiling, underperformance])
    expect(judge(dirt(0.2), UNDER).map(({ said }) => said)).toEqual(['raised soiling'])
    expect(scene([soiling, underperformance])(dirt(0.01), UNDER).map(({ said }) => said)).toEqual([
      'raised underperformance',
    ])
  })
})
