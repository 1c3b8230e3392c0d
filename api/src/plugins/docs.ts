import { randomBytes } from 'node:crypto'
import swagger from '@fastify/swagger'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { Policy } from './policy.ts'

/** Stands in the page that is made once, and is replaced by a fresh nonce in every answer. */
const NONCE_MARK = 'aGVsaW9ncmFwaC1ub25jZQ'

/** Gathers the routes of the whole API into one OpenAPI 3.1 document. Register before the routes. */
export async function registerOpenApi(app: FastifyInstance, publicUrl: string): Promise<void> {
  const transform = createJsonSchemaTransform({})
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Heliograph',
        version: '1',
        description:
          'Fleet, telemetry and customers of solar systems. Times are RFC 3339 UTC; metric names carry their unit. ' +
          'Errors are problem+json (RFC 9457) with a `code` of a closed list. Lists take `limit` and `cursor`.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: publicUrl }],
      components: {
        securitySchemes: {
          session: { type: 'apiKey', in: 'cookie', name: 'helio_session' },
          apiKey: { type: 'http', scheme: 'bearer' },
        },
      },
    },
    transform: (document) => {
      const { schema, url } = transform(document)
      const { policy } = document.route.config ?? {}
      return { schema: { ...schema, ...describePolicy(policy) }, url }
    },
    transformObject: createJsonSchemaTransformObject({}),
  })
  app.get('/api/v1/openapi.json', { config: { policy: 'public' }, schema: { hide: true } }, (_request, reply) =>
    reply.header('cache-control', 'public, max-age=300').send(app.swagger()),
  )
}

function describePolicy(policy: Policy | undefined): Record<string, unknown> {
  if (policy === undefined || policy === 'public') return { security: [] }
  const security = policy === 'ingest' ? [{ apiKey: [] }] : [{ session: [] }, { apiKey: [] }]
  return typeof policy === 'object' ? { security, 'x-permission': policy.permission } : { security }
}

/** The docs page: served by us alone, its scripts by nonce, asking nobody outside. */
export async function registerDocs(app: FastifyInstance): Promise<void> {
  let opened: Promise<FastifyInstance> | undefined
  await app.register((docs, _options, done) => {
    docs.addHook('onSend', (_request, reply, payload, done) => {
      const type = String(reply.getHeader('content-type') ?? '')
      // Megabytes that change with a release alone.
      if (type.startsWith('application/javascript')) void reply.header('cache-control', 'public, max-age=86400')
      if (typeof payload !== 'string' || !type.startsWith('text/html')) return done(null, payload)
      const nonce = randomBytes(16).toString('base64')
      void reply.header('content-security-policy', docsCsp(nonce)).header('cache-control', 'no-store')
      done(null, payload.replaceAll(NONCE_MARK, nonce))
    })
    async function answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
      opened ??= openReference()
      const { statusCode, headers, body } = await (await opened).inject({ url: request.url })
      if (statusCode === 404) {
        reply.callNotFound()
        return reply
      }
      for (const name of ['content-type', 'location'])
        if (headers[name] !== undefined) void reply.header(name, headers[name])
      return reply.code(statusCode).send(body)
    }
    for (const url of ['/api/docs', '/api/docs/*'])
      docs.get(url, { config: { policy: 'public' }, schema: { hide: true } }, answer)
    done()
  })
}

/** Its module is five megabytes of the page's script: read when the first one asks, and not at every start. */
async function openReference(): Promise<FastifyInstance> {
  const { default: scalar } = await import('@scalar/fastify-api-reference')
  const reference = fastify()
  await reference.register(scalar, {
    routePrefix: '/api/docs',
    configuration: {
      url: '/api/v1/openapi.json',
      pageTitle: 'Heliograph API',
      nonce: NONCE_MARK,
      withDefaultFonts: false,
      telemetry: false,
      agent: { disabled: true },
      mcp: { disabled: true },
      hideClientButton: true,
      showDeveloperTools: 'never',
    },
  })
  return reference
}

/** Styles set on elements (`style=""`) are how the page lays itself out; they can run nothing. */
const docsCsp = (nonce: string) =>
  [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
