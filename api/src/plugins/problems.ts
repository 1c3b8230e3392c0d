import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  LogError,
  PROBLEMS,
  ProblemError,
  WarehouseError,
  type LogErrorCode,
  type Problem,
  type ProblemCode,
  type WarehouseErrorCode,
} from '@heliograph/crm-core/contracts'

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

const ofFramework: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_body',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_body',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_body',
  FST_ERR_BAD_URL: 'invalid_request',
  FST_ERR_ASYNC_CONSTRAINT: 'invalid_request',
  FST_ERR_MAX_PARAM_LENGTH: 'not_found',
}
const ofLog: Readonly<Record<LogErrorCode, ProblemCode>> = {
  log_full: 'overloaded',
  log_closed: 'unavailable',
  log_unavailable: 'unavailable',
  log_locked: 'unavailable',
  log_too_large: 'too_large',
  log_corrupt: 'internal',
}
const ofWarehouse: Readonly<Record<WarehouseErrorCode, ProblemCode>> = {
  warehouse_unavailable: 'unavailable',
  warehouse_timeout: 'timeout',
  warehouse_too_many_rows: 'too_many_rows',
  warehouse_rejected: 'unavailable',
  warehouse_bad_query: 'internal',
}
/** Told with every 503 that has no better figure, seconds. */
const RETRY_AFTER_S = 5

/** Every error leaves as problem+json with a code of the closed list; what went wrong inside stays in the log. */
export function registerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => sendProblem(request, reply, toProblem(error)))
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, new ProblemError('not_found')))
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: ProblemError): FastifyReply {
  const { status, title } = PROBLEMS[error.code]
  if (status >= 500 && status !== 503) request.log.error({ err: error.cause ?? error }, 'request failed')
  const retryAfterS = error.retryAfterS ?? (status === 503 ? RETRY_AFTER_S : undefined)
  if (retryAfterS !== undefined) void reply.header('retry-after', Math.max(1, Math.ceil(retryAfterS)))
  const problem: Problem = {
    type: `urn:heliograph:problem:${error.code}`,
    title,
    status,
    code: error.code,
    detail: detailOf(error),
    instance: request.url.split('?', 1)[0]!,
    ...(error.errors === undefined ? {} : { errors: error.errors }),
  }
  // Serialised here: the schema of a route's answer must not have a say in how its errors look.
  return reply
    .code(status)
    .header('content-type', PROBLEM_TYPE)
    .header('cache-control', 'no-store')
    .serializer(identity)
    .send(JSON.stringify(problem))
}
/** Always something to read: where nobody wrote a sentence, the first field that is wrong says more than the title. */
function detailOf({ code, message, errors }: ProblemError): string {
  const first = errors?.[0]
  if (first === undefined || message !== PROBLEMS[code].title) return message
  return first.path === '' ? first.message : `${first.path}: ${first.message}`
}
const identity = (payload: unknown) => payload as string

/** Turns whatever was thrown into a problem. Decides by code, never by text. */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error
  if (error instanceof LogError) return new ProblemError(ofLog[error.code], undefined, { cause: error })
  if (error instanceof WarehouseError) return new ProblemError(ofWarehouse[error.code], undefined, { cause: error })
  if (!(error instanceof Error)) return new ProblemError('internal', undefined, { cause: error })
  const { code, validation, validationContext, statusCode } = error as FastifyError
  if (validation !== undefined) return invalidFields(validation, validationContext, error)
  const known = code === undefined ? undefined : ofFramework[code]
  if (known !== undefined) return new ProblemError(known, undefined, { cause: error })
  // Errors of the parser (bad JSON, `__proto__` in a body) carry no code of their own, only a status.
  if (statusCode === 400) return new ProblemError('malformed_body', undefined, { cause: error })
  if (statusCode === 413) return new ProblemError('too_large', undefined, { cause: error })
  if (statusCode === 415) return new ProblemError('unsupported_media_type', undefined, { cause: error })
  if (error.name === 'AbortError' || error.name === 'TimeoutError')
    return new ProblemError('timeout', undefined, { cause: error })
  return new ProblemError('internal', undefined, { cause: error })
}

/** One entry per field: an issue about fields nobody knows names them all at once. */
function fieldsOf(issue: Issues[number]): { path: string; message: string }[] {
  const path = issue.instancePath.replace(/^\//, '').replaceAll('/', '.').slice(0, 200)
  const keys = issue.keyword === 'unrecognized_keys' ? (issue.params as { keys?: unknown }).keys : undefined
  if (Array.isArray(keys)) {
    return keys.slice(0, MAX_ISSUES).map((key) => ({
      path: [path, String(key).slice(0, 100)].filter((part) => part !== '').join('.'),
      message: 'is not known here',
    }))
  }
  return [{ path, message: (issue.message ?? 'is not valid').slice(0, 300) }]
}

type Issues = NonNullable<FastifyError['validation']>
const MAX_ISSUES = 50

/** A bad field of a body is 422, a bad query or header 400; an id that cannot exist is simply not there. */
function invalidFields(issues: Issues, context: string | undefined, cause: Error): ProblemError {
  if (context === 'params') return new ProblemError('not_found', undefined, { cause })
  const errors = issues.slice(0, MAX_ISSUES).flatMap(fieldsOf)
  const inBody = context === 'body'
  if (!inBody && errors.length > 0 && errors.every((entry) => entry.path === 'cursor')) {
    return new ProblemError('invalid_cursor', undefined, { cause })
  }
  return new ProblemError(inBody ? 'invalid_fields' : 'invalid_request', undefined, { errors, cause })
}
