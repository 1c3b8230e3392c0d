import { WarehouseError, type WarehouseErrorCode } from '@heliograph/crm-core/contracts'
import { ClickHouseError } from '@clickhouse/client'

/** ClickHouse exception codes by what they mean to a caller; the rest is the query's (or the rows') own fault. */
const CODES: Readonly<Record<string, WarehouseErrorCode>> = {
  '158': 'warehouse_too_many_rows', // TOO_MANY_ROWS
  '159': 'warehouse_timeout', // TIMEOUT_EXCEEDED
  '160': 'warehouse_timeout', // TOO_SLOW
  '202': 'warehouse_unavailable', // TOO_MANY_SIMULTANEOUS_QUERIES
  '209': 'warehouse_unavailable', // SOCKET_TIMEOUT
  '210': 'warehouse_unavailable', // NETWORK_ERROR
  '236': 'warehouse_unavailable', // ABORTED
  '241': 'warehouse_unavailable', // MEMORY_LIMIT_EXCEEDED
  '242': 'warehouse_unavailable', // TABLE_IS_READ_ONLY
  '243': 'warehouse_unavailable', // NOT_ENOUGH_SPACE
  '252': 'warehouse_unavailable', // TOO_MANY_PARTS
  '279': 'warehouse_unavailable', // ALL_CONNECTION_TRIES_FAILED
  '307': 'warehouse_too_many_rows', // TOO_MANY_BYTES
  '394': 'warehouse_timeout', // QUERY_WAS_CANCELLED
  '396': 'warehouse_too_many_rows', // TOO_MANY_ROWS_OR_BYTES
  '516': 'warehouse_unavailable', // AUTHENTICATION_FAILED
  '999': 'warehouse_unavailable', // KEEPER_EXCEPTION
}

/** @param kind what was tried: an insert that the engine refuses is the rows' fault, a query its text's */
export function toWarehouseError(error: unknown, kind: 'query' | 'insert'): WarehouseError {
  if (error instanceof WarehouseError) return error
  const message = error instanceof Error ? error.message : String(error)
  const short = message.length > 500 ? `${message.slice(0, 500)}…` : message
  if (error instanceof ClickHouseError) {
    const code = CODES[error.code] ?? (kind === 'insert' ? 'warehouse_rejected' : 'warehouse_bad_query')
    return new WarehouseError(code, `${error.type ?? error.code}: ${short}`, { cause: error })
  }
  return new WarehouseError('warehouse_unavailable', short, { cause: error })
}
