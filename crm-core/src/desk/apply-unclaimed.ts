import type { ConsumerPosition, DeviceAttributes, Row, UnclaimedRecord, WriteTx } from '../../contracts/index.ts'
import { emitDevice } from '../assets/device-periods.ts'
import type { CrmDeps } from '../deps.ts'

/** Unclaimed devices kept of one connection: a sender that makes up a new name per message fills no disk. */
const MAX_PER_CONNECTION = 10_000
const SAMPLE_BYTES = 8_000

interface Gathered {
  connectionId: string
  externalId: string
  vendor: string
  messages: number
  first: number
  last: number
  sample: UnclaimedRecord
  attributes: DeviceAttributes
}

/**
 * Takes a batch of unclaimed readings into the list that people claim from: one row per (connection, external id), counted,
 * with the newest reading. What was linked meanwhile is left out. What linked devices tell anew of themselves becomes theirs.
 * The offset is saved in the same transaction.
 * @returns rows touched; undefined where this position was applied before
 */
export async function applyUnclaimed(
  deps: CrmDeps,
  records: readonly UnclaimedRecord[],
  position: ConsumerPosition,
): Promise<number | undefined> {
  const gathered = gather(records.filter(({ deviceId }) => deviceId === undefined))
  return await deps.db.system.transaction(async (tx) => {
    if (!(await tx.advance(position))) return undefined
    let touched = await applyFacts(tx, records)
    for (const [connectionId, group] of Map.groupBy(gathered, (each) => each.connectionId))
      touched += await applyConnection(tx, connectionId, group)
    return touched
  })
}

/** The newest word of each device; what is known already is not written again, so that it may be told by several. */
async function applyFacts(tx: WriteTx, records: readonly UnclaimedRecord[]): Promise<number> {
  const newest = new Map<string, UnclaimedRecord>()
  for (const record of records) if (record.deviceId !== undefined) newest.set(record.deviceId, record)
  if (newest.size === 0) return 0
  let touched = 0
  for (const device of await tx.all('device', { id: { in: [...newest.keys()] } })) {
    const { tenantId, reading } = newest.get(device.id)!
    const firmware = reading.attributes?.firmware
    if (device.tenantId !== tenantId || firmware === undefined || firmware === device.firmware) continue
    await emitDevice(tx, await tx.update('device', device.id, { firmware }))
    touched++
  }
  return touched
}

function gather(records: readonly UnclaimedRecord[]): Gathered[] {
  const byPair = new Map<string, Gathered>()
  for (const record of records) {
    const externalId = record.reading.device.slice(0, 200)
    const key = `${record.connectionId}\n${externalId}`
    const known = byPair.get(key)
    const attributes = { ...known?.attributes, ...record.reading.attributes }
    byPair.set(key, {
      connectionId: record.connectionId,
      externalId,
      vendor: record.vendor,
      // What a replay finds unclaimed again was counted when it came.
      messages: (known?.messages ?? 0) + (record.rawRef.revision === 0 ? 1 : 0),
      first: Math.min(known?.first ?? Infinity, record.receivedAt),
      last: Math.max(known?.last ?? 0, record.receivedAt),
      sample: record,
      attributes,
    })
  }
  return [...byPair.values()]
}

async function applyConnection(tx: WriteTx, connectionId: string, group: Gathered[]): Promise<number> {
  const connection = await tx.first('connection', { id: connectionId, revokedAt: null })
  if (connection === undefined) return 0
  const externalId = { in: group.map((each) => each.externalId) }
  const linked = new Set(
    (await tx.all('deviceLink', { connectionId, externalId, validTo: null })).map((link) => link.externalId),
  )
  const rows = new Map((await tx.all('unclaimed', { connectionId, externalId })).map((row) => [row.externalId, row]))
  const fresh = group.filter((each) => !linked.has(each.externalId) && !rows.has(each.externalId))
  const room = fresh.length === 0 ? 0 : MAX_PER_CONNECTION - (await tx.count('unclaimed', { connectionId }))
  await tx.createMany(
    'unclaimed',
    fresh.slice(0, Math.max(0, room)).map((each) => ({
      tenantId: connection.tenantId,
      connectionId,
      vendor: each.vendor,
      externalId: each.externalId,
      serial: each.attributes.serial?.slice(0, 200) ?? null,
      firstSeenAt: new Date(each.first),
      lastSeenAt: new Date(each.last),
      messages: Math.max(1, each.messages),
      sample: sampleOf(each.sample),
      attributes: each.attributes,
    })),
  )
  let touched = Math.min(fresh.length, Math.max(0, room))
  for (const each of group) {
    const row = rows.get(each.externalId)
    if (row === undefined || linked.has(each.externalId)) continue
    await tx.update('unclaimed', row.id, merged(row, each))
    touched++
  }
  return touched
}

function merged(row: Row<'unclaimed'>, each: Gathered): Partial<Row<'unclaimed'>> {
  const attributes = { ...row.attributes, ...each.attributes }
  return {
    messages: row.messages + each.messages,
    lastSeenAt: new Date(Math.max(row.lastSeenAt.getTime(), each.last)),
    serial: attributes.serial?.slice(0, 200) ?? row.serial,
    sample: sampleOf(each.sample),
    attributes,
  }
}

/** The reading as people look at it before they claim. What is too large is cut down to its metrics. */
function sampleOf(record: UnclaimedRecord): Record<string, unknown> {
  const { attributes: _known, ...reading } = record.reading
  const whole = { ...reading, receivedAt: record.receivedAt }
  if (JSON.stringify(whole).length <= SAMPLE_BYTES) return whole
  return { device: reading.device, ts: reading.ts, metrics: reading.metrics, quality: reading.quality }
}
