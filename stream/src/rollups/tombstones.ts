/** A replay decoded messages again: rows that an earlier decoding made of them and this one did not are no more. */
import { allOf, id, sql, type Range } from '@heliograph/crm-core'
import type { DeviceId, ReplayChunkRecord, Warehouse } from '@heliograph/crm-core/contracts'

/**
 * Call it when every row of the chunk's own decoding is stored: those carry its revision and stay. Doing it again changes
 * nothing.
 * @returns what changed, for `Rollups.touch`
 */
export async function tombstoneReplayed(
  warehouse: Warehouse,
  chunk: ReplayChunkRecord,
): Promise<({ deviceId: DeviceId } & Range)[]> {
  // FINAL: only rows that are seen today. A hidden one is hidden by a newer one, which may well be right.
  const gone = allOf([
    sql`tenant_id = ${id(chunk.tenantId)}`,
    sql`connection_id = ${id(chunk.connectionId)}`,
    sql`raw_partition = ${chunk.partition}`,
    sql`raw_offset >= ${chunk.fromOffset}`,
    sql`raw_offset < ${chunk.toOffset}`,
    sql`revision < ${chunk.revision}`,
    chunk.deviceId ? sql`device_id = ${id(chunk.deviceId)}` : undefined,
  ])
  const options = { scope: 'system', lane: 'heavy', timeoutMs: 300_000, maxRows: 1_000_000 } as const
  const affected = await warehouse.query<{ device_id: DeviceId; from_ms: number; to_ms: number }>(
    sql`SELECT device_id, toUnixTimestamp64Milli(min(ts)) AS from_ms, toUnixTimestamp64Milli(max(ts)) AS to_ms
      FROM readings FINAL WHERE ${gone} GROUP BY device_id, toYYYYMM(ts)`,
    options,
  )
  if (affected.length === 0) return []
  await warehouse.execute(
    sql`INSERT INTO readings (tenant_id, device_id, ts, site_id, received_at, source, connection_id, raw_partition, raw_offset, revision, is_deleted)
      SELECT tenant_id, device_id, ts, site_id, received_at, source, connection_id, raw_partition, raw_offset, ${chunk.revision}, 1
      FROM readings FINAL WHERE ${gone}`,
    options,
  )
  return affected.map(({ device_id, from_ms, to_ms }) => ({ deviceId: device_id, from: from_ms, to: to_ms + 1 }))
}
