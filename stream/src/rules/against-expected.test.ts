import { describe, expect, it } from 'vitest'
import { Registry } from '@heliograph/crm-core'
import type {
  Channel,
  ConnectionId,
  CustomerId,
  DeviceId,
  ExpectedNow,
  OrgUnitId,
  Reading,
  RegistryDevice,
  RegistrySite,
  SiteId,
  TenantId,
} from '@heliograph/crm-core/contracts'
import { AlarmEngine } from '../alarms/engine.ts'
import { FleetState } from '../fleet/fleet-state.ts'
import { siteView } from '../fleet/site-view.ts'
import { siteLive } from '../live/site-live.ts'
import { Streets } from '../live/streets.ts'
import { deadString } from './dead-string.ts'
import { inverterFault } from './inverter-fault.ts'
import { underperformance } from './underperformance.ts'

const MINUTE = 60_000
const NOON = Date.parse('2026-06-21T11:00:00Z')
const tenantId = 't' as TenantId
const siteOf = (id: string, changes: Partial<RegistrySite> = {}): RegistrySite => ({
  id: id as SiteId,
  tenantId,
  name: id,
  customerId: 'c' as CustomerId,
  orgUnitId: 'o' as OrgUnitId,
  timezone: 'Europe/Berlin',
  latitude: 52.5,
  longitude: 13.4,
  peakPowerW: 10_000,
  ...changes,
})
const inverter = (id: string, siteId: string): RegistryDevice => ({
  id: id as DeviceId,
  tenantId,
  siteId: siteId as SiteId,
  name: id,
  kind: 'inverter',
  vendor: 'native',
  serial: id,
  roles: [{ role: 'production', from: 0 }],
  links: [],
  sites: [{ siteId: siteId as SiteId, from: 0 }],
  peakPowerW: 10_000,
  deliveryIntervalS: 60,
})

function scene(sites = [siteOf('s')], devices = [inverter('i', 's')]) {
  const registry = new Registry()
  registry.load({ version: 1, tenants: [], connections: [], devices, sites })
  const fleet = new FleetState(registry)
  const engine = new AlarmEngine({ rules: [deadString, inverterFault, underperformance] })
  const told: string[] = []
  return {
    registry,
    fleet,
    told,
    engine,
    say(ts: number, dc: Channel[], more: Partial<Reading> = {}) {
      fleet.take({
        tenantId,
        siteId: 's' as SiteId,
        deviceId: 'i' as DeviceId,
        ts,
        receivedAt: ts,
        source: 'native',
        metrics: { ac_power_w: 5_000 },
        dc,
        quality: [],
        rawRef: { connectionId: 'c' as ConnectionId, partition: 0, offset: 0, revision: 0 },
        ...more,
      })
    },
    judge(ts: number, expected?: ExpectedNow) {
      engine.judge(siteView(sites[0]!, registry, fleet, ts, expected))
      for (const { action, type } of engine.untold) told.push(`${action} ${type}`)
      engine.settled(engine.untold.length)
      return told
    },
  }
}
const whole: Channel[] = [
  { voltage_v: 600, current_a: 5 },
  { voltage_v: 610, current_a: 5 },
]
const broken: Channel[] = [
  { voltage_v: 600, current_a: 5 },
  { voltage_v: 0, current_a: 0 },
]

describe('dead-string', () => {
  it('is told after half an hour, once, and cleared when it gives again', () => {
    const s = scene()
    s.say(NOON - MINUTE, whole)
    for (let minute = 0; minute <= 29; minute++) {
      s.say(NOON + minute * MINUTE, broken)
      s.judge(NOON + minute * MINUTE)
    }
    expect(s.told).toEqual([])
    for (let minute = 30; minute <= 40; minute++) {
      s.say(NOON + minute * MINUTE, broken)
      s.judge(NOON + minute * MINUTE)
    }
    expect(s.told).toEqual(['raised dead-string'])
    expect(s.engine.openOf('s' as SiteId)).toMatchObject([{ type: 'dead-string', deviceId: 'i' }])
    for (let minute = 41; minute <= 57; minute++) {
      s.say(NOON + minute * MINUTE, whole)
      s.judge(NOON + minute * MINUTE)
    }
    expect(s.told).toEqual(['raised dead-string', 'cleared dead-string'])
  })
  it('says nothing of an input that was never used, until it is known to have been', () => {
    const s = scene()
    const hour = (from: number) => {
      for (let minute = 0; minute <= 60; minute += 1) {
        s.say(from + minute * MINUTE, broken)
        s.judge(from + minute * MINUTE)
      }
    }
    hour(NOON)
    expect(s.told).toEqual([])
    s.fleet.rememberStrings('i' as DeviceId, [true, true])
    hour(NOON + 61 * MINUTE)
    expect(s.told).toEqual(['raised dead-string'])
  })
  it('stays through the night and through silence, and yields to a fault that says why', () => {
    const s = scene()
    s.say(NOON - MINUTE, whole)
    for (let minute = 0; minute <= 31; minute++) {
      s.say(NOON + minute * MINUTE, broken)
      s.judge(NOON + minute * MINUTE)
    }
    for (let hour = 1; hour < 20; hour++) s.judge(NOON + hour * 60 * MINUTE)
    s.say(NOON + 12 * 60 * MINUTE, [
      { voltage_v: 0, current_a: 0 },
      { voltage_v: 0, current_a: 0 },
    ])
    s.judge(NOON + 12 * 60 * MINUTE)
    expect(s.told).toEqual(['raised dead-string'])
    const f = scene()
    f.say(NOON - MINUTE, whole)
    for (let minute = 0; minute <= 60; minute++) {
      f.say(NOON + minute * MINUTE, broken, { faults: [{ code: '12' }] })
      f.judge(NOON + minute * MINUTE)
    }
    expect(f.told).toEqual(['raised inverter-fault'])
  })
})

describe('underperformance', () => {
  const under: ExpectedNow = {
    expectedState: 'under',
    expectedSource: 'peers',
    performanceNow: 0.7,
    underSince: NOON,
  }
  it('is told after three hours below the band, and cleared after one within', () => {
    const s = scene()
    for (let minute = 5; minute < 180; minute += 5) s.judge(NOON + minute * MINUTE, under)
    expect(s.told).toEqual([])
    s.judge(NOON + 180 * MINUTE, under)
    expect(s.told).toEqual(['raised underperformance'])
    for (let minute = 185; minute <= 250; minute += 5)
      s.judge(NOON + minute * MINUTE, { expectedState: 'ok', expectedSource: 'peers', performanceNow: 1 })
    expect(s.told).toEqual(['raised underperformance', 'cleared underperformance'])
  })
  it.each<[string, ExpectedNow | undefined]>([
    ['nothing is measured', undefined],
    ['only just under the band', { ...under, performanceNow: 0.88 }],
    ['held back', { ...under, expectedState: 'curtailed' }],
    ['too dim', { ...under, expectedState: 'dim' }],
  ])('says nothing where %s', (_, expected) => {
    const s = scene()
    for (let minute = 0; minute < 600; minute += 10) s.judge(NOON + minute * MINUTE, expected)
    expect(s.told).toEqual([])
  })
})

describe('the live value of a site', () => {
  it('carries what is expected and its verdict; what is not measured is absent', () => {
    const s = scene()
    s.say(NOON, whole)
    const view = (expected?: ExpectedNow) => siteView(siteOf('s'), s.registry, s.fleet, NOON + 1_000, expected)
    const plain = siteLive({ view: view(), openAlarms: [] })
    expect(plain.verdict).toEqual({ kind: 'not-measured', producing: true })
    expect(Object.keys(plain).filter((name) => /expected|loss|performance/.test(name))).toEqual([])
    const told = siteLive({
      view: view({
        expectedPowerW: 5_000,
        expectedSource: 'irradiance',
        expectedState: 'ok',
        lossTodayWh: 0,
        expectedTodayWh: 9,
      }),
      openAlarms: [],
    })
    expect(told).toMatchObject({
      expectedPowerW: 5_000,
      lossTodayWh: 0,
      performanceNow: 1,
      verdict: { kind: 'as-expected', source: 'irradiance' },
    })
  })
  it('a street that is lost together has a likely cause', () => {
    const names = ['a', 'b', 'c']
    const sites = names.map((name, index) => siteOf(name, { longitude: 13.4 + index * 0.001 }))
    const s = scene(
      sites,
      names.map((name) => inverter(`i${name}`, name)),
    )
    for (const name of names) s.say(NOON, whole, { siteId: name as SiteId, deviceId: `i${name}` as DeviceId })
    const now = NOON + 10 * MINUTE
    const lostWith = (at: number) => new Streets(s.registry, s.fleet).lostWithOthers('a' as SiteId, at)
    expect(lostWith(NOON + MINUTE)).toBe(false)
    expect(lostWith(now)).toBe(true)
    const live = siteLive({
      view: siteView(sites[0]!, s.registry, s.fleet, now),
      openAlarms: [],
      lostTogether: lostWith(now),
    })
    expect(live.verdict).toEqual({ kind: 'no-contact', since: NOON, cause: 'grid' })
    // One of them is heard again: two are no street.
    s.say(now, whole, { siteId: 'c' as SiteId, deviceId: 'ic' as DeviceId })
    expect(lostWith(now + 1_000)).toBe(false)
  })
})
