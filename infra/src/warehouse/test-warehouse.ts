/** A warehouse of its own for a test: the embedded engine in a child process on a folder that goes away with it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Warehouse } from '@heliograph/crm-core/contracts'
import { createClickhouseWarehouse } from './clickhouse.ts'
import { spawnWarehouse, type SpawnedWarehouse } from './spawn-warehouse.ts'

export interface TestWarehouse {
  warehouse: Warehouse
  readonly spawned: SpawnedWarehouse
  /** Kills the engine without warning and starts it again on the same folder. */
  crash(): Promise<void>
  stop(): Promise<void>
}

export async function startTestWarehouse(): Promise<TestWarehouse> {
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-warehouse-test-'))
  let spawned = await spawnWarehouse(folder)
  const warehouse = createClickhouseWarehouse(spawned.connection)
  await warehouse.start()
  return {
    warehouse,
    get spawned() {
      return spawned
    },
    async crash() {
      await spawned.kill()
      // Same port and token, as a supervisor would do it: clients go on with what they know.
      spawned = await spawnWarehouse(folder, { port: spawned.port, token: spawned.token })
    },
    async stop() {
      await warehouse.stop()
      await spawned.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
