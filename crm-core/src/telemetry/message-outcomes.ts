/** What became of single raw messages. */
import type { ConnectionId, TenantId, Warehouse } from '@heliograph/crm-core/contracts'
import { id, instant, list, sql } from './sql.ts'

export interface MessagePlace {
  partition: number
  offset: number
  /** UTC milliseconds. */
  receivedAt: number
}
export interface MessageOutcome {
  /** Readings of claimed devices that it gave. */
  readings: number
  /** Why it could not be decoded, where it could not. */
  reason?: string
}
/** Around the arrival: a store that was behind stamps nothing anew, so a little is enough. */
const SLACK_MS = 60_000
const OFFSETS_AT_MOST = 500

/** Outcomes by `partition/offset`; a message without one gave nothing that was stored (yet). */
export async function outcomesOfMessages(
  warehouse: Warehouse,
  request: { tenantId: TenantId; connectionId: ConnectionId; messages: readonly MessagePlace[]; now: number },
): Promise<Map<string, MessageOutcome>> {
  const { tenantId, connectionId } = request
  const messages = request.messages.slice(0, OFFSETS_AT_MOST)
  const outcomes = new Map<string, MessageOutcome>()
  if (messages.length === 0) return outcomes
  const arrivals = messages.map(({ receivedAt }) => receivedAt)
  const where = sql`tenant_id = ${id(tenantId)} AND connection_id = ${id(connectionId)}
    AND received_at >= ${instant(Math.min(...arrivals) - SLACK_MS)} AND received_at <= ${instant(Math.max(...arrivals) + SLACK_MS)}
    AND raw_offset IN ${list(messages.map(({ offset }) => offset))}`
  const options = { scope: { tenantId }, lane: 'light', maxRows: 2 * OFFSETS_AT_MOST } as const
  const [stored, dead] = await Promise.all([
    warehouse.query<{ p: number; o: number; n: number }>(
      sql`SELECT raw_partition AS p, raw_offset AS o, count() AS n FROM readings WHERE ${where} AND is_deleted = 0 GROUP BY p, o`,
      options,
    ),
    warehouse.query<{ p: number; o: number; why: string }>(
      sql`SELECT raw_partition AS p, raw_offset AS o, any(reason) AS why FROM dead_letters FINAL WHERE ${where} AND resolved = 0 GROUP BY p, o`,
      options,
    ),
  ])
  for (const { p, o, n } of stored) outcomes.set(`${Number(p)}/${Number(o)}`, { readings: Number(n) })
  for (const { p, o, why } of dead) {
    const key = `${Number(p)}/${Number(o)}`
    outcomes.set(key, { readings: outcomes.get(key)?.readings ?? 0, reason: why })
  }
  return outcomes
}
