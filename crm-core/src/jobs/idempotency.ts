import { createHash } from 'node:crypto'
import { ProblemError, type Caller, type CrmDatabase } from '../../contracts/index.ts'
import { INSTANCE_TENANT } from '../database/writes.ts'

const KEPT_MS = 24 * 3_600_000
/** A first request that has said nothing for so long has died; the next one may try. */
const ABANDONED_MS = 60_000

export type IdempotencyStart =
  | { state: 'new'; id: string }
  /** The answer that was given before. */
  | { state: 'done'; id: string; status: number; response: string | null }

/** `Idempotency-Key`: a request that is sent again is answered as before and done once. Keys are the caller's own. */
export function createIdempotency({ db, now }: { db: CrmDatabase; now: () => number }) {
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

  return {
    /**
     * @param request what makes the request the same one: method, path and body
     * @throws ProblemError `idempotency_mismatch` where the key was used for another request, `conflict` while the first runs
     */
    async begin(caller: Caller, key: string, request: string): Promise<IdempotencyStart> {
      const tenantId = caller.tenantId ?? INSTANCE_TENANT
      const id = sha256(JSON.stringify([caller.kind, caller.id, tenantId, key]))
      const requestHash = sha256(request)
      return await db.system.transaction(async (tx) => {
        const at = now()
        const known = await tx.first('idempotencyKey', { id })
        const abandoned = known?.status === 0 && at - known.createdAt.getTime() > ABANDONED_MS
        if (known !== undefined && known.expiresAt.getTime() > at && !abandoned) {
          if (known.requestHash !== requestHash) throw new ProblemError('idempotency_mismatch')
          if (known.status === 0) throw new ProblemError('conflict', 'The first request with this key is still running')
          return { state: 'done', id, status: known.status, response: known.response }
        }
        if (known !== undefined) await tx.removeWhere('idempotencyKey', { id })
        await tx.create('idempotencyKey', { id, tenantId, requestHash, status: 0, expiresAt: new Date(at + KEPT_MS) })
        return { state: 'new', id }
      })
    },
    /** Keeps the answer. */
    async finish(id: string, status: number, response: string | null): Promise<void> {
      await db.system.transaction((tx) => tx.updateWhere('idempotencyKey', { id }, { status, response }))
    },
    /** Lets the key be used again: the request failed on our side and did nothing. */
    async abandon(id: string): Promise<void> {
      await db.system.transaction((tx) => tx.removeWhere('idempotencyKey', { id, status: 0 }))
    },
    /** Removes keys past their time. For a job, once an hour. */
    sweep: (): Promise<number> =>
      db.system.transaction((tx) => tx.removeWhere('idempotencyKey', { expiresAt: { lt: new Date(now()) } })),
  }
}
