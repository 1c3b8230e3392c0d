import { readFileSync } from 'node:fs'
import { distanceKm, lostTogether } from '@heliograph/crm-core'
import { contractCreateSchema, siteCreateSchema } from '@heliograph/crm-core/contracts'
import { describe, expect, it } from 'vitest'
import { contractOf } from './contracts.ts'
import { capacityOf, countOn, DEMO_UNITS, partsOf, peakOf } from './plan.ts'
import { DEMO_SITES, UNCLAIMED_SERIAL } from './sites.ts'

const main = DEMO_SITES.filter(({ tenant }) => tenant === 'demo')
const devices = DEMO_SITES.flatMap((site) => site.devices)

describe('the plan of the demo', () => {
  it('has forty sites in four countries with two hundred inverters and meters, and another company', () => {
    expect(main).toHaveLength(40)
    expect(new Set(main.map(({ address }) => address.country))).toEqual(new Set(['DE', 'PT', 'CL', 'AU']))
    expect(new Set(main.map(({ timezone }) => timezone)).size).toBe(4)
    const own = main.flatMap((site) => site.devices)
    expect(own.filter(({ kind }) => kind === 'inverter' || kind === 'meter')).toHaveLength(200)
    expect(new Set(own.map(({ vendor }) => vendor)).size).toBe(8)
    expect(DEMO_SITES.length).toBeGreaterThan(main.length)
  })
  it('names nothing twice', () => {
    for (const names of [DEMO_SITES.map(({ name }) => name), devices.map(({ serial }) => serial)])
      expect(new Set(names).size).toBe(names.length)
    for (const site of DEMO_SITES)
      for (const own of partsOf(site).values()) {
        expect(new Set(own.map(({ externalId }) => externalId)).size).toBe(own.length)
        expect(new Set(own.map(({ vendor }) => vendor)).size).toBe(1)
      }
    expect(devices.map(({ serial }) => serial)).not.toContain(UNCLAIMED_SERIAL)
    expect(countOn('BS-24K-1', 9)).toBe('BS-24K-10')
    expect(countOn('116182300100', 11)).toBe('116182300111')
  })
  it.each(DEMO_SITES)('$name lies in its zone, with arrays that its modules fill', (site) => {
    const { arrays, longitude, timezone, latitude } = site
    const offset = Number(
      new Intl.DateTimeFormat('en', { timeZone: timezone, timeZoneName: 'longOffset' })
        .formatToParts(Date.UTC(2026, 2, 1))
        .find(({ type }) => type === 'timeZoneName')!
        .value.replace(/^GMT/, '')
        .replace(/^([+-]\d\d):(\d\d)$/, (_, hours: string, minutes: string) =>
          String(Number(hours) + (Math.sign(Number(hours)) * Number(minutes)) / 60),
        ) || 0,
    )
    // Summer time and large countries: two hours either way.
    expect(Math.abs(((longitude / 15 - offset + 36) % 24) - 12)).toBeLessThan(2)
    for (const { azimuthDeg, tiltDeg } of arrays) {
      expect(tiltDeg).toBeLessThanOrEqual(90)
      // To the equator, or to east and west.
      expect(Math.cos(((azimuthDeg - (latitude < 0 ? 0 : 180)) * Math.PI) / 180)).toBeGreaterThanOrEqual(-0.01)
    }
    for (const index of arrays.keys()) expect(site.devices.some(({ array }) => array === index)).toBe(true)
    expect(capacityOf(site)).toBeGreaterThan(500)
    expect(peakOf(site)).toBeGreaterThanOrEqual(capacityOf(site) * 0.95)
    expect(siteCreateSchema.shape.tags.safeParse([...site.tags]).success).toBe(true)
    if (site.unit !== undefined) expect(DEMO_UNITS.map(({ name }) => name)).toContain(site.unit)
  })
  it('has streets near enough to be known as such, and enough neighbours to tell the sky', () => {
    const streets = Map.groupBy(
      DEMO_SITES.filter(({ street }) => street),
      ({ street }) => street,
    )
    expect(streets.size).toBe(2)
    for (const sites of streets.values())
      expect(
        lostTogether(sites.map(({ name, latitude, longitude }) => ({ id: name, latitude, longitude, lostAt: 0 }))).size,
      ).toBe(sites.length)
    for (const site of main)
      expect(main.filter((other) => other !== site && distanceKm(site, other) <= 25).length).toBeGreaterThanOrEqual(3)
  })
  it.each(main)('$name has a contract in force, with a price in the money of its country', (site) => {
    const now = Date.UTC(2026, 5, 1)
    const contract = contractCreateSchema.parse({ customerId: 'c', ...contractOf(site, now) })
    expect(contract.validFrom < '2026-06-01' && (contract.validTo ?? '9') > '2026-06-01').toBe(true)
    expect(contract.tariff).toMatchObject({ currency: expect.stringMatching(/^(EUR|CLP|AUD)$/) as string })
    expect(contract.sla).toBeDefined()
  })
  it('names the origin and license of its clouds', () => {
    const sources = readFileSync(new URL('./SOURCES.md', import.meta.url), 'utf8')
    expect(sources).toMatch(/pvanalytics/)
    expect(sources).toMatch(/MIT license/)
  })
})
