import { z } from 'zod'

/** The closed list of problem codes (RFC 9457 `code`), each with its HTTP status and title. Decide by code, never by text. */
export const PROBLEMS = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  malformed_body: { status: 400, title: 'The body is not of the format it says' },
  invalid_cursor: { status: 400, title: 'The cursor is not one of this list' },
  not_signed_in: { status: 401, title: 'Sign in first' },
  wrong_credentials: { status: 401, title: 'Email or password is wrong' },
  wrong_code: { status: 401, title: 'The code is wrong or already used' },
  bad_signature: { status: 401, title: 'The signature does not match' },
  forbidden: { status: 403, title: 'Your role does not allow this' },
  foreign_origin: { status: 403, title: 'The request comes from another origin' },
  not_found: { status: 404, title: 'There is nothing here that you may see' },
  method_not_allowed: { status: 405, title: 'This address does not take that method' },
  conflict: { status: 409, title: 'It clashes with what is there' },
  in_use: { status: 409, title: 'Something still depends on it' },
  idempotency_mismatch: { status: 409, title: 'The idempotency key was used for another request' },
  stale: { status: 412, title: 'Somebody changed it meanwhile' },
  too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body is of a type not taken here' },
  invalid_fields: { status: 422, title: 'Some fields are not valid' },
  too_many_rows: { status: 422, title: 'The answer would be too large; ask for less' },
  rate_limited: { status: 429, title: 'Too many requests; wait a little' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  overloaded: { status: 503, title: 'Too busy to accept this now; try again' },
  unavailable: { status: 503, title: 'A part that this needs is down; try again' },
  timeout: { status: 504, title: 'It took too long; ask for less' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof PROBLEMS
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
  detail: z.string(),
  instance: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
})
export type Problem = z.infer<typeof problemSchema>

/** Thrown by the domain and by routes; the API turns it into problem+json. `detail` says what to do and never holds a secret. */
export class ProblemError extends Error {
  readonly code: ProblemCode
  readonly errors: { path: string; message: string }[] | undefined
  /** Seconds for `Retry-After`. */
  readonly retryAfterS: number | undefined
  constructor(
    code: ProblemCode,
    detail: string = PROBLEMS[code].title,
    options: { errors?: { path: string; message: string }[]; retryAfterS?: number; cause?: unknown } = {},
  ) {
    super(detail, { cause: options.cause })
    this.name = 'ProblemError'
    this.code = code
    this.errors = options.errors
    this.retryAfterS = options.retryAfterS
  }
}
