import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  idPattern,
  ProblemError,
  type AuditNote,
  type ConnectionAccess,
  type ConnectionId,
  type RawHeader,
  type TenantId,
} from '@heliograph/crm-core/contracts'
import { FailureLimit } from '../plugins/limits.ts'
import type { RawAppender } from './append.ts'
import { plainBody } from './body.ts'
import { countItems } from './container.ts'
import type { EdgeCredentials } from './credentials.ts'
import { SeenMessages } from './seen-messages.ts'
import { verifierOf } from './signatures/index.ts'
import type { Verdict } from './signatures/types.ts'

interface EdgeOwner {
  tenantId: string
  connectionId: string
}
declare module 'fastify' {
  interface FastifyRequest {
    /** Whose message this is: the connection of the API key, or the one that the webhook's address names. */
    edgeOwner: EdgeOwner | ConnectionAccess | undefined
  }
}

export interface IngestOptions {
  credentials: EdgeCredentials
  appender: RawAppender
  /** Opens what a connection's secrets are kept in. */
  openSecret(cipher: string): string
  maxBodyBytes: number
  publicOrigin: string
  now: () => number
  /** Writes a refused credential into the audit trail, bounded. */
  denied(note: AuditNote): void
}
/** Wrong keys and signatures of one address in a minute before it has to wait. */
const MAX_REFUSALS = 200
const MAX_SUFFIX = 200

/**
 * The HTTP edge. Kept apart from the rest of the API on purpose: no session, no cookies, no parsing by the framework; the
 * bytes are checked, stamped, appended, and acknowledged when they are on disk.
 */
export function registerIngest(scope: FastifyInstance, options: IngestOptions): void {
  const { credentials, appender, maxBodyBytes, now } = options
  const refusals = new FailureLimit(MAX_REFUSALS, 60_000, now)
  const seen = new SeenMessages(now)

  // Found before the body is read: a stranger cannot make us hold megabytes.
  scope.decorateRequest('edgeOwner', undefined)
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: maxBodyBytes }, (_request, body, done) =>
    done(null, body),
  )
  scope.addHook('onError', (_request, _reply, error, done) => {
    appender.reject(error)
    done()
  })

  scope.post(
    '/readings',
    {
      config: { policy: 'ingest' },
      bodyLimit: maxBodyBytes,
      onRequest: async (request) => {
        refusals.check(request.ip)
        request.edgeOwner = await ingestConnection(request)
      },
      schema: {
        tags: ['ingest'],
        summary: 'Send readings: one, an array, or NDJSON; gzip is taken',
        description: 'API key with scope `ingest`. Answers 202 `{"accepted": n}` once the readings are on disk.',
      },
    },
    async (request, reply) => {
      const body = await bodyOf(request)
      const accepted = countItems(body, request.headers['content-type'])
      if (accepted > 0) await appender.append(stamp(request, request.edgeOwner!, 'native', 'http'), body)
      return reply.code(202).send({ accepted })
    },
  )

  for (const url of ['/webhooks/:connectionId', '/webhooks/:connectionId/*']) {
    scope.post<{ Params: { connectionId: string; '*'?: string } }>(
      url,
      {
        config: { policy: 'ingest' },
        bodyLimit: maxBodyBytes,
        onRequest: async (request) => {
          refusals.check(request.ip)
          request.edgeOwner = await webhookConnection((request.params as { connectionId: string }).connectionId)
        },
        schema: {
          tags: ['ingest'],
          summary: "A vendor's webhook: the body as it comes, signed by the connection's scheme",
          hide: url.endsWith('*'),
        },
      },
      async (request, reply) => {
        const connection = request.edgeOwner as ConnectionAccess
        const { messageId } = verify(request, connection)
        const body = await bodyOf(request)
        if (body.length === 0) throw new ProblemError('malformed_body', 'The body is empty')
        const header = stamp(request, connection, connection.vendor, 'webhook')
        const topic = request.params['*']
        if (topic) header.topic = topic.slice(0, MAX_SUFFIX)
        if (messageId === undefined) await appender.append(header, body)
        else {
          header.messageId = messageId
          await seen.once(`${connection.connectionId} ${messageId}`, () => appender.append(header, body))
        }
        return reply.code(202).send({ accepted: 1 })
      },
    )
  }

  async function ingestConnection(request: FastifyRequest) {
    const key = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(request.headers.authorization ?? '')?.[1]
    const access = key === undefined ? undefined : await credentials.apiKey(key)
    if (access === undefined) {
      refusals.fail(request.ip)
      options.denied({ action: 'ingest', resource: 'apiKey', details: { address: request.ip } })
      throw new ProblemError('not_signed_in', 'Send an API key with scope ingest as Authorization: Bearer')
    }
    const { tenantId, connectionId } = access
    if (!access.scopes.includes('ingest') || connectionId === null) {
      throw new ProblemError('forbidden', 'This key has no scope ingest')
    }
    return { tenantId, connectionId }
  }

  async function webhookConnection(id: string): Promise<ConnectionAccess> {
    const access = idPattern.test(id) ? await credentials.connection(id) : undefined
    if (access === undefined || !access.enabled || access.transport !== 'webhook') throw new ProblemError('not_found')
    return access
  }

  function verify(request: FastifyRequest, connection: ConnectionAccess): Extract<Verdict, { ok: true }> {
    const secrets = connection.credentials
      .filter(({ validTo }) => validTo === null || validTo > now())
      .flatMap(({ secretCipher }) => (secretCipher === null ? [] : [options.openSecret(secretCipher)]))
    const verdict = verifierOf(connection)(
      {
        headers: request.headers,
        url: options.publicOrigin + request.url,
        contentType: request.headers['content-type'],
        body: rawBody(request),
        now: now(),
      },
      secrets,
    )
    if (verdict.ok) return verdict
    refusals.fail(request.ip)
    options.denied({
      action: 'ingest',
      resource: 'connection',
      resourceId: connection.connectionId,
      tenantId: connection.tenantId,
      details: { address: request.ip, reason: verdict.reason },
    })
    throw new ProblemError('bad_signature', explain[verdict.reason])
  }

  function bodyOf(request: FastifyRequest): Promise<Uint8Array> {
    return plainBody(rawBody(request), request.headers['content-encoding'], maxBodyBytes)
  }

  function stamp(request: FastifyRequest, owner: EdgeOwner, vendor: string, transport: 'http' | 'webhook'): RawHeader {
    const contentType = request.headers['content-type']
    return {
      tenantId: owner.tenantId as TenantId,
      connectionId: owner.connectionId as ConnectionId,
      vendor,
      transport,
      receivedAt: now(),
      ...(contentType === undefined ? {} : { contentType: contentType.slice(0, 100) }),
    }
  }
}

const explain = {
  missing: 'The signature headers of this connection’s scheme are missing',
  expired: 'The timestamp is more than five minutes off; check the sender’s clock',
  mismatch: 'The signature does not match the body, the address or the secret',
} as const

/** Absent where a request had no body at all. */
const rawBody = (request: FastifyRequest): Buffer => (Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0))
