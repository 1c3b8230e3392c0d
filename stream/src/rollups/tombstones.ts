/** A replay decoded messages again: rows that an earlier decoding made of them and this one did not are no more. */
import { allOf, id, join, list, sql, type Range } from '@heliograph/crm-core'
import type { DeviceId, ReplayChunk, Sql, TenantId, Warehouse } from '@heliograph/crm-core/contracts'

/** So many chunks are looked at in one query: a claim of many devices brings one small chunk each. */
const MAX_CHUNKS = 200
const OPTIONS = { scope: 'system', lane: 'heavy', timeoutMs: 300_000, maxRows: 1_000_000 } as const

/**
 * Call it when every row of the chunks' own decoding is stored: those carry its revision and stay. Doing it again changes
 * nothing.
 * @returns what changed, for `Rollups.touch`
 */
export async function tombstoneReplayed(
  warehouse: Warehouse,
  chunks: readonly ReplayChunk[],
): Promise<({ deviceId: DeviceId } & Range)[]> {
  const touched: ({ deviceId: DeviceId } & Range)[] = []
  for (const [tenantId, own] of Map.groupBy(chunks, (chunk) => chunk.tenantId))
    for (let at = 0; at < own.length; at += MAX_CHUNKS)
      touched.push(...(await tombstoneTenant(warehouse, tenantId, own.slice(at, at + MAX_CHUNKS))))
  return touched
}

async function tombstoneTenant(
  warehouse: Warehouse,
  tenantId: TenantId,
  chunks: readonly ReplayChunk[],
): Promise<({ deviceId: DeviceId } & Range)[]> {
  // The latest first: a row that several replays gave up takes the tombstone of the last.
  const latest = [...chunks].sort((a, b) => b.revision - a.revision)
  const devices = latest.map(({ deviceId }) => deviceId)
  // FINAL: only rows that are seen today. A hidden one is hidden by a newer one, which may well be right.
  const gone = allOf([
    sql`tenant_id = ${id(tenantId)}`,
    devices.every((device) => device !== undefined) ? sql`device_id IN ${list(devices)}` : undefined,
    join(latest.map(rowsOf), ' OR '),
  ])
  const affected = await warehouse.query<{ device_id: DeviceId; from_ms: number; to_ms: number }>(
    sql`SELECT device_id, toUnixTimestamp64Milli(min(ts)) AS from_ms, toUnixTimestamp64Milli(max(ts)) AS to_ms
      FROM readings FINAL WHERE ${gone} GROUP BY device_id, toYYYYMM(ts)`,
    OPTIONS,
  )
  if (affected.length === 0) return []
  const revision = sql`multiIf(${join(latest.map((chunk) => sql`${rowsOf(chunk)}, ${chunk.revision}`))}, 0)`
  await warehouse.execute(
    sql`INSERT INTO readings (tenant_id, device_id, ts, site_id, received_at, source, connection_id, raw_partition, raw_offset, revision, is_deleted)
      SELECT tenant_id, device_id, ts, site_id, received_at, source, connection_id, raw_partition, raw_offset, ${revision}, 1
      FROM readings FINAL WHERE ${gone}`,
    OPTIONS,
  )
  return affected.map(({ device_id, from_ms, to_ms }) => ({ deviceId: device_id, from: from_ms, to: to_ms + 1 }))
}

/** What an earlier decoding of a chunk's messages can have made. */
const rowsOf = (chunk: ReplayChunk): Sql =>
  sql`(${allOf([
    sql`connection_id = ${id(chunk.connectionId)}`,
    sql`raw_partition = ${chunk.partition}`,
    sql`raw_offset >= ${chunk.fromOffset}`,
    sql`raw_offset < ${chunk.toOffset}`,
    sql`revision < ${chunk.revision}`,
    chunk.deviceId ? sql`device_id = ${id(chunk.deviceId)}` : undefined,
  ])})`
