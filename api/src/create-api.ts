import { randomBytes } from 'node:crypto'
import cookie from '@fastify/cookie'
import websocket from '@fastify/websocket'
import fastify, { LogController, type FastifyInstance, type FastifyReply, type FastifyServerOptions } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { createSecretBox } from '@heliograph/crm-core'
import { API_LIMITS, type ApiConfig, type ApiDeps } from './deps.ts'
import type { Api, RouteContext } from './http/api.ts'
import { createCursorCodec } from './http/cursor.ts'
import { createRawAppender } from './ingest/append.ts'
import { createEdgeCredentials } from './ingest/credentials.ts'
import { registerMessageReports } from './ingest/message-reports.ts'
import { registerIngest } from './ingest/routes.ts'
import { registerLive } from './live/route.ts'
import { MAX_CLIENT_FRAME } from './live/socket.ts'
import { registerCaller } from './plugins/caller.ts'
import { registerCompression } from './plugins/compress.ts'
import { registerDocs, registerOpenApi } from './plugins/docs.ts'
import { registerForeignIds } from './plugins/foreign-ids.ts'
import { registerHeaders, registerNoStore } from './plugins/headers.ts'
import { registerHealth } from './plugins/health.ts'
import { registerIdempotency } from './plugins/idempotency.ts'
import { registerRateLimit } from './plugins/limits.ts'
import { registerLoadLimit } from './plugins/load.ts'
import { registerMetrics } from './plugins/metrics.ts'
import { mountPage } from './plugins/page.ts'
import { registerPolicies } from './plugins/policy.ts'
import { registerProblems, sendProblem, toProblem } from './plugins/problems.ts'
import { refuseUnknown } from './plugins/strict.ts'
import { routeModules } from './routes/index.ts'

/** Milliseconds a socket has to answer the close frame when the server stops. */
const GOODBYE_MS = 1_000

/** Said at once and not set later: Fastify does not even load its own then. Its types know compilers of JSON Schema alone. */
const ZOD_ALONE = {
  buildValidator: () => validatorCompiler,
  buildSerializer: () => serializerCompiler,
} as unknown as NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']

/**
 * The HTTP and WebSocket API, not listening: `listen` it, or hand requests to `app.routing`. Nothing outside is touched
 * before `ready()`.
 * @throws Error at `ready()` where a route declares no policy
 */
export function createApi(deps: ApiDeps, config: ApiConfig): FastifyInstance {
  const limits = { ...API_LIMITS, ...config.limits }
  const now = deps.now ?? Date.now
  const url = new URL(config.publicUrl)
  const https = url.protocol === 'https:'
  const context: RouteContext = {
    deps,
    config,
    limits,
    cursors: createCursorCodec(config.secret),
    appender: createRawAppender({
      producer: deps.raw,
      metrics: deps.metrics,
      maxPendingBytes: limits.ingestPendingBytes,
      pressure: deps.ingestPressure,
      tracing: deps.tracing,
    }),
    now,
    publicOrigin: url.origin,
    https,
  }
  const callerOptions = {
    crm: deps.crm,
    db: deps.db,
    publicOrigin: url.origin,
    https,
    isLocalAdmin: config.isLocalAdmin,
  }

  const app = fastify({
    schemaController: { compilersFactory: ZOD_ALONE },
    ...(config.logger === undefined ? { logger: false } : { loggerInstance: config.logger }),
    // One line per request would be the busiest log of all; the histogram counts them.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: config.trustProxy ?? false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: 60_000,
    genReqId: createRequestIds(),
    // Whoever calls may be traced itself: its lines and ours are found together.
    childLoggerFactory: (logger, bindings, options, request) =>
      logger.child({ ...bindings, ...traceOf(request.headers['traceparent']) }, options),
    // What goes wrong before a route is found: bad escapes, parameters longer than anything of ours.
    frameworkErrors: (error, request, reply) => {
      void sendProblem(request, reply as FastifyReply, toProblem(error))
    },
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false },
  })
  registerPolicies(app)
  registerProblems(app)
  registerMetrics(app, deps.metrics, config.metricsToken)
  registerLoadLimit(app, limits.requestsAtOnce, deps.metrics)
  registerHealth(app, deps.status)

  app.register(async (root) => {
    await registerOpenApi(root, config.publicUrl)
    await root.register(
      async (scope) => {
        registerIngest(scope, {
          credentials: createEdgeCredentials(deps.reader, now),
          appender: context.appender,
          openSecret: createSecretBox(config.secret).open,
          maxBodyBytes: limits.ingestBodyBytes,
          publicOrigin: url.origin,
          now,
          denied: (note) => void deps.db.denied(undefined, note),
        })
        registerMessageReports(scope, { deps, publicOrigin: url.origin, now })
      },
      { prefix: '/ingest/v1' },
    )
    await root.register(async (scope) => {
      await registerHeaders(scope, { https })
      registerNoStore(scope)
      registerCompression(scope)
      scope.addHook('onRequest', (request, reply, done) => {
        void reply.header('x-request-id', request.id)
        done()
      })
      await scope.register(cookie)
      await scope.register(websocket, {
        options: { maxPayload: MAX_CLIENT_FRAME, perMessageDeflate: false },
        preClose: sayGoodbye,
      })
      registerCaller(scope, callerOptions)
      await registerRateLimit(scope, limits.requestsPerMinute)
      registerIdempotency(scope, context)
      refuseUnknown(scope)
      registerForeignIds(scope, context)
      await registerDocs(scope)
      await scope.register(
        (routes, _options, done) => {
          for (const add of routeModules) add(routes as Api, context)
          registerLive(routes, context, callerOptions)
          done()
        },
        { prefix: '/api/v1' },
      )
    })
    if (config.page !== undefined) {
      await mountPage(root, config.page, { https, publicUrl: config.publicUrl, mapOrigins: config.mapOrigins ?? [] })
    }
  })
  return app
}

/** Tells open sockets that the server goes away, and does not wait for those that never answer. */
function sayGoodbye(this: FastifyInstance, done: () => void): void {
  const { clients } = this.websocketServer
  for (const client of clients) client.close(1001, 'going away')
  setTimeout(() => {
    for (const client of clients) client.terminate()
  }, GOODBYE_MS).unref()
  done()
}

/** Of W3C's `traceparent`; anything else is no trace. */
function traceOf(traceparent: string | string[] | undefined): { trace_id?: string } {
  const found = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(String(traceparent))
  return found ? { trace_id: found[1]! } : {}
}

/** Unique per process start and request; short, since it goes into every log line and error. */
function createRequestIds(): () => string {
  const start = randomBytes(6).toString('base64url')
  let count = 0
  return () => `${start}-${(++count).toString(36)}`
}
