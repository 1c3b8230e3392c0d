import type { IncomingMessage, ServerResponse } from 'node:http'
import { pathToFileURL } from 'node:url'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { registerHeaders } from './headers.ts'
import { sendProblem } from './problems.ts'
import { ProblemError } from '@heliograph/crm-core/contracts'

type NodeHandler = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void

/** Private names: whatever a client sends under them is overwritten, so nobody can lie about where it comes from. */
const HEADERS = {
  protocol: 'x-helio-page-protocol',
  host: 'x-helio-page-host',
  address: 'x-helio-page-address',
} as const

export interface PageOptions {
  https: boolean
  publicUrl: string
  /** Origins of map styles and tiles. */
  mapOrigins: readonly string[]
}

/**
 * Serves the SvelteKit page on `/*`. adapter-node believes these headers over its own guess (it assumes https), and reads
 * their names from the environment when it is imported; so the import comes after.
 * @param handlerPath module that exports adapter-node's `handler`
 */
export async function mountPage(app: FastifyInstance, handlerPath: string, options: PageOptions): Promise<void> {
  process.env['PROTOCOL_HEADER'] = HEADERS.protocol
  process.env['HOST_HEADER'] = HEADERS.host
  process.env['ADDRESS_HEADER'] = HEADERS.address
  // Where the pages may load a map's style and tiles from, beside our own origin: their policy follows it.
  process.env['HELIO_PAGE_MAP_ORIGINS'] = options.mapOrigins.join(' ')
  const { handler } = (await import(pathToFileURL(handlerPath).href)) as { handler: NodeHandler }

  await app.register(async (scope) => {
    // The page's own policy (with a fresh nonce) replaces this one on documents; it stays on everything else.
    await registerHeaders(scope, {
      https: options.https,
      csp: {
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:', 'blob:', ...options.mapOrigins],
        fontSrc: ["'self'"],
        connectSrc: ["'self'", ...options.mapOrigins],
        workerSrc: ["'self'"],
        manifestSrc: ["'self'"],
        formAction: ["'self'"],
      },
    })
    // The page reads the body itself: a parsed one would leave its form posts waiting for ever.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.route({
      method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      url: '/*',
      config: { policy: 'public' },
      schema: { hide: true },
      handler: (request, reply) => {
        if (/^\/(api|ingest)(\/|$|\?)/.test(request.url))
          return sendProblem(request, reply, new ProblemError('not_found'))
        reply.hijack()
        for (const [name, value] of Object.entries(reply.getHeaders())) {
          if (value !== undefined) reply.raw.setHeader(name, value)
        }
        tellWhereFrom(request)
        handler(request.raw, reply.raw, (error) => {
          if (error !== undefined) request.log.error({ err: error }, 'page failed')
          if (reply.raw.headersSent) return void reply.raw.end()
          reply.raw.statusCode = error === undefined ? 404 : 500
          reply.raw.end()
        })
        return reply
      },
    })
  })
}

function tellWhereFrom(request: FastifyRequest): void {
  const { headers } = request.raw
  headers[HEADERS.protocol] = request.protocol
  headers[HEADERS.host] = request.host
  headers[HEADERS.address] = request.ip
}
