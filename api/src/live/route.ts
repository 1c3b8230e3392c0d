import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Counter, Gauge, type Registry } from 'prom-client'
import { ProblemError } from '@heliograph/crm-core/contracts'
import type { RouteContext } from '../http/api.ts'
import { callerOf, findCaller, sessionToken, type CallerOptions } from '../plugins/caller.ts'
import { isOwnOrigin } from '../plugins/origin.ts'
import { LiveHub } from './hub.ts'
import { LiveRecords } from './records.ts'
import { LiveSessions, type LiveSession } from './sessions.ts'
import { LiveSocket } from './socket.ts'

declare module 'fastify' {
  interface FastifyRequest {
    liveSession: LiveSession | undefined
  }
}
/** Frames a client may send in ten seconds: a page that changes what it looks at sends a handful. */
const FRAMES_PER_10_S = 300
/** Ten frames a second at most. */
const FRAME_INTERVAL_MS = 100
/** Keys conflated for one slow subscription: a very large fleet, once. */
const MAX_PENDING_KEYS = 50_000

/** `/api/v1/live`: contract section 5. */
export function registerLive(scope: FastifyInstance, context: RouteContext, options: CallerOptions): void {
  const { deps, limits, now, publicOrigin } = context
  const metrics = liveMetrics(deps.metrics)
  const hub = new LiveHub(
    deps.live,
    { dropped: (count) => metrics.dropped.inc(count) },
    {
      frameIntervalMs: FRAME_INTERVAL_MS,
      slowBytes: limits.slowSocketBytes,
      slowMs: limits.slowSocketMs,
      maxPendingKeys: MAX_PENDING_KEYS,
    },
    { ...(deps.tracing && { tracing: deps.tracing }), ...(deps.onAudience && { onAudience: deps.onAudience }) },
  )
  const sessions = new LiveSessions(deps.db, now)
  const records = new LiveRecords(deps.db, deps.live, (error) =>
    scope.log.error({ err: error }, 'alarms and tickets could not be read for the live socket'),
  )
  const counted = (): void => metrics.sockets.set(hub.sockets)
  const stops: (() => void)[] = []
  scope.addHook('onReady', (done) => {
    hub.start()
    sessions.start()
    stops.push(deps.events.subscribe((event) => sessions.onEvent(event)))
    stops.push(deps.events.subscribe((event) => records.onEvent(event)))
    stops.push(deps.crm.auth.onRevoked(() => void sessions.judgeAll()))
    done()
  })
  scope.addHook('onListen', (done) => {
    records.start()
    done()
  })
  scope.addHook('onClose', (_app, done) => {
    for (const stop of stops) stop()
    sessions.stop()
    hub.stop()
    done()
  })

  scope.decorateRequest('liveSession', undefined)
  scope.get(
    '/live',
    {
      websocket: true,
      config: { policy: 'signed-in' },
      // Last of the hooks before the upgrade: what fails here is an ordinary HTTP answer.
      preHandler: async (request) => {
        if (!request.ws) throw new ProblemError('invalid_request', 'Open a WebSocket here')
        if (!isOwnOrigin(request, publicOrigin)) throw new ProblemError('foreign_origin')
        if (hub.sockets >= limits.sockets) throw new ProblemError('overloaded', 'Too many open sockets')
        const caller = callerOf(request)
        if (caller.tenantId === undefined) throw new ProblemError('forbidden', 'Name a tenant')
        const credentials = credentialsOf(request)
        const isLocal = caller.kind === 'local'
        request.liveSession = await sessions.enter(credentialKey(request, options), caller, () =>
          // Whoever came in by the admin socket is at the machine; nothing of that can be revoked.
          (isLocal ? Promise.resolve(caller) : findCaller(credentials, { ...options, isLocalAdmin: undefined })).catch(
            (error: unknown) => {
              if (error instanceof ProblemError && error.code === 'not_signed_in') return undefined
              throw error
            },
          ),
        )
      },
    },
    (socket, request) => {
      const session = request.liveSession!
      const live = new LiveSocket(
        socket,
        request,
        hub,
        session.viewer,
        { subscriptions: limits.subscriptionsPerSocket, framesPer10s: FRAMES_PER_10_S },
        (topic) => sessions.exists(session, topic),
        (closed) => {
          sessions.remove(session, closed)
          counted()
        },
      )
      sessions.add(session, live)
      counted()
    },
  )
}

/** What is needed of the request to ask again who it is, without keeping the request itself alive. */
function credentialsOf(request: FastifyRequest): FastifyRequest {
  const { headers, cookies, ip, id } = request
  return {
    headers: { authorization: headers.authorization, 'user-agent': headers['user-agent'] },
    cookies,
    ip,
    id,
  } as FastifyRequest
}
function credentialKey(request: FastifyRequest, { https }: CallerOptions): string {
  const secret = request.headers.authorization ?? sessionToken(request, https) ?? `local ${callerOf(request).tenantId}`
  return createHash('sha256').update(secret).digest('base64url')
}

function liveMetrics(registry: Registry) {
  return {
    sockets: new Gauge({ name: 'helio_live_sockets', help: 'Open live sockets', registers: [registry] }),
    dropped: new Counter({
      name: 'helio_live_dropped_updates_total',
      help: 'Values replaced by newer ones before they were sent, or given up with a slow socket',
      registers: [registry],
    }),
  }
}
