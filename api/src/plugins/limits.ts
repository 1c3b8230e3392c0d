import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import { ProblemError } from '@heliograph/crm-core/contracts'

/** Callers remembered at most; the one unused longest is forgotten first. */
const MAX_CALLERS = 20_000

/** The general limit: requests of one caller (or address) in a minute, told by `RateLimit-*` and `Retry-After`. */
export async function registerRateLimit(scope: FastifyInstance, perMinute: number): Promise<void> {
  await scope.register(rateLimit, {
    global: true,
    max: perMinute,
    timeWindow: 60_000,
    cache: MAX_CALLERS,
    enableDraftSpec: true,
    keyGenerator: (request) =>
      request.caller === undefined ? `ip:${request.ip}` : `${request.caller.kind}:${request.caller.id}`,
    allowList: (request) => request.caller?.kind === 'local',
    errorResponseBuilder: (_request, context) =>
      new ProblemError('rate_limited', undefined, { retryAfterS: Math.ceil(context.ttl / 1000) }),
  })
}

interface Window {
  failures: number
  /** UTC milliseconds. */
  until: number
}

/** Counts failures per key in a fixed window; success clears. Bounded: the oldest window is forgotten first. */
export class FailureLimit {
  readonly #windows = new Map<string, Window>()
  readonly #max: number
  readonly #windowMs: number
  readonly #now: () => number

  constructor(max: number, windowMs: number, now: () => number) {
    this.#max = max
    this.#windowMs = windowMs
    this.#now = now
  }

  /** @throws ProblemError `rate_limited` while too many failures stand against the key */
  check(key: string): void {
    const window = this.#current(key)
    if (window === undefined || window.failures < this.#max) return
    throw new ProblemError('rate_limited', 'Too many wrong attempts; wait a while', {
      retryAfterS: Math.ceil((window.until - this.#now()) / 1000),
    })
  }
  fail(key: string): void {
    const window = this.#current(key) ?? { failures: 0, until: this.#now() + this.#windowMs }
    window.failures++
    this.#windows.set(key, window)
    if (this.#windows.size > MAX_CALLERS) this.#windows.delete(this.#windows.keys().next().value!)
  }
  clear(key: string): void {
    this.#windows.delete(key)
  }

  #current(key: string): Window | undefined {
    const window = this.#windows.get(key)
    if (window !== undefined && window.until <= this.#now()) {
      this.#windows.delete(key)
      return undefined
    }
    return window
  }
}
