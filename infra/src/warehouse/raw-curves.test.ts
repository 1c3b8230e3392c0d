/** Raw curves where no engine of their own is set: the warehouse's raw table. */
import { afterAll, beforeAll } from 'vitest'
import { readingRow, sql, warehouseCurve } from '@heliograph/crm-core'
import type { ConnectionId, Reading, SiteId } from '@heliograph/crm-core/contracts'
import { startTestWarehouse, type TestWarehouse } from './test-warehouse.ts'
import { describeSeries } from '../series/series.conformance.ts'

let engine: TestWarehouse
let offset = 0
beforeAll(async () => {
  engine = await startTestWarehouse()
})
afterAll(() => engine.stop())

describeSeries('the warehouse', {
  async create() {
    const { warehouse } = engine
    return {
      source: {
        reachMs: Infinity,
        curve: (request) => warehouseCurve(warehouse, { tenantId: request.tenantId }, request),
      },
      async write(readings) {
        const rows = readings.map(({ tenantId, deviceId, ts, metrics }): Reading => ({
          tenantId,
          deviceId,
          siteId: 'site' as SiteId,
          ts,
          receivedAt: ts,
          source: 'native',
          metrics,
          quality: [],
          rawRef: { connectionId: 'con' as ConnectionId, partition: 0, offset: offset++, revision: 0 },
        }))
        await warehouse.insert('readings', rows.map(readingRow))
      },
      async remove() {
        await warehouse.execute(sql`TRUNCATE TABLE readings`, { scope: 'system', lane: 'heavy' })
      },
    }
  },
})
