import { clearSkyPower } from '@heliograph/crm-core'
import { describe, expect, it } from 'vitest'
import { SiteMeasures } from './measures.ts'
import { capacityOf, type DemoSite, peakOf } from './plan.ts'
import { dayBegin, dayNumber, FINE_DAYS, siteDay, STEP_MS, STEPS } from './site-day.ts'
import { DEMO_SITES } from './sites.ts'
import { DAY_MS, skyIndex, sunHeight } from './sky.ts'
import { isWithoutGrid, LIMIT_PCT } from './troubles.ts'

const SEEDED = Date.parse('2026-06-21T15:00:00Z')
const siteNamed = (name: string): DemoSite => DEMO_SITES.find((site) => site.name === name)!
const sitePower = (site: DemoSite, day: number): Float64Array => {
  const { power, load } = siteDay(site, day, SEEDED)
  return Float64Array.from({ length: load.length }, (_, step) =>
    power.reduce((sum, curve) => sum + (curve?.[step] ?? 0), 0),
  )
}
const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0)

describe('a day of a demo plant', () => {
  it.each(DEMO_SITES)('$name stays within what its sky and its inverters allow', (site) => {
    const last = dayNumber(site, SEEDED)
    for (const day of [last, last - 3, last - 40, last - 180]) {
      const begin = dayBegin(site, day)
      const arrays = site.arrays.map((array, index) => ({
        ...array,
        peakPowerW: peakOf({ ...site, devices: site.devices.filter((device) => (device.array ?? 0) === index) }),
      }))
      const plant = { ...site, arrays, acCapacityW: capacityOf(site) }
      const { stepMs } = siteDay(site, day, SEEDED)
      for (const [step, watts] of sitePower(site, day).entries()) {
        const ts = begin + step * stepMs + stepMs / 2
        if (sunHeight(site, ts) <= 0) expect(watts).toBe(0)
        else {
          expect(watts).toBeLessThanOrEqual(capacityOf(site) + 1)
          // Edges of clouds, cold modules, a good sample; a low sun behind the roof leaves it the sky's light alone.
          expect(watts).toBeLessThanOrEqual(clearSkyPower(plant, ts)! * 1.25 + 0.08 * peakOf(site))
        }
      }
      const kwhPerKwp = (sum(sitePower(site, day)) * stepMs) / 3_600_000 / peakOf(site)
      expect(kwhPerKwp).toBeLessThan(8.5)
      expect(kwhPerKwp).toBeGreaterThan(0.02)
    }
  })
  it('neighbours share their clouds, minutes apart; others do not', () => {
    const [a, b] = [siteNamed('Bäckerei Sonnenschein'), siteNamed('Gymnasium am Stadtpark')]
    const far = siteNamed('Harbour Cold Store')
    const index = (site: DemoSite, shift = 0): number[] =>
      Array.from({ length: 30 * 96 }, (_, slot) => skyIndex(site, SEEDED - slot * 900_000 + shift))
    expect(correlation(index(a), index(b))).toBeGreaterThan(0.85)
    expect(correlation(index(a), index(far))).toBeLessThan(0.5)
  })
  it('a year brings what plants of the country bring', () => {
    const yearly = (name: string): number => {
      const site = siteNamed(name)
      const last = dayNumber(site, SEEDED)
      let total = 0
      for (let day = last - 364; day <= last; day += 7)
        total += (sum(sitePower(site, day)) * siteDay(site, day, SEEDED).stepMs) / 3_600_000
      return (total * 7) / peakOf(site)
    }
    // kWh/kWp, PVGIS: Berlin about 1 000, Lisbon 1 600, Santiago 1 700.
    expect(yearly('Bäckerei Sonnenschein')).toBeGreaterThan(650)
    expect(yearly('Bäckerei Sonnenschein')).toBeLessThan(1_200)
    expect(yearly('Clínica Las Condes Sur')).toBeGreaterThan(1_300)
    expect(yearly('Clínica Las Condes Sur')).toBeLessThan(2_100)
  })
})

describe('what devices measure', () => {
  it('counts what it makes, forwards and backwards, across days, and never falls', () => {
    const site = siteNamed('Quinta do Sol')
    const forwards = new SiteMeasures(site, SEEDED)
    const times = Array.from({ length: 4 * 48 }, (_, index) => SEEDED - 2 * DAY_MS + index * 1_800_000)
    const totals = (measures: SiteMeasures, order: number[]) =>
      new Map(order.map((ts) => [ts, measures.at(ts).map((each) => each?.metrics)]))
    const told = totals(forwards, times)
    expect(totals(new SiteMeasures(site, SEEDED), [...times].reverse())).toEqual(new Map([...told].reverse()))
    for (const [index, ts] of times.entries())
      for (const [device, metrics] of told.get(ts)!.entries())
        for (const counter of ['energy_total_wh', 'import_total_wh', 'export_total_wh'] as const) {
          const before = index > 0 ? told.get(times[index - 1]!)![device]?.[counter] : undefined
          if (metrics?.[counter] === undefined || before === undefined) continue
          expect(metrics[counter]).toBeGreaterThanOrEqual(before)
        }
    // The counter rises by the mean power times the time, within the steps.
    const [first, last] = [told.get(times[0]!)![0]!, told.get(times.at(-1)!)![0]!]
    const mean = sum([...told.values()].map(([inverter]) => inverter!.ac_power_w!)) / times.length
    const made = last.energy_total_wh! - first.energy_total_wh!
    expect(made / (mean * (times.length - 1) * 0.5)).toBeCloseTo(1, 1)
  })
  it('counts on from the steps of long ago to the finer ones', () => {
    const site = siteNamed('Quinta do Sol')
    const measures = new SiteMeasures(site, SEEDED)
    const border = dayBegin(site, dayNumber(site, SEEDED) - FINE_DAYS)
    const metrics = [-3_600_000, -1, 0, 3_600_000].map((away) => measures.at(border + away)[2]!.metrics)
    expect(Object.keys(metrics[0]!)).toContain('import_total_wh')
    for (const counter of ['import_total_wh', 'export_total_wh'] as const)
      for (let at = 1; at < 4; at++)
        expect(metrics[at]![counter]! - metrics[at - 1]![counter]!).toSatisfy((wh: number) => wh >= 0 && wh < 10_000)
    expect(metrics[2]!.import_total_wh! - metrics[1]!.import_total_wh!).toBeLessThanOrEqual(1)
  })
  it('shows no counter below zero, as far back as the history goes', () => {
    // Every customer's kind, the sunniest, and one with a battery.
    for (const name of ['Viña Los Andes', 'Quinta do Sol', 'Harbour Cold Store', 'Hof Lindenau', 'Patel, Semaphore']) {
      const site = siteNamed(name)
      const ts = SEEDED - 401 * DAY_MS
      for (const measured of new SiteMeasures(site, SEEDED).at(ts))
        for (const value of Object.entries(measured?.metrics ?? {}))
          if (value[0].endsWith('_total_wh')) expect(value[1], `${site.name} ${value[0]}`).toBeGreaterThan(0)
    }
  }, 60_000)
  it('a battery takes, gives and balances the house', () => {
    const site = siteNamed('Quinta do Sol')
    const measures = new SiteMeasures(site, SEEDED)
    for (let ts = SEEDED - DAY_MS; ts < SEEDED; ts += STEP_MS) {
      const [, battery] = measures.at(ts)
      expect(battery!.metrics.battery_soc_pct).toBeGreaterThanOrEqual(9)
      expect(battery!.metrics.battery_soc_pct).toBeLessThanOrEqual(100)
    }
    const day = siteDay(site, dayNumber(site, SEEDED), SEEDED)
    for (let step = 0; step < STEPS; step++)
      expect(day.power[0]![step]! + day.battery[step]! + day.grid[step]!).toBeCloseTo(day.load[step]!, 6)
  })
  it('shows every trouble in what is measured, and nothing before it began', () => {
    const at = (name: string, ts: number) => {
      const site = siteNamed(name)
      return new SiteMeasures(site, SEEDED)
        .at(ts)
        .map((measured, index) => ({ ...measured!, device: site.devices[index]! }))
    }
    const noon = (name: string, daysBack: number): number => {
      const site = siteNamed(name)
      return dayBegin(site, dayNumber(site, SEEDED) - daysBack) + DAY_MS / 2
    }
    const dead = at('Hof Lindenau', noon('Hof Lindenau', 1))[1]!
    expect(dead.dc![1]).toMatchObject({ current_a: 0 })
    expect(dead.dc![1]!.voltage_v).toBeGreaterThan(400)
    expect(dead.dc![0]!.current_a).toBeGreaterThan(1)
    const healthy = at('Hof Lindenau', noon('Hof Lindenau', 5))[1]!
    expect(healthy.dc![1]!.current_a).toBeGreaterThan(0.5)

    const faulty = at('Taller Quilicura', noon('Taller Quilicura', 0))[1]!
    expect(faulty).toMatchObject({ status: 'fault', metrics: { ac_power_w: 0 } })
    expect(faulty.faults).toHaveLength(1)
    expect(at('Taller Quilicura', noon('Taller Quilicura', 4))[1]!.status).toBe('producing')

    const site = siteNamed('Clínica Oeiras')
    const limited = at('Clínica Oeiras', noon('Clínica Oeiras', 1))[0]!
    expect(limited.metrics.power_limit_pct).toBe(LIMIT_PCT)
    expect(limited.metrics.ac_power_w).toBeLessThanOrEqual((LIMIT_PCT / 100) * site.devices[0]!.acPowerW! + 1)

    const clean = sum(sitePower(siteNamed('Mercado de Sintra'), dayNumber(site, SEEDED) - 30))
    expect(clean).toBeGreaterThan(0)
    const replaced = at('Brauhaus Attaching', noon('Brauhaus Attaching', 1))
    expect(replaced.find(({ device }) => device.trouble === 'replaced')!.metrics).toBeUndefined()
    expect(replaced.find(({ device }) => device.trouble === 'new')!.metrics.ac_power_w).toBeGreaterThan(0)
    const before = at('Brauhaus Attaching', noon('Brauhaus Attaching', 12))
    expect(before.find(({ device }) => device.trouble === 'replaced')!.metrics.ac_power_w).toBeGreaterThan(0)
    expect(before.find(({ device }) => device.trouble === 'new')!.metrics).toBeUndefined()
  })
  it.each([0, 3, 6, 9, 12, 15, 18, 21])('a street by daylight is without grid after a start at %d UTC', (hour) => {
    for (const month of [0, 5, 10]) {
      const start = Date.UTC(2026, month, 15, hour)
      const off = DEMO_SITES.filter((site) => isWithoutGrid(site, start + 10 * 60_000, start))
      const streets = [...new Set(DEMO_SITES.flatMap(({ street }) => street ?? []))]
      const heights = streets.map((street) =>
        sunHeight(
          DEMO_SITES.find((site) => site.street === street)!,
          start + 3_600_000,
        ),
      )
      expect(new Set(off.map(({ street }) => street)).size).toBe(1)
      if (Math.max(...heights) > 5) expect(sunHeight(off[0]!, start + 3_600_000)).toBeGreaterThan(0)
      expect(DEMO_SITES.some((site) => isWithoutGrid(site, start + 3 * 60_000, start))).toBe(false)
    }
  })
  it('has daylight somewhere at every hour of the year', () => {
    for (let ts = Date.UTC(2026, 0, 1); ts < Date.UTC(2027, 0, 1); ts += 5 * DAY_MS + 3_600_000)
      expect(DEMO_SITES.some((site) => sunHeight(site, ts) > 3)).toBe(true)
  })
})

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]): number => sum(values) / values.length
  const [ma, mb] = [mean(a), mean(b)]
  const product = sum(a.map((value, index) => (value - ma) * (b[index]! - mb)))
  return product / Math.sqrt(sum(a.map((value) => (value - ma) ** 2)) * sum(b.map((value) => (value - mb) ** 2)))
}
