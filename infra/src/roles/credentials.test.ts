import { createHash } from 'node:crypto'
import type { ConnectionAccess, TenantId } from '@heliograph/crm-core/contracts'
import { beforeEach, describe, expect, it } from 'vitest'
import { createCredentials } from './credentials.ts'

const access = (secrets: Record<string, number | null>): ConnectionAccess => ({
  connectionId: 'c1',
  tenantId: 't1' as TenantId,
  name: 'roof',
  vendor: 'native',
  transport: 'mqtt',
  siteId: null,
  enabled: true,
  username: 'roof',
  scheme: null,
  headerName: null,
  credentials: Object.entries(secrets).map(([secret, validTo]) => ({
    id: `id of ${secret}`,
    secretHash: createHash('sha256').update(secret).digest('hex'),
    secretCipher: null,
    validTo,
  })),
})

describe('credentials at the MQTT edge', () => {
  let now: number
  let looks: number
  let stored: ConnectionAccess | undefined
  let failing: boolean
  let verify: ReturnType<typeof createCredentials>['verify']
  beforeEach(() => {
    ;[now, looks, stored, failing] = [1_000_000, 0, access({ old: null }), false]
    ;({ verify } = createCredentials(
      {
        connectionByUsername() {
          looks++
          return failing ? Promise.reject(new Error('locked')) : Promise.resolve(stored)
        },
      },
      { now: () => now },
    ))
  })

  it('lets a crowd in by one look, and looks again after a quarter of a second', async () => {
    const crowd = await Promise.all(Array.from({ length: 500 }, () => verify('roof', 'old')))
    expect(new Set(crowd.map((who) => who?.credentialId))).toEqual(new Set(['id of old']))
    expect(looks).toBe(1)
    now += 250
    stored = undefined
    expect(await verify('roof', 'old')).toBeUndefined()
    expect(looks).toBe(2)
  })

  it('knows a secret that was made after the look', async () => {
    await verify('roof', 'old')
    stored = access({ old: now + 100, new: null })
    expect((await verify('roof', 'new'))?.credentialId).toBe('id of new')
  })

  it('refuses a secret whose overlap ended after the look', async () => {
    stored = access({ old: now + 100, new: null })
    expect(await verify('roof', 'old')).toBeDefined()
    now += 101
    expect(await verify('roof', 'old')).toBeUndefined()
    expect((await verify('roof', 'new'))?.credentialId).toBe('id of new')
  })

  it('refuses wrong secrets, unknown names and connections that are off', async () => {
    expect(await verify('roof', 'wrong')).toBeUndefined()
    stored = { ...stored!, enabled: false }
    now += 250
    expect(await verify('roof', 'old')).toBeUndefined()
    stored = undefined
    expect(await verify('nobody', 'old')).toBeUndefined()
  })

  it('judges nobody while the database fails, and looks again at once', async () => {
    failing = true
    await expect(verify('roof', 'old')).rejects.toThrow('locked')
    failing = false
    expect(await verify('roof', 'old')).toBeDefined()
  })
})
