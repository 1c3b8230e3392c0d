import type { FastifyInstance } from 'fastify'
import { idPattern, ProblemError } from '@heliograph/crm-core/contracts'
import type { ApiDeps } from '../deps.ts'
import { FailureLimit } from '../plugins/limits.ts'

/** A report is a short form. */
const MAX_BODY = 64 * 1024
/** Wrong signatures of one address in a minute before it has to wait. */
const MAX_REFUSALS = 200

export interface MessageReportOptions {
  deps: Pick<ApiDeps, 'crm' | 'db' | 'readSmsReport' | 'onSmsReport'>
  publicOrigin: string
  now: () => number
}

/** Where an SMS provider tells what became of a message. The signature covers the address, and with it the message's id. */
export function registerMessageReports(
  scope: FastifyInstance,
  { deps, publicOrigin, now }: MessageReportOptions,
): void {
  const refusals = new FailureLimit(MAX_REFUSALS, 60_000, now)
  scope.post<{ Params: { id: string } }>(
    '/message-reports/sms/:id',
    {
      config: { policy: 'ingest' },
      bodyLimit: MAX_BODY,
      onRequest: (request, _reply, done) => {
        refusals.check(request.ip)
        done()
      },
      schema: { tags: ['ingest'], summary: "An SMS provider's report on a message, signed by the provider" },
    },
    async (request, reply) => {
      const { id } = request.params
      // Where no provider is set, no signature is right.
      const report = deps.readSmsReport?.({
        headers: request.headers,
        url: publicOrigin + request.url,
        contentType: request.headers['content-type'],
        body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
      })
      if (report === undefined) {
        refusals.fail(request.ip)
        void deps.db.denied(undefined, {
          action: 'report',
          resource: 'notification',
          details: { address: request.ip },
        })
        throw new ProblemError('bad_signature', 'The signature does not match the body, the address or the token')
      }
      if (!idPattern.test(id) || !(await deps.crm.notifications.report('sms', id, report)))
        throw new ProblemError('not_found')
      deps.onSmsReport?.(report)
      return reply.code(204).send()
    },
  )
}
