import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readingRow, sql } from '@heliograph/crm-core'
import type {
  ConnectionId,
  DeviceId,
  Reading,
  RegistryDevice,
  RegistrySite,
  SiteId,
  TenantId,
} from '@heliograph/crm-core/contracts'
import { createRollups, type Rollups } from '@heliograph/stream'
import { startTestWarehouse, type TestWarehouse } from './test-warehouse.ts'

const MINUTE = 60_000

let test: TestWarehouse
beforeAll(async () => {
  test = await startTestWarehouse()
})
afterAll(() => test.stop())

/** A kilowatt through the given hours, told every five minutes, at a site of the zone. */
async function rolledUp(timezone: string, from: number, hours: number) {
  const tenantId = timezone.toLowerCase().replace(/[^a-z]/g, '-') as TenantId
  const siteId = `${tenantId}-site` as SiteId
  const deviceId = `${tenantId}-inverter` as DeviceId
  const site: RegistrySite = {
    id: siteId,
    tenantId,
    name: 'Site',
    customerId: 'c' as RegistrySite['customerId'],
    orgUnitId: 'o' as RegistrySite['orgUnitId'],
    timezone,
  }
  const device: RegistryDevice = {
    id: deviceId,
    tenantId,
    siteId,
    name: 'Inverter',
    kind: 'inverter',
    vendor: 'native',
    serial: 'inverter',
    roles: [{ role: 'production', from: 0 }],
    links: [],
    sites: [{ siteId, from: 0 }],
  }
  let now = from
  const worker = (): Rollups =>
    createRollups({
      warehouse: test.warehouse,
      registry: {
        device: (id) => (id === deviceId ? device : undefined),
        site: (id) => (id === siteId ? site : undefined),
        devicesOfSite: () => [device],
      },
      clock: () => (now += 10),
      worker: tenantId,
    })
  const rollups = worker()
  const readings = Array.from({ length: hours * 12 }, (_, index): Reading => ({
    tenantId,
    siteId,
    deviceId,
    ts: from + index * 5 * MINUTE,
    receivedAt: from + index * 5 * MINUTE,
    source: 'native',
    metrics: { ac_power_w: 1000 },
    quality: [],
    rawRef: { connectionId: 'c' as ConnectionId, partition: 0, offset: index, revision: 0 },
  }))
  await test.warehouse.insert('readings', readings.map(readingRow))
  rollups.observe(readings)
  await rollups.flush({ all: true })
  return {
    tenantId,
    again: async () => {
      const next = worker()
      next.observe(readings)
      await next.flush({ all: true })
    },
    days: () =>
      test.warehouse.query(
        sql`SELECT date, ts, round(energy_wh) AS wh, expected FROM rollup_site_1d FINAL WHERE tenant_id = ${tenantId} ORDER BY ts`,
        { scope: 'system', lane: 'light' },
      ),
  }
}

describe('a local day', () => {
  it('without a midnight begins with its first instant, an hour short', async () => {
    // At 04:00 UTC Chile goes from 24:00 of the 5th to 01:00 of the 6th.
    const { days } = await rolledUp('America/Santiago', Date.UTC(2026, 8, 5, 4), 47)
    expect(await days()).toEqual([
      { date: '2026-09-05', ts: '2026-09-05 04:00:00', wh: 24_000, expected: 288 },
      { date: '2026-09-06', ts: '2026-09-06 04:00:00', wh: 23_000, expected: 276 },
    ])
  })
  it('is one row, also where an earlier version put it into the day before', async () => {
    const { tenantId, days, again } = await rolledUp('Africa/Cairo', Date.UTC(2026, 3, 23, 22), 23)
    const right = [{ date: '2026-04-24', ts: '2026-04-23 22:00:00', wh: 23_000, expected: 276 }]
    expect(await days()).toEqual(right)
    await test.warehouse.execute(
      sql`INSERT INTO rollup_site_1d (tenant_id, site_id, ts, date, energy_wh, version)
        SELECT tenant_id, site_id, ts - 3600, date, energy_wh, version FROM rollup_site_1d FINAL WHERE tenant_id = ${tenantId}`,
      { scope: 'system', lane: 'heavy', timeoutMs: 10_000 },
    )
    expect(await days()).toHaveLength(2)
    await again()
    expect(await days()).toEqual(right)
  })
  it.each(['europe/berlin', 'America/Coyhaique'])('of %s, a zone that the engine does not know', async (timezone) => {
    const { days } = await rolledUp(timezone, Date.UTC(2026, 5, 10, 12), 2)
    expect(await days()).toMatchObject([{ date: '2026-06-10', wh: 2000 }])
  })
  it('is 23 or 25 hours long where the clock changes', async () => {
    const { days } = await rolledUp('Australia/Lord_Howe', Date.UTC(2026, 9, 3, 13, 30), 24)
    // Half an hour is put forward at two in the night.
    expect(await days()).toMatchObject([
      { date: '2026-10-04', ts: '2026-10-03 13:30:00', expected: 282 },
      { date: '2026-10-05', ts: '2026-10-04 13:00:00' },
    ])
  })
})
