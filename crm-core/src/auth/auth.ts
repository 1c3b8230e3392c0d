import {
  newId,
  ProblemError,
  type Caller,
  type CallerOrigin,
  type Login,
  type Me,
  type Row,
  type ScopedDb,
  type TenantId,
  type WriteTx,
} from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { elevated, readUserRights, type UserRights } from '../rights/callers.ts'
import { createCallerCache } from './caller-cache.ts'
import { createFailureLimits } from './failure-limits.ts'
import { hashPassword, verifyPassword } from './passwords.ts'
import { createPasswordResets } from './password-reset.ts'
import type { Revocation, Revocations } from './revocation.ts'
import { hashToken, randomToken } from './tokens.ts'

const DAY_MS = 86_400_000
/** A session ends after this long without use, and after 90 days in any case. */
const IDLE_MS = 14 * DAY_MS
const ABSOLUTE_MS = 90 * DAY_MS
/** How often the use of a session is written down. */
const TOUCH_MS = 5 * 60_000
const SESSIONS_PER_USER = 50

export interface AuthLimits {
  /** Failed sign-ins in 15 minutes for one account, and from one address. Defaults 10 and 50. */
  failuresPerAccount?: number
  failuresPerAddress?: number
}

export type Auth = ReturnType<typeof createAuth>

/** Sign-in with password, sessions, password change and reset. MFA and OIDC add a step before `openSession`. */
export function createAuth(deps: CrmDeps, revocations: Revocations, limits: AuthLimits = {}) {
  const { db, now } = deps
  const { failuresPerAccount = 10, failuresPerAddress = 50 } = limits
  const cache = createCallerCache(revocations, now)
  const failures = createFailureLimits({
    max: (key) => (key.startsWith('account:') ? failuresPerAccount : failuresPerAddress),
    windowMs: 15 * 60_000,
    now,
    ...(deps.signInPeers && { peers: deps.signInPeers }),
  })
  const touched = new Map<string, number>()

  /**
   * @throws ProblemError `wrong_credentials`, `rate_limited`; the same answer for an unknown account, a wrong password, a
   * disabled person and a suspended tenant
   */
  async function login(input: Login, origin: CallerOrigin = {}) {
    const email = input.email.trim().toLowerCase()
    const account = `account:${hashToken(email)}`
    const address = `address:${origin.address ?? ''}`
    const keys = [account, address]
    failures.check(keys)
    // Counted before the slow check, so that many tries at once do not all slip through.
    failures.fail(keys)
    const user = await db.system.first('user', { email })
    const matches = await verifyPassword(user?.passwordHash, input.password)
    const rights = matches && user !== undefined ? await readUserRights(db.system, user.id) : undefined
    if (rights === undefined) {
      await db.denied(undefined, {
        action: 'login',
        resource: 'user',
        ...(user === undefined ? {} : { resourceId: user.id, tenantId: user.tenantId as TenantId }),
        details: { address: origin.address, userAgent: origin.userAgent },
      })
      throw new ProblemError('wrong_credentials')
    }
    failures.succeed([account])
    failures.takeBack([address])
    return await openSession(rights, origin)
  }

  /** A session for a person who has proven who it is. The token is told once and stored as its hash. */
  async function openSession(rights: UserRights, origin: CallerOrigin) {
    const token = randomToken()
    const at = now()
    const expiresAt = new Date(at + IDLE_MS)
    const { user } = rights
    const caller: Caller = { ...rights.caller, sessionId: newId(at), origin }
    await db.as(elevated(caller, 'auth')).transaction(async (tx) => {
      const others = await tx.find('session', { where: { userId: user.id }, orderBy: [['lastSeenAt', 'asc']] })
      for (const old of others.slice(0, Math.max(0, others.length + 1 - SESSIONS_PER_USER)))
        await tx.removeWhere('session', { id: old.id })
      await tx.create('session', {
        id: caller.sessionId!,
        userId: user.id,
        tokenHash: hashToken(token),
        address: origin.address?.slice(0, 64) ?? null,
        userAgent: origin.userAgent?.slice(0, 300) ?? null,
        lastSeenAt: new Date(at),
        expiresAt,
      })
      await tx.update('user', user.id, { lastLoginAt: new Date(at) })
      tx.audit({ action: 'login', resource: 'user', resourceId: user.id })
    })
    return { token, expiresAt, caller, user, tenant: rights.tenant, roles: rights.roles.map(({ name }) => name) }
  }

  /** Who a session's token belongs to, with rights as they are now; undefined where it is not, or no longer, good. */
  async function check(token: string, origin?: CallerOrigin): Promise<Caller | undefined> {
    const tokenHash = hashToken(token)
    const caller = await cache.resolve(tokenHash, async () => {
      const session = await db.system.first('session', { tokenHash })
      if (session === undefined || session.expiresAt.getTime() <= now()) return undefined
      const rights = await readUserRights(db.system, session.userId)
      if (rights === undefined) return undefined
      await touch(session)
      return { caller: { ...rights.caller, sessionId: session.id }, expiresAt: session.expiresAt.getTime() }
    })
    return caller === undefined || origin === undefined ? caller : { ...caller, origin }
  }

  async function touch(session: Row<'session'>): Promise<void> {
    const at = now()
    const last = Math.max(session.lastSeenAt.getTime(), touched.get(session.id) ?? 0)
    if (at - last < TOUCH_MS) return
    touched.set(session.id, at)
    if (touched.size > 20_000) touched.delete(touched.keys().next().value!)
    const expiresAt = new Date(Math.min(at + IDLE_MS, session.createdAt.getTime() + ABSOLUTE_MS))
    await db.system.transaction((tx) =>
      tx.updateWhere('session', { id: session.id }, { lastSeenAt: new Date(at), expiresAt }),
    )
  }

  async function logout(token: string): Promise<void> {
    const session = await db.system.first('session', { tokenHash: hashToken(token) })
    if (session !== undefined) await end(session.tenantId as TenantId, [session])
  }

  /** The caller's own sessions, newest use first. */
  const sessions = (caller: Caller) =>
    db.as(caller).find('session', { where: { expiresAt: { gt: new Date(now()) } }, orderBy: [['lastSeenAt', 'desc']] })

  /** @throws ProblemError `not_found` for a session that is not the caller's own */
  async function endSession(caller: Caller, id: string): Promise<void> {
    await end(caller.tenantId!, [await db.as(caller).get('session', id)])
  }

  async function end(tenantId: TenantId, ended: { id: string; userId: string }[]): Promise<void> {
    if (ended.length === 0) return
    await db.systemIn(tenantId, 'auth').transaction(async (tx) => {
      await endIn(tx, ended)
    })
    revocations.revoke({ sessionIds: ended.map(({ id }) => id) })
  }
  async function endIn(tx: WriteTx, ended: { id: string; userId: string }[]): Promise<void> {
    await tx.removeWhere('session', { id: { in: ended.map(({ id }) => id) } })
    for (const { id, userId } of ended)
      tx.audit({ action: 'logout', resource: 'user', resourceId: userId, details: { session: id } })
    tx.emit({ type: 'rights.changed', userIds: [], sessionIds: ended.map(({ id }) => id) })
  }

  /** Sets a new password and ends every session but the one given. Ends a waiting reset too. */
  async function setPassword(
    as: ScopedDb,
    userId: string,
    password: string,
    keepSession?: string,
    more?: (tx: WriteTx) => Promise<unknown>,
  ) {
    const passwordHash = await hashPassword(password)
    const ended = await as.transaction(async (tx) => {
      await more?.(tx)
      await tx.update('user', userId, { passwordHash, passwordChangedAt: new Date(now()) })
      await tx.removeWhere('passwordReset', { userId })
      const others = (await tx.find('session', { where: { userId } })).filter(({ id }) => id !== keepSession)
      if (others.length > 0) await endIn(tx, others)
      return others
    })
    revocations.revoke({ sessionIds: ended.map(({ id }) => id) })
  }

  /** @throws ProblemError `wrong_credentials` where the current password is not right */
  async function changePassword(caller: Caller, input: { current: string; new: string }): Promise<void> {
    if (caller.kind !== 'user') throw new ProblemError('forbidden', 'Only people have passwords')
    const keys = [`account:${hashToken(caller.id)}`]
    failures.check(keys)
    failures.fail(keys)
    const user = await db.system.get('user', caller.id)
    if (!(await verifyPassword(user.passwordHash, input.current))) {
      await db.denied(caller, { action: 'password', resource: 'user', resourceId: caller.id })
      throw new ProblemError('wrong_credentials', 'The current password is wrong')
    }
    failures.succeed(keys)
    await setPassword(db.as(elevated(caller, 'auth')), caller.id, input.new, caller.sessionId)
  }

  async function me(caller: Caller): Promise<Me> {
    if (caller.kind === 'apiKey') throw new ProblemError('forbidden', 'This is about people; a key is nobody')
    const rights = await readUserRights(db.system, caller.id)
    if (rights === undefined || caller.kind !== 'user') throw new ProblemError('not_signed_in')
    const { user, tenant, roles } = rights
    return {
      user: { id: user.id, email: user.email, name: user.name, phone: user.phone },
      roles: roles.map(({ name }) => name),
      permissions: [...rights.caller.permissions],
      tenant: { id: tenant.id, name: tenant.name },
      customerIds: [...rights.caller.customerIds],
    }
  }

  /** Removes sessions and resets that are past their time. For a job, once an hour. */
  async function sweep(): Promise<number> {
    const past = { expiresAt: { lt: new Date(now()) } }
    return await db.system.transaction(
      async (tx) => (await tx.removeWhere('session', past)) + (await tx.removeWhere('passwordReset', past)),
    )
  }

  return {
    login,
    openSession,
    check,
    logout,
    sessions,
    endSession,
    changePassword,
    me,
    sweep,
    ...createPasswordResets(deps, setPassword),
    onRevoked: (listener: (revocation: Revocation) => void) => revocations.onRevoked(listener),
    /** For the event `rights.changed` of another process. */
    applyRightsChanged: (event: { userIds: readonly string[]; sessionIds?: readonly string[] }) =>
      revocations.revoke({ callerIds: event.userIds, sessionIds: event.sessionIds ?? [] }),
  }
}
