import type { DecodedReading } from '@heliograph/crm-core/contracts'
import { vendors } from '@heliograph/ingest'
import { describe, expect, it } from 'vitest'
import { SiteMeasures } from '../measures.ts'
import { type DemoSite, partsOf } from '../plan.ts'
import { dayBegin, dayNumber } from '../site-day.ts'
import { DEMO_SITES, UNCLAIMED_SERIAL } from '../sites.ts'
import { DAY_MS } from '../sky.ts'
import { WRONG_CLOCK_MS } from '../troubles.ts'
import { localTimeOf } from './local-time.ts'
import { SPEECHES } from './index.ts'

const SEEDED = Date.parse('2026-11-22T15:00:00Z')

/** What the vendor's own decoder makes of two deliveries by day. */
function heard(site: DemoSite, part: string, ts: number): Map<string, DecodedReading> {
  const devices = partsOf(site).get(part)!
  const vendor = vendors.get(devices[0]!.vendor)!
  const speech = SPEECHES[devices[0]!.vendor](site, devices)
  const state: unknown = vendor.initialState?.()
  const found = new Map<string, DecodedReading>()
  for (const at of [ts - 10_000, ts]) {
    const values = new SiteMeasures(site, SEEDED).at(at)
    const said = site.devices.flatMap((device, index) =>
      device.part === part && values[index] ? [{ device, measured: values[index] }] : [],
    )
    for (const { topic, body } of speech.say(said, at)) {
      const { readings, rejected = [] } = vendor.decode(
        {
          ...(topic !== undefined && { topic }),
          body: Buffer.from(body),
          transport: speech.transport,
          receivedAt: at,
          timezone: site.timezone,
        },
        state,
      )
      expect(rejected).toEqual([])
      for (const reading of readings) found.set(reading.device, reading)
    }
  }
  return found
}

const parts = DEMO_SITES.flatMap((site) => [...partsOf(site).keys()].map((part) => ({ site, part, name: site.name })))

describe('what the demo’s devices send', () => {
  it.each(parts)('$name by $part is understood by the vendor’s decoder, device by device', ({ site, part }) => {
    const noon = dayBegin(site, dayNumber(site, SEEDED) - 1) + DAY_MS / 2
    const found = heard(site, part, noon)
    const measured = new SiteMeasures(site, SEEDED).at(noon)
    for (const [index, device] of site.devices.entries()) {
      if (device.part !== part || device.trouble === 'replaced') continue
      const reading = found.get(device.externalId)
      expect(reading, device.name).toBeDefined()
      const { metrics, dc } = measured[index]!
      for (const name of [
        'ac_power_w',
        'grid_power_w',
        'battery_power_w',
        'battery_soc_pct',
        'irradiance_wm2',
      ] as const)
        if (metrics[name] !== undefined) expect(reading!.metrics[name], name).toBeCloseTo(metrics[name], 0)
      for (const name of ['energy_total_wh', 'import_total_wh', 'export_total_wh'] as const)
        if (metrics[name] !== undefined)
          expect(Math.abs(reading!.metrics[name]! - metrics[name]), name).toBeLessThan(11)
      if (dc) expect(reading!.dc?.map(({ current_a }) => current_a)).toEqual(dc.map(({ current_a }) => current_a))
      const ahead = device.trouble === 'wrong-clock' ? WRONG_CLOCK_MS : 0
      expect(Math.abs(reading!.ts - noon - ahead)).toBeLessThan(11_000)
    }
  })
  it('at night nothing is made up', () => {
    for (const { site, part } of parts) {
      const midnight = dayBegin(site, dayNumber(site, SEEDED)) + 30_000
      for (const reading of heard(site, part, midnight).values()) expect(reading.metrics.ac_power_w ?? 0).toBe(0)
    }
  })
  it('an inverter that nobody has entered speaks beside its siblings', () => {
    const site = DEMO_SITES.find(({ devices }) => devices.some(({ serial }) => serial === 'BS-24K-1'))!
    expect([...heard(site, 'native', SEEDED).keys()]).toContain(UNCLAIMED_SERIAL)
  })
  it('tells the time of the wall', () => {
    expect(localTimeOf('Australia/Adelaide', Date.parse('2026-11-22T14:00:05Z'))).toBe('2026-11-23T00:30:05')
  })
})
