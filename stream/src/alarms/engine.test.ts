import { describe, expect, it } from 'vitest'
import { Registry } from '@heliograph/crm-core'
import type {
  ConnectionId,
  CustomerId,
  DeviceId,
  OrgUnitId,
  Reading,
  RegistryDevice,
  SiteId,
  TenantId,
} from '@heliograph/crm-core/contracts'
import { FleetState } from '../fleet/fleet-state.ts'
import { deviceSilent } from '../rules/device-silent.ts'
import { inverterFault } from '../rules/inverter-fault.ts'
import { zeroPower } from '../rules/zero-power.ts'
import { siteView } from '../fleet/site-view.ts'
import { AlarmEngine } from './engine.ts'
import { defineRule, type Rule } from './rule.ts'

const MINUTE = 60_000
const NOON = Date.parse('2026-06-21T11:00:00Z')
const tenantId = 't' as TenantId
const siteId = 's' as SiteId
const device = (id: string, changes: Partial<RegistryDevice> = {}): RegistryDevice => ({
  id: id as DeviceId,
  tenantId,
  siteId,
  name: id,
  kind: 'inverter',
  vendor: 'native',
  serial: id,
  roles: [{ role: 'production', from: 0 }],
  links: [],
  sites: [{ siteId, from: 0 }],
  peakPowerW: 10_000,
  deliveryIntervalS: 60,
  ...changes,
})

function scene(devices: RegistryDevice[], rules: readonly Rule[] = [deviceSilent, inverterFault, zeroPower]) {
  const registry = new Registry()
  registry.load({
    version: 1,
    tenants: [],
    connections: [],
    devices,
    sites: [
      {
        id: siteId,
        tenantId,
        name: 'Roof',
        customerId: 'c' as CustomerId,
        orgUnitId: 'o' as OrgUnitId,
        timezone: 'Europe/Berlin',
        latitude: 52.5,
        longitude: 13.4,
      },
    ],
  })
  const fleet = new FleetState(registry)
  const engine = new AlarmEngine({ rules })
  const told = () => {
    const records = engine.untold.map(({ action, type, deviceId, at }) => ({ action, type, deviceId, at }))
    engine.settled(records.length)
    return records
  }
  const view = (now: number) => siteView(registry.site(siteId)!, registry, fleet, now)
  return {
    engine,
    say(id: string, ts: number, changes: Partial<Reading> = {}) {
      return fleet.take({
        tenantId,
        siteId,
        deviceId: id as DeviceId,
        ts,
        receivedAt: ts,
        source: 'native',
        metrics: { ac_power_w: 5_000 },
        quality: [],
        rawRef: { connectionId: 'k' as ConnectionId, partition: 0, offset: 0, revision: 0 },
        ...changes,
      })
    },
    view,
    judge(now: number) {
      engine.judge(view(now))
      return told()
    },
  }
}

describe('alarms', () => {
  it('raises silence once, from the last thing heard, and clears it when the device is back', () => {
    const { say, judge } = scene([device('a'), device('b')])
    say('a', NOON)
    say('b', NOON)
    say('b', NOON + 5 * MINUTE)
    expect(judge(NOON + 5 * MINUTE)).toEqual([{ action: 'raised', type: 'device-silent', deviceId: 'a', at: NOON }])
    expect(judge(NOON + 6 * MINUTE)).toEqual([])
    say('a', NOON + 7 * MINUTE)
    say('b', NOON + 7 * MINUTE)
    expect(judge(NOON + 7 * MINUTE)).toMatchObject([{ action: 'cleared', type: 'device-silent' }])
  })

  it('is not woken by the night', () => {
    const { say, judge } = scene([device('a')])
    const sunset = Date.parse('2026-06-21T19:10:00Z')
    say('a', sunset)
    expect(judge(sunset + 6 * 60 * MINUTE)).toEqual([])
  })

  it('is patient with a logger that sends once a day', () => {
    const { say, judge } = scene([device('a', { deliveryIntervalS: 86_400 })])
    say('a', NOON)
    expect(judge(NOON + 26 * 60 * MINUTE)).toEqual([])
  })

  it('tells one alarm for a silent site, and one for a silent gateway with its children', () => {
    const all = scene([device('a'), device('b'), device('c')])
    for (const id of ['a', 'b', 'c']) all.say(id, NOON)
    expect(all.judge(NOON + 10 * MINUTE)).toEqual([
      { action: 'raised', type: 'device-silent', deviceId: undefined, at: NOON },
    ])
    const tree = scene([device('g', { kind: 'gateway' }), device('a', { parentId: 'g' as DeviceId }), device('b')])
    for (const id of ['g', 'a', 'b']) tree.say(id, NOON)
    tree.say('b', NOON + 10 * MINUTE)
    expect(tree.judge(NOON + 10 * MINUTE).map(({ deviceId }) => deviceId)).toEqual(['g'])
  })

  it('raises one alarm per fault code and does not flap', () => {
    const { say, judge } = scene([device('a')])
    say('a', NOON, { faults: [{ code: '307' }] })
    expect(judge(NOON)).toMatchObject([{ action: 'raised', type: 'inverter-fault' }])
    say('a', NOON + MINUTE, { faults: [] })
    expect(judge(NOON + MINUTE)).toEqual([])
    say('a', NOON + 2 * MINUTE, { faults: [{ code: '307' }] })
    expect(judge(NOON + 2 * MINUTE)).toEqual([])
    for (let minute = 3; minute <= 9; minute++) say('a', NOON + minute * MINUTE, { faults: [] })
    expect(judge(NOON + 3 * MINUTE)).toEqual([])
    expect(judge(NOON + 9 * MINUTE)).toMatchObject([{ action: 'cleared' }])
  })

  it('raises zero power only beside a producing neighbour, after a delay, and never for lost contact', () => {
    const { say, judge } = scene([device('a'), device('b')])
    const alone = scene([device('a')])
    for (let minute = 0; minute <= 20; minute++) {
      const at = NOON + minute * MINUTE
      say('a', at, { metrics: { ac_power_w: 0 } })
      say('b', at)
      alone.say('a', at, { metrics: { ac_power_w: 0 } })
      const told = judge(at).map(({ action, type }) => `${action} ${type}`)
      expect(told).toEqual(minute === 15 ? ['raised zero-power'] : [])
      expect(alone.judge(at)).toEqual([])
    }
    const lost = scene([device('a'), device('b')])
    lost.say('a', NOON, { metrics: { ac_power_w: 0 } })
    for (let minute = 0; minute <= 20; minute++) lost.say('b', NOON + minute * MINUTE)
    expect(lost.judge(NOON + 20 * MINUTE).map(({ type }) => type)).toEqual(['device-silent'])
  })

  const idle = { metrics: { ac_power_w: 0 } }
  /** Raised in the order told, of a minute's reports each. */
  function raisedOver(
    minutes: number,
    { say, judge }: ReturnType<typeof scene>,
    tell: (minute: number) => void,
  ): string[] {
    const raised: string[] = []
    for (let minute = 0; minute <= minutes; minute++) {
      tell(minute)
      say('peer', NOON + minute * MINUTE)
      for (const { action, type, deviceId } of judge(NOON + minute * MINUTE))
        raised.push(`${minute} ${action} ${type} ${deviceId}`)
    }
    return raised
  }

  it('tells a fault that stops the device once: no zero power beside it, and its whole delay after it', () => {
    const at = scene([device('a'), device('peer')])
    const told = raisedOver(60, at, (minute) =>
      at.say('a', NOON + minute * MINUTE, { ...idle, faults: minute < 30 ? [{ code: '307' }] : [] }),
    )
    // Over five minutes after it was last told; the delay of zero power is fifteen.
    expect(told).toEqual(['0 raised inverter-fault a', '35 cleared inverter-fault a', '50 raised zero-power a'])
  })

  it('lets neither a remark nor another device’s fault explain zero power', () => {
    for (const of of ['a', 'peer']) {
      const at = scene([device('a'), device('peer')])
      const told = raisedOver(20, at, (minute) => {
        const ts = NOON + minute * MINUTE
        const remark = { faults: [{ code: '9', ...(of === 'a' && { severity: 'minor' as const }) }] }
        at.say('a', ts, { ...idle, ...(of === 'a' && remark) })
        if (of === 'peer') at.say('peer', ts, remark)
      })
      expect(told).toContain('15 raised zero-power a')
    }
  })

  it('explains what hangs on a device that is in fault or silent', () => {
    const tree = () => [device('g', { kind: 'gateway' }), device('a', { parentId: 'g' as DeviceId }), device('peer')]
    const faulty = scene(tree())
    const told = raisedOver(20, faulty, (minute) => {
      faulty.say('g', NOON + minute * MINUTE, { metrics: {}, faults: [{ code: '1' }] })
      faulty.say('a', NOON + minute * MINUTE, idle)
    })
    expect(told).toEqual(['0 raised inverter-fault g'])
    const silent = scene(tree())
    silent.say('g', NOON, { metrics: {} })
    expect(raisedOver(20, silent, (minute) => silent.say('a', NOON + minute * MINUTE, idle))).toEqual([
      expect.stringContaining('raised device-silent g'),
    ])
  })

  it('lets every rule name what it yields to, in a chain but not in a circle', () => {
    const rule = (type: string, yieldsTo?: string[]): Rule =>
      defineRule({
        type,
        severity: 'major',
        raiseAfterMs: 0,
        clearAfterMs: 0,
        ...(yieldsTo && { yieldsTo }),
        judge: ({ now }) => ({ active: [{ key: 'a', deviceId: 'a' as DeviceId, since: now, message: type }] }),
      })
    const chain = scene([device('a')], [rule('effect', ['middle']), rule('middle', ['cause']), rule('cause')])
    chain.say('a', NOON)
    expect(chain.judge(NOON).map(({ type }) => type)).toEqual(['cause'])
    expect(() => new AlarmEngine({ rules: [rule('x', ['y']), rule('y', ['x'])] })).toThrow(TypeError)
  })

  it('keeps its memory and what was not told yet over a restart, under the same id', () => {
    const before = scene([device('a')])
    before.say('a', NOON, { faults: [{ code: '1' }] })
    before.engine.judge(before.view(NOON))
    const saved = before.engine.save()
    const [id] = before.engine.untold.map((record) => record.id)
    const after = new AlarmEngine({ rules: [inverterFault] })
    after.restore(saved)
    expect(after.untold.map((record) => record.id)).toEqual([id])
  })

  it('judges late faults as history', () => {
    const { engine } = scene([device('a')])
    const site = { id: siteId, tenantId } as never
    engine.judgeLate(site, 'a' as DeviceId, [{ code: '9' }], NOON)
    engine.judgeLate(site, 'a' as DeviceId, [{ code: '9' }], NOON + MINUTE)
    expect(new Set(engine.untold.map((record) => record.id)).size).toBe(1)
    expect(engine.untold.every((record) => record.historic)).toBe(true)
  })
})
