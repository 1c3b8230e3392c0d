/** The warehouse a process works with: the embedded one of its supervisor, or a server of the settings. */
import type { Warehouse } from '@heliograph/crm-core/contracts'
import type { Settings } from '../settings.ts'
import { TOKEN_HEADER } from '../warehouse/chdb-headers.ts'
import { clickhouseOptions } from '../warehouse/clickhouse-url.ts'
import { createClickhouseWarehouse } from '../warehouse/clickhouse.ts'

/** How a child reaches the embedded warehouse; the supervisor hands it down. */
interface WarehouseAddress {
  port: number
  token: string
}

/** Nothing is connected before its `start`. */
export const openWarehouse = (settings: Settings): Warehouse => createClickhouseWarehouse(warehouseOptions(settings))

function warehouseOptions({ warehouseUrl }: Settings): Parameters<typeof createClickhouseWarehouse>[0] {
  if (warehouseUrl !== undefined) return clickhouseOptions(warehouseUrl)
  const address = process.env['HELIOGRAPH_CHILD_WAREHOUSE_ADDRESS']
  if (!address) throw new Error('this process was started without a warehouse; start Heliograph by solo.ts')
  const { port, token } = JSON.parse(address) as WarehouseAddress
  return { url: `http://127.0.0.1:${port}`, headers: { [TOKEN_HEADER]: token } }
}
