/** What went wrong with a request, decided by code and told in words that say what to do. */
import type { ProblemCode } from '@heliograph/crm-core/contracts'

/** Codes of the API, and two of our own for when no answer came or it was not one of the API. */
export type ApiErrorCode = ProblemCode | 'offline' | 'unreadable'

export class ApiError extends Error {
  readonly code: ApiErrorCode
  /** HTTP status; 0 where no answer came. */
  readonly status: number
  readonly fields: readonly { path: string; message: string }[]
  /** Seconds to wait before another try, where the server said so. */
  readonly retryAfterS: number | undefined

  constructor(
    code: ApiErrorCode,
    status: number,
    message: string,
    options: { fields?: { path: string; message: string }[]; retryAfterS?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'ApiError'
    this.code = code
    this.status = status
    this.fields = options.fields ?? []
    this.retryAfterS = options.retryAfterS
  }

  /** Message of one field of a form, by its path in the body. */
  field(path: string): string | undefined {
    return this.fields.find((field) => field.path === path || field.path === `/${path}`)?.message
  }
}

const BY_STATUS: Readonly<Record<number, ProblemCode>> = {
  400: 'invalid_request',
  401: 'not_signed_in',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  412: 'stale',
  413: 'too_large',
  422: 'invalid_fields',
  429: 'rate_limited',
  503: 'unavailable',
  504: 'timeout',
}

/** The error of an answer that was not a success, from its body where that is problem+json. */
export function errorFromAnswer(status: number, body: string, retryAfter: string | null): ApiError {
  const retryAfterS = retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : undefined
  let problem: unknown
  try {
    problem = JSON.parse(body)
  } catch {
    problem = undefined
  }
  if (typeof problem !== 'object' || problem === null) {
    const code = BY_STATUS[status] ?? (status >= 500 ? 'internal' : 'unreadable')
    return new ApiError(code, status, wordsFor(code, retryAfterS), { retryAfterS })
  }
  const told = problem as { code?: unknown; detail?: unknown; title?: unknown; errors?: unknown }
  const code = (typeof told.code === 'string' ? told.code : (BY_STATUS[status] ?? 'internal')) as ApiErrorCode
  const text = [told.detail, told.title].find((part): part is string => typeof part === 'string' && part !== '')
  const fields = Array.isArray(told.errors)
    ? told.errors.filter(
        (entry): entry is { path: string; message: string } =>
          typeof entry === 'object' &&
          entry !== null &&
          typeof (entry as { path?: unknown }).path === 'string' &&
          typeof (entry as { message?: unknown }).message === 'string',
      )
    : []
  return new ApiError(code, status, text ?? wordsFor(code, retryAfterS), { fields, retryAfterS })
}

/** Plain words for a code, for answers that bring none. */
export function wordsFor(code: ApiErrorCode, retryAfterS?: number): string {
  switch (code) {
    case 'offline':
      return 'The server cannot be reached. Check the connection and try again.'
    case 'not_signed_in':
      return 'Your session has ended. Sign in again.'
    case 'forbidden':
      return 'Your role does not allow this. Ask an administrator of your company.'
    case 'not_found':
      return 'There is nothing here that you may see. It may have been removed.'
    case 'stale':
      return 'Somebody changed it meanwhile.'
    case 'rate_limited':
      return retryAfterS === undefined
        ? 'Too many requests. Wait a little.'
        : `Too many requests. Wait ${retryAfterS} s.`
    case 'unavailable':
    case 'overloaded':
      return 'A part of the server is down or busy. Try again in a moment.'
    case 'timeout':
    case 'too_many_rows':
      return 'That was too much at once. Ask for a shorter time or fewer rows.'
    case 'unreadable':
      return 'The answer could not be read. Reload the page; it may be from an older version.'
    default:
      return 'Something went wrong on our side. Try again; tell support if it stays.'
  }
}

/** Anything thrown, as an ApiError. Aborted requests keep being told apart by `isAbort`. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  return new ApiError('internal', 0, wordsFor('internal'), { cause: error })
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}
