/**
 * Writes the heads of the tenants' audit trails down on the log, apart from the database: whoever takes entries off the end
 * of a trail, or writes the whole of it anew, would have to change the log too.
 */
import { type AuditHead, INSTANCE_TENANT } from '@heliograph/crm-core'
import {
  type AnchorRecord,
  type CrmDatabase,
  decodeRecord,
  encodeRecord,
  type Log,
  type TenantId,
  TOPICS,
} from '@heliograph/crm-core/contracts'

const EVERY_MS = 60_000

export interface Anchors {
  start(): void
  /** Resolves once nothing is being written; the heads of now are anchored on the way. */
  stop(): Promise<void>
  newest(tenantId: TenantId): Promise<AuditHead | undefined>
}

export function createAnchors(deps: {
  log: Log
  db: CrmDatabase
  head(tenantId: string): Promise<AuditHead | undefined>
  onError(error: unknown): void
}): Anchors {
  const { log, db } = deps
  const producer = log.producer(TOPICS.anchors)
  let newest: Map<string, AuditHead> | undefined
  let timer: NodeJS.Timeout | undefined
  let running = Promise.resolve()

  async function read(): Promise<Map<string, AuditHead>> {
    if (newest) return newest
    const found = new Map<string, AuditHead>()
    for (const { partition, first, next } of await log.bounds(TOPICS.anchors))
      for await (const records of log.read({ topic: TOPICS.anchors, partition, from: first, to: next }))
        for (const { value } of records) {
          const { tenantId, seq, hash } = decodeRecord<AnchorRecord>(value)
          if (seq >= (found.get(tenantId)?.seq ?? 0)) found.set(tenantId, { seq, hash })
        }
    newest = found
    return found
  }
  async function anchor(): Promise<void> {
    const known = await read()
    const records: { key: string; value: Uint8Array }[] = []
    const heads: [string, AuditHead][] = []
    const tenants = await db.system.all('tenant')
    for (const id of [...tenants.map((tenant) => tenant.id), INSTANCE_TENANT]) {
      const head = await deps.head(id)
      // A trail that got shorter is not anchored anew: that is just what an anchor is there to show.
      if (!head || head.seq <= (known.get(id)?.seq ?? 0)) continue
      heads.push([id, head])
      const record: AnchorRecord = { tenantId: id as TenantId, ...head, at: Date.now() }
      records.push({ key: id, value: encodeRecord(record) })
    }
    if (records.length === 0) return
    await producer.append(records)
    for (const [id, head] of heads) known.set(id, head)
  }
  const next = (): Promise<void> => (running = running.then(anchor).catch(deps.onError))

  return {
    start() {
      timer ??= setInterval(() => void next(), EVERY_MS)
    },
    async stop() {
      clearInterval(timer)
      timer = undefined
      await next()
    },
    async newest(tenantId) {
      return (await read()).get(tenantId)
    },
  }
}
