import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { ProblemError } from '@heliograph/crm-core/contracts'
import type { RouteContext } from '../http/api.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The answer holds a secret that is told once: it is not kept for repeats of the request. */
    answersSecret?: boolean
  }
  interface FastifyRequest {
    /** Set while this request is the first one with its idempotency key. */
    idempotencyId: string | undefined
  }
}

const KEY = /^[\x21-\x7e]{1,200}$/
/** An answer larger than this is not kept; a repeat is told that it was done. */
const MAX_KEPT = 256 * 1024

/** A body as far as two requests are told apart by it; of bytes their digest. */
const bodyText = (body: unknown): string =>
  body === undefined
    ? ''
    : body instanceof Uint8Array
      ? createHash('sha256').update(body).digest('hex')
      : JSON.stringify(body)

/** `Idempotency-Key` on writes: sent again, the request is answered as before and done once. */
export function registerIdempotency(scope: FastifyInstance, { deps }: RouteContext): void {
  const { idempotency } = deps.crm
  scope.decorateRequest('idempotencyId', undefined)

  scope.addHook('preHandler', async (request, reply) => {
    const key = request.headers['idempotency-key']
    if (key === undefined || request.method === 'GET' || request.method === 'HEAD') return
    if (typeof key !== 'string' || !KEY.test(key)) {
      throw new ProblemError('invalid_request', 'Idempotency-Key is 1 to 200 visible characters')
    }
    // Nobody in particular: there is no one whose key it would be.
    if (request.caller === undefined) return
    const body = bodyText(request.body)
    const start = await idempotency.begin(request.caller, key, `${request.method} ${request.url}\n${body}`)
    if (start.state === 'new') {
      request.idempotencyId = start.id
      return
    }
    if (start.response === null && start.status !== 204) {
      throw new ProblemError('conflict', 'This was done before; its answer holds a secret that is told once')
    }
    const { status, response } = start
    void reply.code(status).header('idempotency-replayed', 'true')
    if (response === null) return reply.send()
    const isProblem = status >= 400
    return reply
      .header('content-type', isProblem ? 'application/problem+json; charset=utf-8' : 'application/json; charset=utf-8')
      .serializer((text) => text as string)
      .send(response)
  })

  scope.addHook('onSend', async (request, reply, payload) => {
    const { idempotencyId } = request
    if (idempotencyId === undefined) return payload
    request.idempotencyId = undefined
    const { statusCode } = reply
    try {
      // What failed on our side, or was refused for now, may be tried again with the same key.
      if (statusCode >= 500 || statusCode === 429) await idempotency.abandon(idempotencyId)
      else {
        const secret = request.routeOptions.config.answersSecret === true && statusCode < 300
        const kept = typeof payload === 'string' && payload.length <= MAX_KEPT && !secret ? payload : null
        await idempotency.finish(idempotencyId, statusCode, kept)
      }
    } catch (error) {
      // It is done and is answered; the key then runs out by itself.
      request.log.error({ err: error }, 'idempotency key not kept')
    }
    return payload
  })
}
