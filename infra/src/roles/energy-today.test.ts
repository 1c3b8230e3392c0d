import { localDay } from '@heliograph/crm-core'
import type { RegistrySite, SiteId } from '@heliograph/crm-core/contracts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestWarehouse, type TestWarehouse } from '../warehouse/test-warehouse.ts'
import { createEnergyToday } from './energy-today.ts'

/** The westernmost and the easternmost day there is, and one between. */
const ZONES = ['Etc/GMT+12', 'Europe/Berlin', 'Pacific/Kiritimati']

let test: TestWarehouse
beforeAll(async () => {
  test = await startTestWarehouse()
})
afterAll(() => test.stop())

it('is what the local day has so far, in every zone, and nothing of the day before', async () => {
  const errors: unknown[] = []
  const sites = new Map(ZONES.map((timezone) => [timezone, { timezone } as RegistrySite]))
  const row = (timezone: string, ts: number, wh: number) => ({
    tenant_id: 't',
    site_id: timezone,
    ts,
    date: localDay(timezone, ts).date,
    energy_wh: wh,
    version: 1,
    is_deleted: 0,
  })
  await test.warehouse.insert(
    'rollup_site_5m',
    ZONES.flatMap((timezone) => {
      const { start } = localDay(timezone, Date.now())
      return [row(timezone, start - 300_000, 1000), row(timezone, start, 30), row(timezone, start + 300_000, 12)]
    }),
  )
  const energy = createEnergyToday({
    warehouse: test.warehouse,
    registry: { site: (id) => sites.get(id) },
    onError: (error) => errors.push(error),
  })
  await energy.look()
  expect(errors).toEqual([])
  for (const timezone of ZONES) expect(energy.of(timezone as SiteId)).toBe(42)
  expect(energy.of('elsewhere' as SiteId)).toBeUndefined()
})
