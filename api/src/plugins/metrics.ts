import { isIPv4 } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Histogram, type Registry } from 'prom-client'
import { ProblemError } from '@heliograph/crm-core/contracts'
import { sameSecret } from '../ingest/signatures/constant-time.ts'

/** Times every request by its route's pattern (never the URL: labels stay few) and answers `/metrics`. */
export function registerMetrics(app: FastifyInstance, registry: Registry, token: string | undefined): void {
  const seconds = new Histogram({
    name: 'helio_http_request_seconds',
    help: 'Time to answer a request',
    labelNames: ['route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  })
  // `labels()` builds a key per call; a route has a handful of statuses.
  const known = new Map<string, ReturnType<typeof seconds.labels>>()
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown'
    const key = `${route} ${reply.statusCode}`
    let child = known.get(key)
    if (child === undefined) {
      child = seconds.labels(route, String(reply.statusCode))
      known.set(key, child)
    }
    child.observe(reply.elapsedTime / 1000)
    done()
  })

  app.get('/metrics', { config: { policy: 'public' }, schema: { hide: true } }, async (request, reply) => {
    if (!mayRead(request, token))
      throw new ProblemError('forbidden', 'Metrics are answered to this machine or with the token')
    return reply.header('content-type', registry.contentType).send(await registry.metrics())
  })
}

function mayRead(request: FastifyRequest, token: string | undefined): boolean {
  const { authorization } = request.headers
  if (authorization !== undefined) {
    return token !== undefined && authorization.startsWith('Bearer ') && sameSecret(authorization.slice(7), token)
  }
  // The socket's own address, and none that a proxy on this machine speaks for.
  return isLoopback(request.raw.socket.remoteAddress) && request.headers['x-forwarded-for'] === undefined
}

/** Absent: a unix socket. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined || address === '::1') return true
  const v4 = address.startsWith('::ffff:') ? address.slice(7) : address
  return isIPv4(v4) && v4.startsWith('127.')
}
