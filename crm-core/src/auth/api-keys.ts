import {
  newId,
  ProblemError,
  type ApiKeyCreate,
  type Caller,
  type CallerOrigin,
  type Row,
} from '../../contracts/index.ts'
import { connectionUsername } from '../assets/connections.ts'
import { registryConnection } from '../assets/registry-facts.ts'
import { isSystem } from '../database/policy.ts'
import type { CrmDeps } from '../deps.ts'
import { apiKeyCaller, narrowCaller, scopePermissions, tenantOf } from '../rights/callers.ts'
import { createCallerCache } from './caller-cache.ts'
import type { Revocations } from './revocation.ts'
import { hashToken, randomToken } from './tokens.ts'

export const API_KEY_PREFIX = 'helio_'

export function createApiKeys({ db, now }: CrmDeps, revocations: Revocations) {
  const cache = createCallerCache(revocations, now)

  /**
   * Makes a key; `key` is told once. With the scope `ingest` it owns a connection of its own, which its readings come in by.
   * @throws ProblemError `forbidden` where the key could do what its maker may not
   */
  async function create(caller: Caller, input: ApiKeyCreate): Promise<{ row: Row<'apiKey'>; key: string }> {
    const narrow = narrowCaller(caller, 'apiKey:write')
    const tenantId = tenantOf(caller)
    const wanted = scopePermissions(input.scopes)
    // A key reaches the whole tenant; only who reaches it too may make one. Sending readings is no right over data.
    const lacks = [...wanted].filter(
      (permission) => permission !== 'ingest:write' && !narrow.permissions.has(permission),
    )
    if (!isSystem(caller) && (narrow.siteScope !== 'tenant' || lacks.length > 0))
      throw new ProblemError('forbidden', 'A key cannot do more than its maker')
    if (input.expiresAt !== undefined && input.expiresAt.getTime() <= now())
      throw new ProblemError('invalid_fields', undefined, {
        errors: [{ path: 'expiresAt', message: 'is in the past' }],
      })
    const key = `${API_KEY_PREFIX}${randomToken()}`
    const row = await db.as(narrow).transaction(async (tx) => {
      let connectionId: string | null = null
      if (input.scopes.includes('ingest')) {
        const connection = await tx.create('connection', {
          name: input.name,
          transport: 'http',
          vendor: 'native',
          enabled: true,
          username: connectionUsername(),
        })
        connectionId = connection.id
        tx.emit({ type: 'connection.upserted', connection: registryConnection(connection, undefined) })
      }
      return await tx.create('apiKey', {
        id: newId(now()),
        tenantId,
        name: input.name,
        hint: key.slice(0, API_KEY_PREFIX.length + 4),
        tokenHash: hashToken(key),
        scopes: [...new Set(input.scopes)],
        connectionId,
        createdById: caller.id,
        expiresAt: input.expiresAt ?? null,
      })
    })
    return { row, key }
  }

  /** Ends a key at once, and the connection it owns. */
  async function revoke(caller: Caller, id: string): Promise<void> {
    await db.as(narrowCaller(caller, 'apiKey:write')).transaction(async (tx) => {
      const key = await tx.get('apiKey', id)
      await tx.update('apiKey', id, { revokedAt: new Date(now()) })
      tx.emit({ type: 'rights.changed', userIds: [id] })
      if (key.connectionId === null) return
      const connection = await tx.update('connection', key.connectionId, { enabled: false, revokedAt: new Date(now()) })
      tx.emit({ type: 'connection.upserted', connection: registryConnection(connection, undefined) })
      tx.emit({ type: 'connection.revoked', connectionId: connection.id as never })
    })
    revocations.revoke({ callerIds: [id] })
  }

  /** Who a key belongs to; undefined for one that is unknown, expired or revoked. */
  async function check(key: string, origin?: CallerOrigin): Promise<Caller | undefined> {
    if (!key.startsWith(API_KEY_PREFIX) || key.length > 100) return undefined
    const tokenHash = hashToken(key)
    const caller = await cache.resolve(tokenHash, async () => {
      const row = await db.system.first('apiKey', { tokenHash, revokedAt: null })
      const expiresAt = row?.expiresAt?.getTime() ?? Infinity
      if (row === undefined || expiresAt <= now()) return undefined
      const tenant = await db.system.first('tenant', { id: row.tenantId })
      return tenant?.status === 'active' ? { caller: apiKeyCaller(row), expiresAt } : undefined
    })
    return caller === undefined || origin === undefined ? caller : { ...caller, origin }
  }

  return { create, revoke, check }
}
