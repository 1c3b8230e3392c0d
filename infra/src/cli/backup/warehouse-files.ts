/**
 * The warehouse's tables as files, one per table and month, in ClickHouse's own Native format: any engine of this kind
 * reads them, also a later release, and a checksum can stand beside each. The engine itself writes and reads the files, so
 * it must be on this machine.
 */
import { join } from 'node:path'
import type { ExportedTable } from '@heliograph/api'
import { identifier, join as joinSql, sql } from '@heliograph/crm-core'
import type { Warehouse } from '@heliograph/crm-core/contracts'

const OPTIONS = { scope: 'system', lane: 'heavy', timeoutMs: 3_600_000 } as const
/** What this release makes by itself when it opens an empty warehouse. */
const OWN = /^schema_migrations/

/**
 * Writes every table. Each file is one consistent look at its part; later rows may be in one file and not in another, which
 * is what the log's offsets (copied before) make good.
 * @param folder exists and is empty; absolute
 */
export async function exportWarehouse(
  warehouse: Warehouse,
  folder: string,
): Promise<{ tables: ExportedTable[]; migrations: string[] }> {
  const columns = await warehouse.query<{ table: string; name: string }>(
    sql`SELECT table, name FROM system.columns
      WHERE database = currentDatabase() AND default_kind NOT IN ('MATERIALIZED', 'ALIAS')
        AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')
      ORDER BY table, position`,
    OPTIONS,
  )
  const migrations = await warehouse.query<{ name: string }>(
    sql`SELECT name FROM schema_migrations ORDER BY name`,
    OPTIONS,
  )
  const tables: ExportedTable[] = []
  // How far the roll-ups have come is written down before the roll-ups: they may be further, never less far.
  const byTable = [...Map.groupBy(columns, ({ table }) => table)].sort(
    ([a], [b]) => Number(b.endsWith('_marks')) - Number(a.endsWith('_marks')),
  )
  for (const [name, list] of byTable) {
    if (OWN.test(name)) continue
    const names = list.map((column) => column.name)
    const parts = await warehouse.query<{ id: string }>(
      sql`SELECT DISTINCT partition_id AS id FROM system.parts WHERE active AND database = currentDatabase() AND table = ${name} ORDER BY id`,
      OPTIONS,
    )
    const partitions: ExportedTable['partitions'] = []
    for (const { id } of parts) {
      const file = `${name}.${id.replaceAll(/[^A-Za-z0-9_-]/g, '_')}.native.zst`
      const path = join(folder, file)
      await warehouse.execute(
        sql`INSERT INTO FUNCTION file(${path}, 'Native') SELECT ${joinSql(names.map(identifier))} FROM ${identifier(name)} WHERE _partition_id = ${id}`,
        OPTIONS,
      )
      const [written] = await warehouse.query<{ rows: number }>(
        sql`SELECT count() AS rows FROM file(${path}, 'Native')`,
        OPTIONS,
      )
      partitions.push({ file, rows: Number(written!.rows) })
    }
    tables.push({ name, columns: names, partitions })
  }
  return { tables, migrations: migrations.map(({ name }) => name) }
}

/**
 * Brings them back into a warehouse that has this release's tables and no rows.
 * @throws Error where the rows that arrived are not those that were written
 */
export async function importWarehouse(
  warehouse: Warehouse,
  folder: string,
  tables: readonly ExportedTable[],
  progress: (file: string) => void,
): Promise<void> {
  for (const { name, columns, partitions } of tables)
    for (const { file, rows } of partitions) {
      progress(file)
      const path = join(folder, file)
      const list = joinSql(columns.map(identifier))
      const [found] = await warehouse.query<{ rows: number }>(
        sql`SELECT count() AS rows FROM file(${path}, 'Native')`,
        OPTIONS,
      )
      if (Number(found!.rows) !== rows) throw new Error(`${file} has ${found!.rows} rows, ${rows} were written`)
      await warehouse.execute(
        sql`INSERT INTO ${identifier(name)} (${list}) SELECT ${list} FROM file(${path}, 'Native')`,
        OPTIONS,
      )
    }
}
