import type { CrmDatabase } from '../../contracts/index.ts'

export interface Lease {
  name: string
  /** Grows with every change of holder: a store that keeps the last token can refuse who was too slow. */
  token: number
  /** By the database's clock. */
  expiresAt: number
}

/**
 * What must run once, among several processes. In the database, since a lost cache must not make two of them, and by its clock: a
 * machine whose own is an hour ahead would else take what others hold, and one that is behind would wait for it.
 */
export function createLeases({ db }: { db: CrmDatabase }) {
  return {
    /** Takes or renews a lease; undefined while another one holds it. */
    async acquire(name: string, holder: string, ttlMs: number): Promise<Lease | undefined> {
      return await db.system.transaction(async (tx) => {
        const at = await tx.clock()
        const expiresAt = new Date(at + ttlMs)
        const held = await tx.first('lease', { name })
        if (held === undefined) {
          await tx.create('lease', { name, holder, token: 1, expiresAt })
          return { name, token: 1, expiresAt: expiresAt.getTime() }
        }
        const mine = held.holder === holder && held.expiresAt.getTime() > at
        if (!mine && held.expiresAt.getTime() > at) return undefined
        const token = mine ? held.token : held.token + 1
        await tx.updateWhere('lease', { name, token: held.token }, { holder, token, expiresAt })
        return { name, token, expiresAt: expiresAt.getTime() }
      })
    },
    async release(name: string, holder: string): Promise<void> {
      await db.system.transaction((tx) => tx.updateWhere('lease', { name, holder }, { expiresAt: new Date(0) }))
    },
    /** Whether a token is still the newest and in time: asked right before an act that must not happen twice. */
    async holds(lease: Pick<Lease, 'name' | 'token'>): Promise<boolean> {
      const held = await db.system.first('lease', { name: lease.name })
      return held?.token === lease.token && held.expiresAt.getTime() > (await db.system.clock())
    },
  }
}
