/**
 * What is committed, by prepared statements of `mysql2`: most of what a page or an API asks for. Prisma's client takes four times as
 * long for the same rows, and is left what it does well: transactions that write.
 */
import type { RowDataPacket } from 'mysql2/promise'
import type { EngineQuery } from '@heliograph/crm-core'
import type { TableName } from '@heliograph/crm-core/contracts'
import type { MysqlAddress } from './mysql-address.ts'
import { createMysqlPool } from './mysql-pool.ts'
import { rowOf } from './mysql-rows.ts'
import type { Reader } from './prisma-engine.ts'
import { sqlCondition, sqlTable, type SqlValue } from './sql-condition.ts'

export const CONNECTIONS = 8
const MAX_WAITING = 10_000
/** A read that takes longer is of no use to who asked. Each server has its own word for it, and skips the other's. */
const LIMIT_SQL =
  'SET SESSION wait_timeout = @@SESSION.wait_timeout /*!50700 , max_execution_time = 20000 */ /*M!100100 , max_statement_time = 20 */'
/** By the server's own clock, whatever the zone of the session. */
export const CLOCK_SQL = 'SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AS `at`'
/** Of a server that says nothing at all any more. */
const SILENT_MS = 25_000
/** Waiting for a session, of a server that is down or of ours that are all at work. */
export const ACQUIRE_MS = 3_000

export function createMysqlReads(address: MysqlAddress): Reader {
  const pool = createMysqlPool(address, {
    connections: CONNECTIONS,
    maxWaiting: MAX_WAITING,
    acquireMs: ACQUIRE_MS,
    sql: [LIMIT_SQL],
  })
  const run = (sql: string, values: SqlValue[]): Promise<RowDataPacket[]> =>
    pool.using(async (connection) => {
      const [rows] = await connection.execute<RowDataPacket[]>({ sql, values, timeout: SILENT_MS })
      return rows
    })
  return {
    async find(table: TableName, { where = {}, orderBy = [], limit }: EngineQuery) {
      const { text, values } = sqlCondition(table, 't', where)
      const order = orderBy.flatMap((each) =>
        Object.entries(each).map(([column, direction]) => `t.\`${column}\` ${direction === 'desc' ? 'DESC' : 'ASC'}`),
      )
      const rows = await run(
        [
          `SELECT t.* FROM ${sqlTable(table)} t WHERE ${text}`,
          ...(order.length > 0 ? [`ORDER BY ${order.join()}`] : []),
          ...(limit === undefined ? [] : [`LIMIT ${Math.floor(limit)}`]),
        ].join(' '),
        values,
      )
      return rows.map((row) => rowOf(table, row) as unknown as Record<string, unknown>)
    },
    async count(table, where) {
      const { text, values } = sqlCondition(table, 't', where)
      const [row] = await run(`SELECT COUNT(*) AS \`count\` FROM ${sqlTable(table)} t WHERE ${text}`, values)
      return Number(row!['count'])
    },
    async clock() {
      const [row] = await run(CLOCK_SQL, [])
      return Number(row!['at'])
    },
    ping: () => run('SELECT 1', []),
    stop: () => pool.end(),
  }
}
