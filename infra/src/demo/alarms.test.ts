/** Hours of the demo on a clock of their own: what the devices send, decoded and judged by the rules, and what the rules make of it. */
import {
  addDays,
  calibrationDay,
  calibrationFor,
  expectedBucket,
  indexOfPeers,
  indexToldBy,
  localDate,
  neighboursOf,
  PEER_KM,
  plantOf,
  Registry,
  type CalibrationDay,
  type SiteBucket,
  type Soiling,
  soilingOf,
} from '@heliograph/crm-core'
import type {
  AlarmRecord,
  ConnectionId,
  CustomerId,
  DeviceId,
  ExpectedNow,
  OrgUnitId,
  RegistryDevice,
  RegistrySite,
  SiteId,
  TenantId,
} from '@heliograph/crm-core/contracts'
import { vendors } from '@heliograph/ingest'
import { AlarmEngine, FleetState, rules, siteView } from '@heliograph/stream'
import { describe, expect, it } from 'vitest'
import { openTestCrm } from '../crm/open-for-test.ts'
import { SiteMeasures } from './measures.ts'
import { capacityOf, type DemoSite, partsOf, peakOf } from './plan.ts'
import { STEP_MS } from './site-day.ts'
import { DEMO_SITES } from './sites.ts'
import { DAY_MS, sunHeight } from './sky.ts'
import { SPEECHES } from './speech/index.ts'
import { isWithoutGrid, REPLACED_BEFORE_MS, SILENT_AFTER_MS, WRONG_CLOCK_MS } from './troubles.ts'

const MINUTE_MS = 60_000
const tenantId = 't' as TenantId
const ALWAYS = { from: 0 }

const registrySite = (site: DemoSite): RegistrySite => ({
  id: site.name as SiteId,
  tenantId,
  name: site.name,
  customerId: 'c' as CustomerId,
  orgUnitId: 'o' as OrgUnitId,
  timezone: site.timezone,
  latitude: site.latitude,
  longitude: site.longitude,
  peakPowerW: peakOf(site),
  acCapacityW: capacityOf(site),
  arrays: site.arrays.map((array, index) => ({
    azimuthDeg: array.azimuthDeg,
    tiltDeg: array.tiltDeg,
    peakPowerW: peakOf({ ...site, devices: site.devices.filter((device) => (device.array ?? 0) === index) }),
  })),
})
const registryDevices = (site: DemoSite, seededAt: number): RegistryDevice[] =>
  site.devices.map((device) => ({
    id: device.serial as DeviceId,
    tenantId,
    siteId: site.name as SiteId,
    name: device.name,
    kind: device.kind,
    vendor: device.vendor,
    serial: device.serial,
    roles:
      device.trouble === 'replaced'
        ? [{ role: device.role, from: 0, to: seededAt - REPLACED_BEFORE_MS }]
        : [{ role: device.role, ...ALWAYS }],
    links: [],
    sites: [{ siteId: site.name as SiteId, ...ALWAYS }],
    ...(device.peakPowerW !== undefined && { peakPowerW: device.peakPowerW }),
    deliveryIntervalS: Math.max(site.everyS, 10),
    ...(device.trouble === 'replaced' && { replacedById: 'other' as DeviceId }),
  }))

/** Sites of one cluster from the start of the demo on. */
function live(
  cluster: string,
  seededAt: number,
  hours: number,
  expectedOf?: ExpectedOf,
  dirtOf?: (site: DemoSite) => Soiling | undefined,
): AlarmRecord[] {
  const sites = DEMO_SITES.filter((site) => site.cluster === cluster)
  const registry = new Registry()
  registry.load({
    version: 1,
    tenants: [],
    connections: [],
    sites: sites.map(registrySite),
    devices: sites.flatMap((site) => registryDevices(site, seededAt)),
  })
  const fleet = new FleetState(registry)
  const engine = new AlarmEngine({ rules })
  const connections = sites.flatMap((site) => {
    const measures = new SiteMeasures(site, seededAt)
    return [...partsOf(site)].map(([part, devices]) => {
      const vendor = vendors.get(devices[0]!.vendor)!
      return {
        site,
        part,
        measures,
        vendor,
        speech: SPEECHES[vendor.id as 'native'](site, devices),
        state: vendor.initialState?.() as unknown,
      }
    })
  })
  const told: AlarmRecord[] = []
  for (let now = seededAt; now <= seededAt + hours * 3_600_000; now += MINUTE_MS) {
    for (const { site, part, measures, vendor, speech, state } of connections) {
      if (isWithoutGrid(site, now, seededAt)) continue
      const values = measures.at(now, true)
      const said = site.devices.flatMap((device, index) =>
        device.part === part && values[index] && !(device.trouble === 'silent' && now > seededAt + SILENT_AFTER_MS)
          ? [{ device, measured: values[index] }]
          : [],
      )
      for (const { topic, body } of speech.say(said, now)) {
        const message = {
          ...(topic !== undefined && { topic }),
          body: Buffer.from(body),
          transport: speech.transport,
          receivedAt: now,
          timezone: site.timezone,
        } as const
        for (const reading of vendor.decode(message, state).readings) {
          const device = site.devices.find(({ externalId }) => externalId === reading.device)
          // What nobody has entered reaches no rule.
          if (!device) continue
          const { device: _id, tsSource: _source, attributes: _facts, ...rest } = reading
          fleet.take({
            ...rest,
            // The line stores a time from the future as that of arrival.
            ts: reading.ts > now + WRONG_CLOCK_MS / 8 ? now : reading.ts,
            tenantId,
            siteId: site.name as SiteId,
            deviceId: device.serial as DeviceId,
            receivedAt: now,
            source: vendor.id,
            rawRef: { connectionId: 'c' as ConnectionId, partition: 0, offset: 0, revision: 0 },
          })
        }
      }
    }
    for (const site of sites)
      engine.judge(
        siteView(registry.site(site.name as SiteId)!, registry, fleet, now, expectedOf?.(site, now), dirtOf?.(site)),
      )
    told.push(...engine.untold)
    engine.settled(engine.untold.length)
  }
  return told
}
type ExpectedOf = (site: DemoSite, now: number) => ExpectedNow | undefined

const raisedOf = (told: readonly AlarmRecord[]): string[] =>
  told
    .filter(({ action }) => action === 'raised')
    .map(({ type, siteId, deviceId }) => `${type} ${siteId} ${deviceId ?? ''}`.trim())

/** A site's five minutes as the roll-ups have them. */
function bucketsOf(site: DemoSite, seededAt: number): (ts: number) => SiteBucket {
  const measures = new SiteMeasures(site, seededAt)
  const known = new Map<number, SiteBucket>()
  const measured = (ts: number): SiteBucket => {
    const values = measures.at(ts + STEP_MS / 2)
    const powers = site.devices.flatMap(({ role }, index) =>
      role === 'production' ? (values[index]?.metrics.ac_power_w ?? []) : [],
    )
    const limited = values.some((value) => (value?.metrics.power_limit_pct ?? 100) < 99.5)
    const irradiance = values.find((value) => value?.metrics.irradiance_wm2 !== undefined)?.metrics
    return {
      ts,
      powerW: powers.reduce((sum, watts) => sum + watts, 0),
      heard: true,
      whole: 'power',
      ...(limited && { limited }),
      ...(values.some((value) => value?.status === 'fault') && { faulted: true }),
      ...(irradiance && {
        irradianceWm2: irradiance.irradiance_wm2!,
        ambientC: irradiance.ambient_temp_c!,
        moduleC: irradiance.module_temp_c!,
        windMs: irradiance.wind_ms!,
      }),
    }
  }
  return (ts) => {
    const found = known.get(ts) ?? measured(ts)
    known.set(ts, found)
    return found
  }
}

/** Figures of the clear hours of the days before the start, newest first. */
function clearDays(
  site: DemoSite,
  seededAt: number,
  count: number,
  bucket: (ts: number) => SiteBucket,
): CalibrationDay[] {
  const plant = plantOf(registrySite(site))
  const today = localDate(site.timezone, seededAt)
  return Array.from({ length: count }, (_, back) => {
    const noon = seededAt - (back + 1) * DAY_MS
    const first = Math.floor((noon - DAY_MS / 2) / STEP_MS) * STEP_MS
    const lit = Array.from({ length: 288 }, (_step, step) => first + step * STEP_MS)
      .filter((ts) => sunHeight(site, ts) > 10)
      .map(bucket)
    return calibrationDay(plant, addDays(today, -back - 1), lit)
  }).filter((day) => day !== undefined)
}

/** What the worker would say of dirt: the same function over the days that the history has at five minutes. */
function dirtAgainstNeighbours(cluster: string, seededAt: number): (site: DemoSite) => Soiling | undefined {
  const sites = DEMO_SITES.filter((site) => site.cluster === cluster)
  const days = new Map(
    sites.map((site) => [site.name, clearDays(site, seededAt, 35, bucketsOf(site, seededAt))] as const),
  )
  return (site) =>
    soilingOf(
      localDate(site.timezone, seededAt),
      days.get(site.name)!,
      [...days].flatMap(([name, of]) => (name === site.name ? [] : [of])),
    )
}

/** What the worker would say of sites against their neighbours: the same functions over the same five minutes. */
function againstNeighbours(cluster: string, seededAt: number): ExpectedOf {
  const sites = DEMO_SITES.filter((site) => site.cluster === cluster)
  const near = neighboursOf(
    sites.map(({ name, latitude, longitude }) => ({ id: name, latitude, longitude })),
    PEER_KM,
    12,
  )
  const parts = new Map(
    sites.map((site) => {
      const plant = plantOf(registrySite(site))
      const bucket = bucketsOf(site, seededAt)
      const today = localDate(site.timezone, seededAt)
      const days = clearDays(site, seededAt, 35, bucket)
      return [site.name, { plant, bucket, calibration: calibrationFor(today, days) }] as const
    }),
  )
  const said = new Map<string, { open: number; now: ExpectedNow | undefined }>()
  return (site, now) => {
    const open = Math.floor(now / STEP_MS) * STEP_MS
    const before = said.get(site.name)
    if (before?.open === open) return before.now
    const fresh = judged(site, open)
    said.set(site.name, { open, now: fresh })
    return fresh
  }
  function judged(site: DemoSite, open: number): ExpectedNow | undefined {
    const own = parts.get(site.name)!
    const compared = Array.from({ length: 60 }, (_, back) => {
      const ts = open - (60 - back) * STEP_MS
      const told = near.get(site.name)!.flatMap((name) => {
        const { plant, bucket, calibration } = parts.get(name)!
        return indexToldBy(plant, bucket(ts), calibration.factor) ?? []
      })
      const peers = indexOfPeers(told)
      return expectedBucket(own.plant, own.bucket(ts), own.calibration, { ...(peers && { peers }) })
    }).filter(({ state }) => state !== 'night' && state !== 'unknown' && state !== 'dim')
    const last = compared.at(-1)
    if (!last || last.ts < open - 20 * MINUTE_MS) return undefined
    const hour = compared.filter(({ ts, expectedWh }) => ts >= open - 3_600_000 && expectedWh !== undefined)
    const sum = (of: 'expectedWh' | 'comparedWh') => hour.reduce((total, each) => total + each[of]!, 0)
    const good = compared.findLast(({ state }) => state !== 'under')
    return {
      expectedState: last.state,
      ...(last.source && { expectedSource: last.source }),
      ...(hour.length > 0 && { performanceNow: sum('comparedWh') / sum('expectedWh') }),
      ...(last.state === 'under' && { underSince: good ? good.ts + STEP_MS : compared[0]!.ts }),
    }
  }
}

describe('the demo’s troubles are found by the rules', () => {
  it('in Adelaide by day: a dead string, a silent logger, a street without grid', () => {
    const seededAt = Date.parse('2026-11-21T23:30:00Z')
    const told = live('adelaide', seededAt, 1.5)
    const street = DEMO_SITES.filter((site) => isWithoutGrid(site, seededAt + 10 * MINUTE_MS, seededAt))
    expect(street).toHaveLength(4)
    const raised = raisedOf(told)
    expect(raised).toContain('dead-string Harbour Cold Store HC-80K-3')
    expect(raised).toContain('device-silent Unley Library UL-24K-3')
    for (const site of street) expect(raised.some((alarm) => alarm.startsWith(`device-silent ${site.name}`))).toBe(true)
    expect(raised).toHaveLength(2 + street.length)
    // Within minutes, and the string after its half hour.
    const at = (type: string) => told.find((alarm) => alarm.type === type)!.at
    expect(at('device-silent')).toBeLessThan(seededAt + 10 * MINUTE_MS)
  })
  it('the street without grid is one incident and one message at the desk', { timeout: 60_000 }, async () => {
    const seededAt = Date.parse('2026-11-21T23:30:00Z')
    const told = live('adelaide', seededAt, 1.5)
    const test = await openTestCrm()
    try {
      const { admin, tenantId: own } = await test.tenant()
      await test.crm.subscriptions.create(admin, { channels: ['mail'], minSeverity: 'major' })
      const ids = new Map<string, SiteId>()
      for (const { name, latitude, longitude, timezone } of DEMO_SITES.filter(
        ({ cluster }) => cluster === 'adelaide',
      )) {
        const customer = await test.crm.customers.create(admin, { name })
        const { row } = await test.crm.sites.create(admin, {
          name,
          customerId: customer.id,
          timezone,
          latitude,
          longitude,
        })
        ids.set(name, row.id as SiteId)
      }
      for (const [index, { deviceId: _device, ...record }] of told.entries()) {
        test.clock.now = Math.max(test.clock.now, record.at)
        await test.crm.desk.applyAlarms([{ ...record, tenantId: own, siteId: ids.get(record.siteId)! }], {
          topic: 'alarms',
          consumer: 'desk',
          partition: 0,
          offset: index + 1,
        })
      }
      const [incident, ...more] = await test.db.as(admin).find('incident')
      expect(more).toEqual([])
      expect(incident).toMatchObject({ cause: 'grid', type: 'device-silent' })
      expect(await test.db.as(admin).count('incidentSite', { incidentId: incident!.id })).toBe(4)
      const about = await test.db.system.find('notification')
      expect(about.map(({ subject }) => subject).sort()).toEqual([
        'Alarm: Harbour Cold Store',
        'Alarm: Unley Library',
        'Incident: no contact with 4 sites at once',
      ])
    } finally {
      await test.stop()
    }
  })
  it('the street is heard again when the grid is back', () => {
    const seededAt = Date.parse('2026-11-21T23:30:00Z')
    const told = live('adelaide', seededAt, 3.5)
    const silent = told.filter(({ type, siteId }) => type === 'device-silent' && siteId !== 'Unley Library')
    expect(silent.filter(({ action }) => action === 'cleared')).toHaveLength(4)
    expect(silent).toHaveLength(8)
  })
  it('in Chile an inverter in fault, at night as well', () => {
    expect(raisedOf(live('santiago', Date.parse('2026-11-22T05:00:00Z'), 0.1))).toEqual([
      'inverter-fault Taller Quilicura TQ-24K-2',
    ])
  })
  it('in Bavaria a dead string and a silent logger; an inverter that was replaced is missed by nobody', () => {
    const raised = raisedOf(live('freising', Date.parse('2026-06-22T08:00:00Z'), 1))
    expect(raised.sort()).toEqual(['dead-string Hof Lindenau HL-40K-2', 'device-silent Gärtnerei Moos GM-24K-4'])
  })
  it('by night nobody is missed', () => {
    expect(raisedOf(live('adelaide', Date.parse('2026-11-22T12:00:00Z'), 2))).toEqual([])
    expect(raisedOf(live('hamburg', Date.parse('2026-11-22T22:00:00Z'), 2))).toEqual([])
  })
  it.each([
    ['lisbon', 'Mercado de Sintra', '2026-06-22T08:30:00Z'],
    ['santiago', 'Supermercado Ñuñoa', '2026-11-22T13:00:00Z'],
  ])(
    'in %s dust on %s, and on nobody else’s modules',
    (cluster, name, start) => {
      const seededAt = Date.parse(start)
      const expectedOf = againstNeighbours(cluster, seededAt)
      const told = live(cluster, seededAt, 5, expectedOf).filter(({ action }) => action === 'raised')
      const under = told.filter(({ type }) => type === 'underperformance').map(({ siteId }) => siteId as string)
      // Where an inverter stands still its site gives less as well.
      const faulty = told.filter(({ type }) => type === 'inverter-fault').map(({ siteId }) => siteId as string)
      expect(under.filter((site) => !faulty.includes(site))).toEqual([name])
    },
    120_000,
  )
  it.each([
    ['lisbon', '2026-06-22T08:30:00Z'],
    ['santiago', '2026-11-22T13:00:00Z'],
    ['berlin', '2026-06-22T08:30:00Z'],
    ['adelaide', '2026-11-21T23:30:00Z'],
  ])(
    'in %s dirt that grew over weeks is told as such, at once, and of nobody’s clean modules',
    (cluster, start) => {
      const seededAt = Date.parse(start)
      const told = live(cluster, seededAt, 0.1, undefined, dirtAgainstNeighbours(cluster, seededAt))
      const dirty = told.filter(({ type }) => type === 'soiling')
      const soiled = DEMO_SITES.filter((site) => site.cluster === cluster && site.trouble === 'soiled')
      expect(dirty.map(({ siteId }) => siteId as string)).toEqual(soiled.map(({ name }) => name))
      for (const { message, details } of dirty) {
        expect(message).toMatch(/^Dirt on the modules: \d\d % less/)
        expect(details!['percent']).toBeGreaterThan(15)
      }
    },
    120_000,
  )
})
