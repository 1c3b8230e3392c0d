import { finished } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Gauge, type Registry } from 'prom-client'
import { ProblemError } from '@heliograph/crm-core/contracts'

/** Whoever is refused may come again soon: what is under way is answered within moments, or refused by the engines' own queues. */
const RETRY_AFTER_S = 2
/** Who looks after this process has to reach it now above all. */
const WATCHING = new Set(['/healthz', '/readyz', '/metrics'])

/** Said by Node's parser, which a header alone cannot persuade; its types leave it out. */
const isUpgrade = ({ raw }: FastifyRequest): boolean => (raw as { upgrade?: boolean | null }).upgrade === true

/**
 * Refuses what comes while as many requests as one process may hold are under way: more would only wait for the same engines behind
 * them, each longer than the one before, and be answered when nobody listens any more. Open sockets have a limit of their own.
 *
 * Counted rather than judged by the delay of the event loop, as `@fastify/under-pressure` does it: a queue behind a slow database grows
 * on an idle loop, and a short stall of the machine is no reason to turn people away.
 */
export function registerLoadLimit(app: FastifyInstance, most: number, metrics: Registry): void {
  let underWay = 0
  new Gauge({
    name: 'helio_http_requests_under_way',
    help: 'Requests taken and not yet answered; beyond a limit new ones get 503',
    registers: [metrics],
    collect() {
      this.set(underWay)
    },
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (isUpgrade(request) || WATCHING.has(request.routeOptions.url ?? '')) return done()
    if (underWay >= most) return done(new ProblemError('overloaded', undefined, { retryAfterS: RETRY_AFTER_S }))
    underWay++
    // Answered, or gone without waiting for it.
    finished(reply.raw, () => underWay--)
    done()
  })
}
