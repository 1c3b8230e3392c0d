import { createHash } from 'node:crypto'
import type { ApiKeyAccess, ConnectionAccess, CrmReader } from '@heliograph/crm-core/contracts'
import { createShortMemory } from '../http/short-memory.ts'

/** A revoked credential is good for at most this long after its revocation is committed. */
export const CREDENTIAL_TTL_MS = 1_000

export interface EdgeCredentials {
  /** The key's owner, or undefined for a key that is unknown, expired or revoked. */
  apiKey(key: string): Promise<ApiKeyAccess | undefined>
  connection(id: string): Promise<ConnectionAccess | undefined>
}

/** Credential checks of the HTTP edge, remembered for a second so that a busy sender does not cost a query per message. */
export function createEdgeCredentials(reader: CrmReader, now: () => number): EdgeCredentials {
  const keys = createShortMemory<ApiKeyAccess>(now, CREDENTIAL_TTL_MS)
  const connections = createShortMemory<ConnectionAccess>(now, CREDENTIAL_TTL_MS)
  return {
    apiKey: (key) => {
      const hash = createHash('sha256').update(key).digest('hex')
      return keys(hash, () => reader.apiKeyByHash(hash, now()))
    },
    connection: (id) => connections(id, () => reader.connectionById(id, now())),
  }
}
