/**
 * The audit trail's chain. Each entry's `hash` covers its place, who, what and the hash before, plus `digest`, which covers
 * the details (names, values, addresses) under a random salt of the entry. Erasing a person takes details and salt away: what
 * is left proves that the entry stood there unchanged, and a short value can no longer be guessed from its digest.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Row } from '../../contracts/index.ts'

export const GENESIS_HASH = '0'.repeat(64)

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const digestOf = (salt: string, details: string): string => sha256(`${salt}\n${details}`)

export type AuditHead = Pick<Row<'audit'>, 'seq' | 'hash'>
export type AuditContent = Pick<
  Row<'audit'>,
  'id' | 'tenantId' | 'at' | 'actorKind' | 'actorId' | 'action' | 'resource' | 'resourceId'
> & { details: string }

function hashOf(entry: Omit<Row<'audit'>, 'hash' | 'details' | 'salt'>): string {
  // A list, so that no value can run into its neighbour.
  return sha256(
    JSON.stringify([
      entry.prevHash,
      entry.tenantId,
      entry.seq,
      entry.id,
      entry.at.getTime(),
      entry.actorKind,
      entry.actorId,
      entry.action,
      entry.resource,
      entry.resourceId,
      entry.digest,
    ]),
  )
}

/** The next entry behind a head; `undefined` begins the chain. */
export function chained(head: AuditHead | undefined, content: AuditContent): Row<'audit'> {
  const salt = randomBytes(16).toString('hex')
  const entry = {
    ...content,
    seq: (head?.seq ?? 0) + 1,
    salt,
    digest: digestOf(salt, content.details),
    prevHash: head?.hash ?? GENESIS_HASH,
  }
  return { ...entry, hash: hashOf(entry) }
}

export interface AuditVerdict {
  ok: boolean
  /** Entries that hold. */
  entries: number
  /** Entries whose details were erased, among them. */
  erased: number
  head: AuditHead | undefined
  /** First place that does not hold, and why. */
  broken?: { seq: number; reason: 'missing' | 'changed' | 'details_changed' | 'cut_off' }
}

/**
 * Recomputes a tenant's chain from its entries in order of `seq`, given in batches.
 * @param anchor a head known from elsewhere (the log): shows entries taken off the end
 */
export async function verifyAuditChain(
  batches: AsyncIterable<readonly Row<'audit'>[]>,
  anchor?: AuditHead,
): Promise<AuditVerdict> {
  const verdict: AuditVerdict = { ok: true, entries: 0, erased: 0, head: undefined }
  const fail = (seq: number, reason: NonNullable<AuditVerdict['broken']>['reason']): AuditVerdict => ({
    ...verdict,
    ok: false,
    broken: { seq, reason },
  })
  for await (const batch of batches) {
    for (const entry of batch) {
      const expected = (verdict.head?.seq ?? 0) + 1
      if (entry.seq !== expected) return fail(expected, 'missing')
      if (entry.prevHash !== (verdict.head?.hash ?? GENESIS_HASH) || entry.hash !== hashOf(entry))
        return fail(entry.seq, 'changed')
      if (anchor?.seq === entry.seq && anchor.hash !== entry.hash) return fail(entry.seq, 'changed')
      if (entry.details === null || entry.salt === null) {
        // Only both together are an erasure.
        if (entry.details !== null || entry.salt !== null) return fail(entry.seq, 'details_changed')
        verdict.erased++
      } else if (entry.digest !== digestOf(entry.salt, entry.details)) return fail(entry.seq, 'details_changed')
      verdict.entries++
      verdict.head = { seq: entry.seq, hash: entry.hash }
    }
  }
  if (anchor !== undefined && anchor.seq > verdict.entries) return fail(verdict.entries + 1, 'cut_off')
  return verdict
}
