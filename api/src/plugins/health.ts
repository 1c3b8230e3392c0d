import type { FastifyInstance } from 'fastify'
import type { StatusProvider } from '../deps.ts'

/** `/healthz`: the process lives. `/readyz`: whether it can accept and answer, and how its parts are. */
export function registerHealth(app: FastifyInstance, status: StatusProvider): void {
  app.get('/healthz', { config: { policy: 'public' }, schema: { hide: true } }, (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  )
  app.get('/readyz', { config: { policy: 'public' }, schema: { hide: true } }, async (_request, reply) => {
    const parts = await status.parts()
    const dead = parts.some((part) => part.vital === true && part.state === 'down')
    const ready = parts.every((part) => part.state === 'ok')
    return reply
      .code(dead ? 503 : 200)
      .header('cache-control', 'no-store')
      .send({
        status: dead ? 'unavailable' : ready ? 'ready' : 'degraded',
        parts: parts.map(({ name, state, lag, progress }) => ({
          name,
          state,
          lag,
          ...(progress !== undefined && { progress }),
        })),
      })
  })
}
