import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashToken, systemCaller } from '@heliograph/crm-core'
import type { Caller } from '@heliograph/crm-core/contracts'
import { problemOf } from './crm-database.conformance.ts'
import { openCrmReader } from './index.ts'
import { openTestCrm, TEST_PASSWORD, type TestCrm } from './open-for-test.ts'

const MINUTE = 60_000
const DAY = 86_400_000

describe('sign-in', { timeout: 60_000 }, () => {
  let test: TestCrm
  let people = 0
  beforeAll(async () => {
    test = await openTestCrm()
  })
  afterAll(() => test.stop())

  const signIn = (email: string, password = TEST_PASSWORD, address = '192.0.2.9') =>
    test.crm.auth.login({ email, password }, { address, userAgent: 'test' })
  async function person(admin: Caller): Promise<string> {
    const email = `person${++people}@helio.test`
    await test.crm.users.create(admin, { email, name: 'P', password: TEST_PASSWORD, roles: [{ role: 'support' }] })
    return email
  }

  it('gives a session whose token is stored as a hash alone', async () => {
    const { email, tenantId } = await test.tenant()
    const { token, caller } = await signIn(` ${email.toUpperCase()} `)
    expect(await test.crm.auth.check(token)).toMatchObject({ kind: 'user', id: caller.id, tenantId })
    expect(await test.crm.auth.check(`${token.slice(1)}x`)).toBeUndefined()
    const [session] = await test.db.system.find('session', {
      where: { userId: caller.id },
      orderBy: [['createdAt', 'desc']],
    })
    expect(session!.tokenHash).toBe(hashToken(token))
    expect(JSON.stringify(await test.db.system.all('audit'))).not.toContain(token)
    expect(await test.crm.auth.me(caller)).toMatchObject({
      roles: ['admin'],
      tenant: { id: tenantId },
      user: { email },
    })
  })

  it('answers the same for unknown people, wrong passwords and disabled people, and writes it down', async () => {
    const { admin, tenantId } = await test.tenant()
    const email = await person(admin)
    expect(await problemOf(signIn('nobody@helio.test'))).toBe('wrong_credentials')
    expect(await problemOf(signIn(email, 'wrong password'))).toBe('wrong_credentials')
    const user = (await test.db.as(admin).first('user', { email }))!
    await test.crm.users.update(admin, user.id, { status: 'disabled' })
    expect(await problemOf(signIn(email))).toBe('wrong_credentials')
    const denied = await test.db.systemIn(tenantId, 'test').find('audit', { where: { action: 'denied:login' } })
    expect(denied.map(({ resourceId }) => resourceId)).toContain(user.id)
  })

  it('stops guessing at an account, and opens again by itself', async () => {
    const { admin } = await test.tenant()
    const email = await person(admin)
    for (let at = 0; at < 10; at++)
      expect(await problemOf(signIn(email, 'wrong', `198.51.100.${at}`))).toBe('wrong_credentials')
    expect(await problemOf(signIn(email, TEST_PASSWORD, '203.0.113.1'))).toBe('rate_limited')
    test.clock.now += 16 * MINUTE
    expect(await problemOf(signIn(email, TEST_PASSWORD, '203.0.113.1'))).toBe('none')
  })

  it('stops guessing from an address, over many accounts', async () => {
    for (let at = 0; at < 50; at++) await problemOf(signIn(`guess${at}@helio.test`, 'x', '198.51.100.99'))
    expect(await problemOf(signIn('guess-more@helio.test', 'x', '198.51.100.99'))).toBe('rate_limited')
    expect(await problemOf(signIn('guess-more@helio.test', 'x', '198.51.100.98'))).toBe('wrong_credentials')
  })

  it('ends sessions at once: on sign-out, from the list, with a changed password, with a disabled account', async () => {
    const { admin } = await test.tenant()
    const email = await person(admin)
    const revoked: string[] = []
    const stop = test.crm.auth.onRevoked(({ sessionIds = [], callerIds = [] }) =>
      revoked.push(...sessionIds, ...callerIds),
    )
    const [a, b, c, d] = [await signIn(email), await signIn(email), await signIn(email), await signIn(email)]
    const alive = async () =>
      await Promise.all([a, b, c, d].map(async ({ token }) => (await test.crm.auth.check(token)) !== undefined))
    expect(await alive()).toEqual([true, true, true, true])
    await test.crm.auth.logout(a.token)
    expect(await alive()).toEqual([false, true, true, true])
    expect((await test.crm.auth.sessions(b.caller)).length).toBe(3)
    await test.crm.auth.endSession(b.caller, c.caller.sessionId!)
    expect(await problemOf(test.crm.auth.endSession(b.caller, admin.sessionId!))).toBe('not_found')
    expect(await alive()).toEqual([false, true, false, true])
    const change = { current: 'wrong', new: 'another good password' }
    expect(await problemOf(test.crm.auth.changePassword(b.caller, change))).toBe('wrong_credentials')
    await test.crm.auth.changePassword(b.caller, { ...change, current: TEST_PASSWORD })
    expect(await alive()).toEqual([false, true, false, false])
    expect(await problemOf(signIn(email))).toBe('wrong_credentials')
    expect(await problemOf(signIn(email, change.new))).toBe('none')
    await test.crm.users.update(admin, b.caller.id, { status: 'disabled' })
    expect(await alive()).toEqual([false, false, false, false])
    for (const { caller } of [a, c, d]) expect(revoked).toContain(caller.sessionId)
    expect(revoked).toContain(b.caller.id)
    stop()
  })

  it('ends sessions that rest too long, and changes rights of running ones at once', async () => {
    const { admin } = await test.tenant()
    const email = await person(admin)
    const { token, caller } = await signIn(email)
    for (let day = 0; day < 5; day++) {
      test.clock.now += 13 * DAY
      expect(await test.crm.auth.check(token)).toBeDefined()
    }
    await test.crm.users.update(admin, caller.id, { roles: [{ role: 'analyst' }] })
    const now = await test.crm.auth.check(token)
    expect([now!.permissions.has('device:write'), now!.permissions.has('telemetry:export')]).toEqual([false, true])
    test.clock.now += 15 * DAY
    expect(await test.crm.auth.check(token)).toBeUndefined()
    expect(await test.crm.auth.sweep()).toBeGreaterThan(0)
  })

  it('resets a password by a link that works once, and tells nobody who has an account', async () => {
    const { admin } = await test.tenant()
    const email = await person(admin)
    const before = await signIn(email)
    await test.crm.auth.requestReset({ email: 'nobody@helio.test' })
    await test.crm.auth.requestReset({ email })
    const [mail] = await test.db.system.find('notification', { where: { recipient: email } })
    expect(mail).toMatchObject({ channel: 'mail', state: 'queued', confidential: true })
    const token = /token=(\S+)/.exec(mail!.text)![1]!
    // The tenant's administrator sees that there was a mail, not the link in it.
    const shown = await test.db.as(admin).get('notification', mail!.id)
    expect(shown.text).toBe('')
    const attempts = await Promise.all(
      [1, 2].map(() => problemOf(test.crm.auth.reset({ token, new: 'fresh and long enough' }))),
    )
    expect(attempts.sort()).toEqual(['none', 'wrong_code'])
    expect(await test.crm.auth.check(before.token)).toBeUndefined()
    expect(await problemOf(signIn(email, 'fresh and long enough'))).toBe('none')
    await test.crm.auth.requestReset({ email })
    const mails = await test.db.system.find('notification', {
      where: { recipient: email },
      orderBy: [['createdAt', 'asc']],
    })
    const late = /token=(\S+)/.exec(mails.at(-1)!.text)![1]!
    test.clock.now += 61 * MINUTE
    expect(await problemOf(test.crm.auth.reset({ token: late, new: 'fresh and long enough' }))).toBe('wrong_code')
  })

  it('makes keys that do what their scopes say until they are revoked', async () => {
    const { admin, tenantId } = await test.tenant()
    const { row, key } = await test.crm.apiKeys.create(admin, { name: 'ci', scopes: ['ingest', 'read'] })
    expect(key).toMatch(/^helio_[\w-]{43}$/)
    const caller = (await test.crm.apiKeys.check(key))!
    expect(caller).toMatchObject({ kind: 'apiKey', id: row.id, tenantId, siteScope: 'tenant' })
    const can = (permission: Parameters<typeof caller.permissions.has>[0]) => caller.permissions.has(permission)
    expect([can('ingest:write'), can('site:read'), can('site:write'), can('user:read')]).toEqual([
      true,
      true,
      false,
      false,
    ])
    const reader = await openCrmReader({ url: test.url })
    expect(await reader.apiKeyByHash(hashToken(key), test.clock.now)).toMatchObject({
      keyId: row.id,
      connectionId: row.connectionId,
    })
    expect(await test.db.as(admin).get('connection', row.connectionId!)).toMatchObject({
      transport: 'http',
      vendor: 'native',
    })
    await test.events()
    await test.crm.apiKeys.revoke(admin, row.id)
    expect((await test.events()).map(({ type }) => type)).toEqual([
      'rights.changed',
      'connection.upserted',
      'connection.revoked',
    ])
    expect(await test.crm.apiKeys.check(key)).toBeUndefined()
    expect(await reader.apiKeyByHash(hashToken(key), test.clock.now)).toBeUndefined()
    const short = await test.crm.apiKeys.create(admin, {
      name: 's',
      scopes: ['read'],
      expiresAt: new Date(test.clock.now + MINUTE),
    })
    expect(await test.crm.apiKeys.check(short.key)).toBeDefined()
    test.clock.now += 2 * MINUTE
    expect(await test.crm.apiKeys.check(short.key)).toBeUndefined()
    await reader.stop()
  })

  it('gives no key more than its maker has', async () => {
    const { admin } = await test.tenant()
    const email = await person(admin)
    const { caller } = await signIn(email)
    expect(await problemOf(test.crm.apiKeys.create(caller, { name: 'x', scopes: ['read'] }))).toBe('forbidden')
    const { key } = await test.crm.apiKeys.create(admin, { name: 'x', scopes: ['admin'] })
    const byKey = (await test.crm.apiKeys.check(key))!
    expect(await problemOf(test.crm.apiKeys.create(byKey, { name: 'y', scopes: ['write'] }))).toBe('none')
  })

  it('refuses everybody of a suspended tenant', async () => {
    const { admin, email, tenantId } = await test.tenant()
    const { token } = await signIn(email)
    const { key } = await test.crm.apiKeys.create(admin, { name: 'x', scopes: ['read', 'ingest'] })
    expect(await problemOf(test.crm.tenants.update(admin, tenantId, { status: 'suspended' }))).toBe('forbidden')
    await test.crm.tenants.update(systemCaller('test'), tenantId, { status: 'suspended' })
    expect(await test.crm.auth.check(token)).toBeUndefined()
    expect(await test.crm.apiKeys.check(key)).toBeUndefined()
    expect(await problemOf(signIn(email))).toBe('wrong_credentials')
  })

  it('makes the platform’s operator once', async () => {
    const input = { email: 'root@helio.test', password: TEST_PASSWORD }
    const first = await test.crm.tenants.ensureAdmin(input)
    expect(await test.crm.tenants.ensureAdmin({ ...input, password: 'something else' })).toEqual({
      ...first,
      created: false,
    })
    const { caller } = await signIn(input.email)
    expect(caller.permissions.has('platform:operate')).toBe(true)
    // Every tenant, and nothing inside another one.
    const tenants = await test.db.as(caller).count('tenant')
    expect(tenants).toBe(await test.db.system.count('tenant'))
    expect(await test.db.as(caller).count('user')).toBe(1)
  })
})
