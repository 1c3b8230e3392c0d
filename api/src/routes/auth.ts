import { z } from 'zod'
import { sessionResource } from '@heliograph/crm-core'
import {
  listOf,
  loginSchema,
  meSchema,
  passwordChangeSchema,
  passwordResetRequestSchema,
  passwordResetSchema,
  sessionSchema,
} from '@heliograph/crm-core/contracts'
import { idParams, type RouteModule } from '../http/api.ts'
import { callerOf, clearSessionCookie, originOf, sessionToken, setSessionCookie } from '../plugins/caller.ts'

const tags = ['auth']

/** Signing in and out, one's own password and sessions. */
export const authRoutes: RouteModule = (api, { deps, https }) => {
  const { auth } = deps.crm

  api.post(
    '/auth/login',
    {
      config: { policy: 'public' },
      schema: {
        tags,
        summary: 'Sign in with email and password; sets the session cookie',
        body: loginSchema,
        response: { 200: meSchema },
      },
    },
    async (request, reply) => {
      // Who signs in again is done with the session before.
      const before = sessionToken(request, https)
      const session = await auth.login(request.body, originOf(request))
      if (before !== undefined) await auth.logout(before)
      setSessionCookie(reply, session.token, session.expiresAt, https)
      return await auth.me(session.caller)
    },
  )
  api.post(
    '/auth/logout',
    {
      config: { policy: 'public' },
      schema: { tags, summary: 'Sign out: ends the session and takes the cookie back', response: { 204: z.null() } },
    },
    async (request, reply) => {
      const token = sessionToken(request, https)
      if (token !== undefined) await auth.logout(token)
      clearSessionCookie(reply, https)
      return reply.code(204).send(null)
    },
  )
  api.get(
    '/me',
    {
      config: { policy: 'signed-in' },
      schema: { tags, summary: 'Who am I, and what may I do', response: { 200: meSchema } },
    },
    (request) => auth.me(callerOf(request)),
  )
  api.post(
    '/auth/password',
    {
      config: { policy: 'signed-in' },
      schema: {
        tags,
        summary: 'Change your password; your other sessions end',
        body: passwordChangeSchema,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await auth.changePassword(callerOf(request), request.body)
      return reply.code(204).send(null)
    },
  )
  api.post(
    '/auth/reset',
    {
      config: { policy: 'public' },
      schema: {
        tags,
        summary:
          'Ask for a mail with a link to choose a new password; the answer never tells whether the account exists',
        body: passwordResetRequestSchema,
        response: { 202: z.object({ requested: z.literal(true) }) },
      },
    },
    async (request, reply) => {
      await auth.requestReset(request.body, originOf(request))
      return reply.code(202).send({ requested: true as const })
    },
  )
  api.post(
    '/auth/reset/confirm',
    {
      config: { policy: 'public' },
      schema: {
        tags,
        summary: 'Choose a new password with the token of the mail; every session ends',
        body: passwordResetSchema,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await auth.reset(request.body, originOf(request))
      clearSessionCookie(reply, https)
      return reply.code(204).send(null)
    },
  )
  api.get(
    '/auth/sessions',
    {
      config: { policy: 'signed-in' },
      schema: { tags, summary: 'Your sessions, newest use first', response: { 200: listOf(sessionSchema) } },
    },
    async (request) => {
      const caller = callerOf(request)
      const sessions = caller.kind === 'user' ? await auth.sessions(caller) : []
      return { items: sessions.map((row) => sessionResource(row, caller.sessionId)), nextCursor: null }
    },
  )
  api.delete(
    '/auth/sessions/:id',
    {
      config: { policy: 'signed-in' },
      schema: { tags, summary: 'End one of your sessions', params: idParams, response: { 204: z.null() } },
    },
    async (request, reply) => {
      await auth.endSession(callerOf(request), request.params.id)
      return reply.code(204).send(null)
    },
  )
}
