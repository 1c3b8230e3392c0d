import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { narrowCaller, requirePermission, type Crm } from '@heliograph/crm-core'
import {
  idSchema,
  ProblemError,
  type Caller,
  type CallerOrigin,
  type CrmDatabase,
  type ScopedDb,
  type TenantId,
} from '@heliograph/crm-core/contracts'
import { localCaller } from './local-caller.ts'
import { checkOrigin } from './origin.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; absent: nobody that we know. */
    caller: Caller | undefined
  }
}

export interface CallerOptions {
  crm: Crm
  db: CrmDatabase
  publicOrigin: string
  https: boolean
  isLocalAdmin: ((request: FastifyRequest) => boolean) | undefined
}

/** `__Host-` binds the cookie to this very host and to https; plain http cannot have it. */
export const sessionCookieName = (https: boolean): string => (https ? '__Host-helio_session' : 'helio_session')

/**
 * Finds out who asks (session cookie, API key, admin socket) and enforces the policy of the route before a body is read.
 * Every request is judged anew: a revoked session or right ends with the next request.
 */
export function registerCaller(scope: FastifyInstance, options: CallerOptions): void {
  scope.decorateRequest('caller', undefined)
  scope.addHook('onRequest', async (request) => {
    request.caller = await findCaller(request, options)
    const { tenantId } = request.caller ?? {}
    if (tenantId !== undefined) request.log = request.log.child({ tenant: tenantId })
  })
  // After `onRequest`, where the rate limit of known and unknown callers counts.
  scope.addHook('preParsing', (request, _reply, payload, done) => {
    enforce(request, options).then(
      () => done(null, payload),
      (error: Error) => done(error),
    )
  })
}

/** Who makes a request, or undefined for nobody. @throws ProblemError `not_signed_in` for a key that is not good */
export async function findCaller(request: FastifyRequest, options: CallerOptions): Promise<Caller | undefined> {
  const origin = originOf(request)
  if (options.isLocalAdmin?.(request) === true) return localCaller(tenantHeader(request), origin)
  const { authorization } = request.headers
  if (authorization !== undefined) {
    const key = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(authorization)?.[1]
    const caller = key === undefined ? undefined : await options.crm.apiKeys.check(key, origin)
    // Said at once, also where the route is open: a caller that shows a key wants to be known by it.
    if (caller === undefined) throw new ProblemError('not_signed_in', 'The key is unknown, expired or revoked')
    return caller
  }
  const token = sessionToken(request, options.https)
  return token === undefined ? undefined : await options.crm.auth.check(token, origin)
}

export function sessionToken(request: FastifyRequest, https: boolean): string | undefined {
  const token = request.cookies[sessionCookieName(https)]
  return token === undefined || token.length > 200 ? undefined : token
}

export function originOf(request: FastifyRequest): CallerOrigin {
  return { address: request.ip, userAgent: request.headers['user-agent']?.slice(0, 300), requestId: request.id }
}

export function setSessionCookie(reply: FastifyReply, token: string, expiresAt: Date, https: boolean): void {
  void reply.setCookie(sessionCookieName(https), token, {
    path: '/',
    httpOnly: true,
    secure: https,
    sameSite: 'lax',
    expires: expiresAt,
  })
}
export function clearSessionCookie(reply: FastifyReply, https: boolean): void {
  void reply.clearCookie(sessionCookieName(https), { path: '/', httpOnly: true, secure: https, sameSite: 'lax' })
}

async function enforce(request: FastifyRequest, { db, publicOrigin }: CallerOptions): Promise<void> {
  const { policy } = request.routeOptions.config
  // No policy: no such route.
  if (policy === undefined || policy === 'ingest') return
  const { caller } = request
  // A cookie rides along with whatever page the browser has open, signing in included.
  if (caller === undefined || caller.kind === 'user' || caller.kind === 'operator') checkOrigin(request, publicOrigin)
  if (policy === 'public') return
  if (caller === undefined) throw new ProblemError('not_signed_in')
  if (policy === 'signed-in') return
  try {
    requirePermission(caller, policy.permission)
  } catch (error) {
    await db.denied(caller, {
      action: request.method.toLowerCase(),
      resource: request.routeOptions.url ?? 'unknown',
      details: { permission: policy.permission },
    })
    throw error
  }
}

/** The caller of a route that asks for one; the policy has seen to it that there is one. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === undefined) throw new ProblemError('not_signed_in')
  return request.caller
}

/**
 * The database as the caller of this request may see it: narrowed to the places where it holds the permission of the
 * route's policy, which is not always everywhere it holds some right.
 */
export function dbOf(request: FastifyRequest, db: CrmDatabase): ScopedDb {
  return db.as(narrowedCaller(request))
}
export function narrowedCaller(request: FastifyRequest): Caller {
  const caller = callerOf(request)
  const { policy } = request.routeOptions.config
  return typeof policy === 'object' ? narrowCaller(caller, policy.permission) : caller
}

function tenantHeader(request: FastifyRequest): TenantId | undefined {
  const value = request.headers['x-helio-tenant']
  if (value === undefined) return undefined
  const parsed = idSchema.safeParse(value)
  if (!parsed.success) throw new ProblemError('invalid_request', 'x-helio-tenant is not an id')
  return parsed.data as TenantId
}
