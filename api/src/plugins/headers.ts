import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'

export interface HeaderOptions {
  https: boolean
  /** Directives beyond `default-src 'none'`. */
  csp?: Record<string, string[]>
}

/** Security headers of one scope. Without directives nothing may be loaded or framed: right for data. */
export async function registerHeaders(scope: FastifyInstance, { https, csp }: HeaderOptions): Promise<void> {
  await scope.register(helmet, {
    global: true,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        ...csp,
      },
    },
    hsts: https ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'same-origin' },
    crossOriginEmbedderPolicy: false,
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    originAgentCluster: true,
    xssFilter: false,
    dnsPrefetchControl: { allow: false },
  })
}

/** Answers hold personal data: no cache between us and the caller keeps them. */
export function registerNoStore(scope: FastifyInstance): void {
  scope.addHook('onSend', (_request, reply, payload, done) => {
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store')
    done(null, payload)
  })
}
