/** The warehouse's files of a backup into a ClickHouse server, which does not see this machine's disk: they are sent to it. */
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createZstdDecompress } from 'node:zlib'
import { createClient } from '@clickhouse/client'
import type { ExportedTable } from '@heliograph/api'
import { identifier, join as joinSql, sql } from '@heliograph/crm-core'
import type { Sql, Warehouse } from '@heliograph/crm-core/contracts'
import { noAnswer } from '../../warehouse/clickhouse-answer.ts'
import { clickhouseOptions } from '../../warehouse/clickhouse-url.ts'
import { createClickhouseWarehouse } from '../../warehouse/clickhouse.ts'
import { CliError } from '../cli-error.ts'

const HOUR_MS = 3_600_000
const OPTIONS = { scope: 'system', lane: 'heavy', timeoutMs: HOUR_MS } as const
/** Rows wait here until they are counted: the tables themselves drop what they take for a repetition. */
const STAGING = 'moving'
/**
 * Where rows came from in a log that is not moved with them: a partition no log has, so that no message of the new one is taken for
 * theirs, and the first offset, so that any later word on the same instant wins over them.
 */
const OF_THE_OLD_LOG: Readonly<Record<string, Sql>> = {
  raw_partition: sql`65535`,
  raw_offset: sql`0`,
  revision: sql`0`,
}

/**
 * @param folder of the backup's warehouse
 * @throws CliError where the target holds readings already
 */
export async function moveWarehouse(
  url: string,
  folder: string,
  tables: readonly ExportedTable[],
  progress: (file: string) => void,
): Promise<void> {
  const warehouse = createClickhouseWarehouse(clickhouseOptions(url))
  await warehouse.start()
  try {
    const held = await warehouse.query(sql`SELECT 1 AS held FROM readings LIMIT 1`, OPTIONS)
    if (held.length > 0)
      throw new CliError('HELIO_WAREHOUSE_URL: the database holds readings already; restore into an empty one')
    try {
      for (const table of tables) await moveTable(url, warehouse, folder, table, progress)
    } catch (error) {
      // They were empty, and half of a backup must not be taken for a whole one.
      for (const { name } of tables) await warehouse.execute(sql`TRUNCATE TABLE ${identifier(name)}`, OPTIONS)
      throw error
    } finally {
      await warehouse.execute(sql`DROP TABLE IF EXISTS ${identifier(STAGING)}`, OPTIONS)
    }
  } finally {
    await warehouse.stop()
  }
}

async function moveTable(
  url: string,
  warehouse: Warehouse,
  folder: string,
  { name, columns, partitions }: ExportedTable,
  progress: (file: string) => void,
): Promise<void> {
  const list = joinSql(columns.map(identifier))
  const moved = joinSql(columns.map((column) => OF_THE_OLD_LOG[column] ?? identifier(column)))
  // Rows whose version comes of their place in the old log: the newest word on each instant, and only where it is not a removal.
  const rowsToMove = columns.includes('revision')
    ? sql`(SELECT * FROM ${identifier(STAGING)} ORDER BY tenant_id, device_id, ts, version DESC LIMIT 1 BY tenant_id, device_id, ts)
        WHERE is_deleted = 0`
    : identifier(STAGING)
  await warehouse.execute(sql`DROP TABLE IF EXISTS ${identifier(STAGING)}`, OPTIONS)
  await warehouse.execute(
    sql`CREATE TABLE ${identifier(STAGING)} AS ${identifier(name)} ENGINE = MergeTree ORDER BY tuple()`,
    OPTIONS,
  )
  for (const { file, rows } of partitions) {
    progress(file)
    await warehouse.execute(sql`TRUNCATE TABLE ${identifier(STAGING)}`, OPTIONS)
    await send(url, join(folder, file), columns)
    const [found] = await warehouse.query<{ rows: number }>(
      sql`SELECT count() AS rows FROM ${identifier(STAGING)}`,
      OPTIONS,
    )
    if (Number(found!.rows) !== rows) throw new Error(`${file}: ${found!.rows} rows arrived, ${rows} were written`)
    await warehouse.execute(sql`INSERT INTO ${identifier(name)} (${list}) SELECT ${moved} FROM ${rowsToMove}`, OPTIONS)
  }
}

async function send(url: string, file: string, columns: readonly string[]): Promise<void> {
  const client = createClient({ ...clickhouseOptions(url), request_timeout: HOUR_MS, log: { level: 127 } })
  try {
    const { stream } = await client.exec({
      query: `INSERT INTO ${STAGING} (${columns.map((column) => `\`${column}\``).join(', ')}) FORMAT Native`,
      values: createReadStream(file).pipe(createZstdDecompress()),
      clickhouse_settings: { wait_end_of_query: 1 },
    })
    await noAnswer(stream, AbortSignal.timeout(HOUR_MS))
  } finally {
    await client.close()
  }
}
