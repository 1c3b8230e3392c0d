/**
 * Whether what the log holds is what the stores hold: readings and dead letters of the log are looked up in the warehouse,
 * and roll-ups are computed again from raw.
 */
import type { VerifyReport } from '@heliograph/api'
import { id, instant, list, sql } from '@heliograph/crm-core'
import {
  type DeadLetterRecord,
  decodeRecord,
  type Log,
  type LogRecord,
  type ReadingRecord,
  type Topic,
  TOPICS,
  type Warehouse,
} from '@heliograph/crm-core/contracts'
import { type RollupRegistry, verifyRollups } from '@heliograph/stream'

const OPTIONS = { scope: 'system', lane: 'heavy', timeoutMs: 300_000, maxRows: 1_000_000 } as const
const EXAMPLES = 10
/** Records looked up at once. */
const CHUNK = 5_000
/** Roll-ups of the last minutes may still be on their way. */
const SETTLED_MS = 15 * 60_000

export interface VerifyDeps {
  log: Log
  warehouse: Warehouse
  registry: RollupRegistry
  now(): number
}

/** @param options how many windows of roll-ups, and how many records of the log to look up at most */
export async function verifyLine(
  deps: VerifyDeps,
  options: { windows: number; records: number },
): Promise<VerifyReport> {
  const { log, warehouse, registry, now } = deps
  const found = await verifyRollups({
    warehouse,
    registry,
    windows: options.windows,
    random: Math.random,
    before: now() - SETTLED_MS,
  })
  const rollups = {
    windows: found.windows,
    buckets: found.buckets,
    differences: found.differences.length,
    examples: found.differences.slice(0, EXAMPLES).map((difference) => ({ ...difference })),
  }
  const readings: VerifyReport['log'] = { records: 0, checked: 0, refused: 0, missing: 0, examples: [] }
  await eachChunk(log, TOPICS.readings, options.records, readings, (records) => checkReadings(deps, records, readings))
  const deadLetters = { records: 0, checked: 0, missing: 0 }
  await eachChunk(log, TOPICS.deadLetter, options.records, deadLetters, async (records) => {
    deadLetters.missing += await missingLetters(warehouse, records, now())
  })
  return {
    ok: rollups.differences === 0 && readings.missing === 0 && deadLetters.missing === 0,
    rollups,
    log: readings,
    deadLetters,
  }
}

/** Hands over what the store says it has, evenly picked where it is more than may be looked up. */
async function eachChunk(
  log: Log,
  topic: Topic,
  atMost: number,
  counts: { records: number; checked: number },
  check: (records: LogRecord[]) => Promise<void>,
): Promise<void> {
  const stored = new Map((await log.committed(topic, 'store')).map(({ partition, offset }) => [partition, offset]))
  const spans = (await log.bounds(topic))
    .map(({ partition, first, next }) => ({ partition, first, end: Math.min(next, stored.get(partition) ?? first) }))
    .filter(({ first, end }) => end > first)
  const total = spans.reduce((sum, { first, end }) => sum + end - first, 0)
  counts.records += total
  const share = Math.min(1, atMost / Math.max(1, total))
  for (const { partition, first, end } of spans) {
    const take = Math.max(1, Math.round(CHUNK * share))
    for (let from = first; from < end; from += CHUNK) {
      // With a share of them each stretch gives its beginning: nothing of the log goes unlooked at.
      const to = Math.min(end, from + (share === 1 ? CHUNK : take))
      const records: LogRecord[] = []
      for await (const some of log.read({ topic, partition, from, to })) records.push(...some)
      counts.checked += records.length
      await check(records)
    }
  }
}

/** Every reading has its row, also where a later message replaced or took back what it said. */
async function checkReadings(
  { warehouse }: VerifyDeps,
  records: LogRecord[],
  result: VerifyReport['log'],
): Promise<void> {
  const wanted = new Map<string, ReadingRecord>()
  for (const { value } of records) {
    const record = decodeRecord<ReadingRecord>(value)
    wanted.set(`${record.deviceId} ${record.ts}`, record)
  }
  for (const [tenantId, readings] of Map.groupBy(wanted.values(), (reading) => reading.tenantId)) {
    const times = readings.map(({ ts }) => ts)
    const rows = await warehouse.query<{ device_id: string; ts_ms: number }>(
      sql`SELECT DISTINCT device_id, toUnixTimestamp64Milli(ts) AS ts_ms FROM readings
        WHERE tenant_id = ${id(tenantId)} AND device_id IN ${list([...new Set(readings.map(({ deviceId }) => deviceId))])}
          AND ts >= ${instant(least(times))} AND ts <= ${instant(greatest(times))}
          AND toUnixTimestamp64Milli(ts) IN ${list([...new Set(times)])}`,
      OPTIONS,
    )
    for (const { device_id: deviceId, ts_ms: ts } of rows) wanted.delete(`${deviceId} ${ts}`)
  }
  if (wanted.size === 0) return
  const refused = await refusedOf(warehouse, [...wanted.values()])
  for (const { deviceId, ts, rawRef } of wanted.values()) {
    if (refused.has(letterOf(rawRef.partition, rawRef.offset, ts))) result.refused++
    else {
      result.missing++
      if (result.examples.length < EXAMPLES) result.examples.push({ deviceId, ts, rawRef })
    }
  }
}

const letterOf = (partition: number, offset: number, ts: number): string => `${partition}-${offset}-store-${ts}`
/** Rows the store would not take lie in the dead letters under a name made of where they came from. */
async function refusedOf(warehouse: Warehouse, readings: readonly ReadingRecord[]): Promise<Set<string>> {
  const names = readings.slice(0, 10_000).map(({ rawRef, ts }) => letterOf(rawRef.partition, rawRef.offset, ts))
  const rows = await warehouse.query<{ id: string }>(
    sql`SELECT DISTINCT id FROM dead_letters WHERE id IN ${list(names)}`,
    OPTIONS,
  )
  return new Set(rows.map((row) => row.id))
}

/** The store forgets letters after 30 days by itself; younger ones must be there. */
const LETTERS_KEPT_MS = 29 * 86_400_000
async function missingLetters(warehouse: Warehouse, records: readonly LogRecord[], now: number): Promise<number> {
  const names = new Set<string>()
  for (const { value } of records) {
    const letter = decodeRecord<DeadLetterRecord>(value)
    if (letter.receivedAt > now - LETTERS_KEPT_MS) names.add(letter.id)
  }
  if (names.size === 0) return 0
  const rows = await warehouse.query<{ id: string }>(
    sql`SELECT DISTINCT id FROM dead_letters WHERE id IN ${list([...names])}`,
    OPTIONS,
  )
  return names.size - rows.length
}

const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Infinity)
const greatest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), -Infinity)
