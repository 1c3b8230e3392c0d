import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClickhouseWarehouse } from './clickhouse.ts'
import { spawnWarehouse } from './spawn-warehouse.ts'
import { describeWarehouse } from './warehouse.conformance.ts'

describeWarehouse('chDB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-warehouse-test-'))
  let spawned = await spawnWarehouse(folder)
  const { connection, port, token } = spawned
  return {
    warehouse: createClickhouseWarehouse(connection),
    another: () => createClickhouseWarehouse(connection),
    kill: () => spawned.kill(),
    async revive() {
      // Same port and token, as the supervisor does it: clients go on with what they know.
      spawned = await spawnWarehouse(folder, { port, token })
    },
    async stop() {
      await spawned.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
})
