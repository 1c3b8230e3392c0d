import { addDays, localDate, type Registry } from '@heliograph/crm-core'
import type { RegistrySite, SiteId, TenantId } from '@heliograph/crm-core/contracts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createSoilingNow } from '../roles/soiling-now.ts'
import { startTestWarehouse, type TestWarehouse } from './test-warehouse.ts'

const NOW = Date.UTC(2026, 5, 20, 12)
const TODAY = localDate('Europe/Berlin', NOW)
const DAYS = 40

let test: TestWarehouse
beforeAll(async () => {
  test = await startTestWarehouse()
})
afterAll(() => test.stop())

const site = (tenantId: string, name: string): RegistrySite =>
  ({
    id: `${tenantId}-${name}` as SiteId,
    tenantId: tenantId as TenantId,
    name,
    timezone: 'Europe/Berlin',
    latitude: 48.1,
    longitude: 11.5 + name.charCodeAt(0) / 10_000,
  }) as RegistrySite

/** A figure for each clear day of the last weeks, the last one yesterday. */
const days = (of: RegistrySite, ratio: (day: number) => number, version: number) =>
  Array.from({ length: DAYS }, (_, day) => ({
    tenant_id: of.tenantId,
    site_id: of.id,
    date: addDays(TODAY, day - DAYS),
    ratio: ratio(day),
    intervals: 20,
    basis: 'clear-sky',
    version,
    is_deleted: 0,
  }))

it('knows from the store which site grows dirty, beside neighbours of its own company, and looks again when days are new', async () => {
  const [dirty, clean, peer, alone] = [site('t1', 'a'), site('t1', 'b'), site('t1', 'c'), site('t2', 'a')]
  const sites = [dirty, clean, peer, alone]
  const falling = (day: number) => 1 - Math.max(0, day - 10) * 0.006
  await test.warehouse.insert('calibration_days', [
    ...days(dirty, falling, 1),
    ...[clean, peer].flatMap((of) => days(of, () => 1, 1)),
    // Near the others, and another company's: it has no neighbour to be judged beside, and is none.
    ...days(alone, () => 1, 1),
  ])
  const errors: unknown[] = []
  const registry = { sites: () => sites } as unknown as Registry
  const soiling = createSoilingNow({
    warehouse: test.warehouse,
    registry,
    onError: (error) => errors.push(error),
    now: () => NOW,
  })
  await soiling.look()
  expect(errors).toEqual([])
  expect(soiling.of(dirty.id)).toMatchObject({ steady: true })
  expect(soiling.of(dirty.id)!.loss).toBeCloseTo(1 - falling(DAYS - 2), 1)
  // Beside a dirty neighbour they stand a little above the middle.
  for (const of of [clean, peer]) expect(Math.abs(soiling.of(of.id)!.loss)).toBeLessThan(0.05)
  expect(soiling.of(alone.id)).toBeUndefined()

  // Somebody washed it: the figures of the last days are computed again.
  await test.warehouse.insert(
    'calibration_days',
    days(dirty, (day) => (day > 35 ? 1 : falling(day)), 2),
  )
  await soiling.look()
  expect(soiling.of(dirty.id)!.loss).toBeCloseTo(0, 2)
  expect(soiling.of(dirty.id)!.steady).toBe(false)
})
