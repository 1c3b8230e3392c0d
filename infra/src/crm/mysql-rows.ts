/** Rows of MySQL and MariaDB as the port has them. */
import type { RowDataPacket } from 'mysql2/promise'
import { TABLES } from '@heliograph/crm-core'
import type { Row, TableName } from '@heliograph/crm-core/contracts'

export function rowOf<T extends TableName>(table: T, values: RowDataPacket): Row<T> {
  const row: Record<string, unknown> = {}
  for (const [column, kind] of Object.entries(TABLES[table].columns)) {
    const value: unknown = values[column] ?? null
    if (value === null) row[column] = null
    else if (kind.startsWith('boolean')) row[column] = Number(value) === 1
    else if (kind.startsWith('json')) row[column] = jsonOf(value)
    else if (kind.startsWith('bigint')) row[column] = Number(value)
    else row[column] = value
  }
  return row as unknown as Row<T>
}
/** Both servers give it as text: `mysqlOptions` sees to it. */
export const jsonOf = (value: unknown): unknown => JSON.parse(value as string) as unknown
