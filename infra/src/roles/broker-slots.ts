/**
 * Which of the work on tenants' brokers this process does, where several could: each slot (a connection, or one of its workers)
 * is a lease in the CRM's database, held by one process. Two that believe to hold one do no harm: both have the same client id,
 * and the broker lets in one of them.
 */
import { randomUUID } from 'node:crypto'
import { createLeases } from '@heliograph/crm-core'
import { openCrm } from '../crm/index.ts'

/** A holder that died is replaced after this. */
const LEASE_MS = 10_000
const RENEW_MS = 2_500
/** A second slot of the same connection is taken only when nobody else has wanted it for so long. */
const SPARE_MS = 5_000
const READ_AT_ONCE = 500

export interface Slot {
  connectionId: string
  slot: number
}
export interface BrokerSlots {
  /** Renews, gives back and takes; those of `wanted` that this process holds now. */
  hold(wanted: readonly Slot[]): Promise<Slot[]>
  /** Somebody stands idle: gives back one of several slots of this connection. */
  spare(connectionId: string): Promise<void>
  /** Gives all back, so that others need not wait. */
  stop(): Promise<void>
}

const nameOf = ({ connectionId, slot }: Slot): string => `broker:${connectionId}:${slot}`

export async function createBrokerSlots({ crmUrl }: { crmUrl: string }): Promise<BrokerSlots> {
  const db = await openCrm({ url: crmUrl })
  const leases = createLeases({ db })
  const holder = randomUUID()
  /** By name; times are of the monotonic clock: a wall clock that is set must not make a lease longer. */
  const held = new Map<string, Slot & { token: number; renewedAt: number }>()
  const freeSince = new Map<string, number>()
  let started: Promise<void> | undefined

  async function release(name: string): Promise<void> {
    held.delete(name)
    await leases.release(name, holder).catch(() => undefined)
  }
  async function renew(): Promise<void> {
    for (const [name, lease] of held) {
      const asked = performance.now()
      if (asked - lease.renewedAt < RENEW_MS) continue
      const answer = await leases.acquire(name, holder, LEASE_MS).catch(() => 'unknown' as const)
      // Another token means that somebody else had it in between.
      if (answer !== 'unknown' && answer?.token !== lease.token) held.delete(name)
      else if (answer !== 'unknown') lease.renewedAt = asked
      if (performance.now() - lease.renewedAt > LEASE_MS - RENEW_MS) held.delete(name)
    }
  }
  async function taken(names: readonly string[]): Promise<Set<string>> {
    const found = new Set<string>()
    if (names.length === 0) return found
    const now = await db.system.clock()
    for (let at = 0; at < names.length; at += READ_AT_ONCE) {
      const rows = await db.system.find('lease', { where: { name: { in: names.slice(at, at + READ_AT_ONCE) } } })
      for (const { name, expiresAt } of rows) if (expiresAt.getTime() > now) found.add(name)
    }
    return found
  }
  async function take(slot: Slot): Promise<void> {
    const name = nameOf(slot)
    const asked = performance.now()
    const lease = await leases.acquire(name, holder, LEASE_MS)
    if (lease) held.set(name, { ...slot, token: lease.token, renewedAt: asked })
  }

  return {
    async hold(wanted) {
      if (wanted.length === 0 && held.size === 0) return []
      started ??= db.start().catch((error: unknown) => {
        started = undefined
        throw error
      })
      await started
      const names = new Map(wanted.map((slot) => [nameOf(slot), slot]))
      for (const name of held.keys()) if (!names.has(name)) await release(name)
      await renew()
      const others = [...names].filter(([name]) => !held.has(name))
      const busy = await taken(others.map(([name]) => name))
      const now = performance.now()
      for (const [name, slot] of others) {
        if (busy.has(name)) {
          freeSince.delete(name)
          continue
        }
        const since = freeSince.get(name) ?? now
        freeSince.set(name, since)
        const hasOne = [...held.values()].some(({ connectionId }) => connectionId === slot.connectionId)
        if (!hasOne || now - since >= SPARE_MS) await take(slot)
      }
      for (const name of freeSince.keys()) if (!names.has(name)) freeSince.delete(name)
      return [...held.values()].map(({ connectionId, slot }) => ({ connectionId, slot }))
    },
    async spare(connectionId) {
      const mine = [...held].filter(([, slot]) => slot.connectionId === connectionId)
      if (mine.length < 2) return
      const [name] = mine.reduce((last, next) => (next[1].slot > last[1].slot ? next : last))
      freeSince.set(name, performance.now())
      await release(name)
    },
    async stop() {
      for (const name of held.keys()) await release(name)
      if (started) await started.then(() => db.stop()).catch(() => undefined)
    },
  }
}
