import type { MqttCounters, MqttRefusal, RefusalReason } from './ports.ts'

/** A refusal is told to the audit trail at once, then at most this often per (reason, user name, address). */
const TELL_EVERY_MS = 60_000
const REMEMBERED = 10_000

export type Refuse = (refusal: Omit<MqttRefusal, 'count' | 'at'>) => void

/** Counts every refusal and audits it, so that a hostile client can fill neither the trail nor the memory. */
export function createRefusals(deps: {
  metrics: MqttCounters
  audit(refusal: MqttRefusal): void
  clock: { now(): number }
}): Refuse {
  const told = new Map<string, { at: number; silent: number }>()
  return (refusal) => {
    deps.metrics.inc(counterOf(refusal.reason), { reason: refusal.reason }, 1)
    const at = deps.clock.now()
    const key = `${refusal.reason}\n${refusal.address}\n${refusal.connectionId ?? refusal.userName ?? ''}`
    const before = told.get(key)
    if (before && at - before.at < TELL_EVERY_MS) {
      before.silent++
      return
    }
    told.delete(key)
    if (told.size >= REMEMBERED) told.delete(told.keys().next().value!)
    told.set(key, { at, silent: 0 })
    deps.audit({ ...refusal, at, count: 1 + (before?.silent ?? 0) })
  }
}

const OF_MESSAGES: ReadonlySet<RefusalReason> = new Set([
  'topic',
  'reserved-topic',
  'foreign-topic',
  'payload-too-large',
  'frame-too-large',
  'log',
])
const counterOf = (reason: RefusalReason) =>
  OF_MESSAGES.has(reason) ? 'helio_ingest_rejected_messages_total' : 'helio_mqtt_refused_total'
