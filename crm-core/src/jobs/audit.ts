import type { Row, TenantId } from '../../contracts/index.ts'
import { verifyAuditChain, type AuditHead, type AuditVerdict } from '../database/audit-chain.ts'
import type { CrmDeps } from '../deps.ts'

const BATCH = 1_000

export function createAudit({ db }: CrmDeps) {
  async function* entries(tenantId: string): AsyncIterable<Row<'audit'>[]> {
    for (let after = 0; ;) {
      const batch = await db.system.find('audit', {
        where: { tenantId, seq: { gt: after } },
        orderBy: [['seq', 'asc']],
        limit: BATCH,
      })
      if (batch.length > 0) yield batch
      if (batch.length < BATCH) return
      after = batch.at(-1)!.seq
    }
  }

  return {
    /**
     * Recomputes a tenant's chain.
     * @param anchor a head that was written down elsewhere: without one, entries taken off the end go unseen
     */
    verify: (tenantId: string, anchor?: AuditHead): Promise<AuditVerdict> =>
      verifyAuditChain(entries(tenantId), anchor),

    /** The chain's end, to anchor on the log. */
    async head(tenantId: string): Promise<AuditHead | undefined> {
      const [head] = await db.system.find('audit', { where: { tenantId }, orderBy: [['seq', 'desc']], limit: 1 })
      return head === undefined ? undefined : { seq: head.seq, hash: head.hash }
    },

    /** Takes away what the trail tells of one record (a person that wants to be forgotten); the chain still holds. */
    erase: (tenantId: TenantId, resource: string, resourceId: string): Promise<number> =>
      db
        .systemIn(tenantId, 'audit')
        .transaction((tx) => tx.updateWhere('audit', { resource, resourceId }, { details: null, salt: null })),
  }
}
