import type { BucketRow } from '@heliograph/crm-core'
import type { DeviceId, RegistryDevice, SiteId, TenantId } from '@heliograph/crm-core/contracts'
import { describe, expect, it } from 'vitest'
import { WrittenRows } from './written-rows.ts'

const device = {
  id: 'd' as DeviceId,
  tenantId: 't' as TenantId,
  siteId: 's' as SiteId,
  sites: [],
} as unknown as RegistryDevice
const NOON = Date.parse('2026-06-21T12:00:00Z')
const row = (step: number, more: Partial<BucketRow> = {}): BucketRow => ({
  ts: NOON + step * 300_000,
  date: '2026-06-21',
  energyWh: 100 + step,
  method: 'power',
  estimatedWh: 0,
  samples: 1,
  gauges: { ac_power_w: { avg: 1_200, min: 1_100, max: 1_300 } },
  ...more,
})
const timesOf = (rows: readonly BucketRow[]): number[] => rows.map(({ ts }) => (ts - NOON) / 300_000)

describe('rows that were written', () => {
  it('are all told where nothing is known, and once kept only where something differs', () => {
    const written = new WrittenRows()
    const day = Array.from({ length: 288 }, (_, step) => row(step))
    expect(written.changed(device, day)).toHaveLength(288)
    written.keep(device, day)
    expect(written.changed(device, day)).toEqual([])
    const next = day.map(
      (each, step) =>
        [
          { ...each, energyWh: 7 },
          { ...each, samples: 2 },
          { ...each, method: 'counter' as const },
          { ...each, gauges: { ac_power_w: { avg: 1_200, min: 1_100, max: 1_301 } } },
          { ...each, gauges: { pv_power_w: { avg: 1_200, min: 1_100, max: 1_300 } } },
          { ...each, date: '2026-06-22' },
          { ...each, importWh: 0 },
          { ...each, exportWh: 0 },
          { ...each, estimatedWh: 1 },
        ][step] ?? each,
    )
    expect(timesOf(written.changed(device, next))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  })
  it('tells an absent value from zero', () => {
    const written = new WrittenRows()
    const { energyWh: _, method: __, ...silent } = row(0)
    written.keep(device, [silent])
    expect(written.changed(device, [{ ...silent, energyWh: 0 }])).toHaveLength(1)
  })
  it('are told again when they went away, were moved to another site, or another day lies in their place', () => {
    const written = new WrittenRows()
    written.keep(device, [row(0), row(1), row(2)])
    written.drop(device.id, [row(0)])
    expect(timesOf(written.changed(device, [row(0), row(1), row(2)]))).toEqual([0])
    expect(written.changed({ ...device, siteId: 'other' as SiteId }, [row(1)])).toHaveLength(1)
    written.keep(device, [row(3 * 288 + 1)])
    expect(timesOf(written.changed(device, [row(1), row(2)]))).toEqual([1])
    // What is older takes no newer one's place.
    written.keep(device, [row(2 - 3 * 288)])
    expect(timesOf(written.changed(device, [row(2 - 3 * 288), row(2)]))).toEqual([2 - 3 * 288])
    written.forget(device.id)
    expect(written.changed(device, [row(2)])).toHaveLength(1)
  })
})
