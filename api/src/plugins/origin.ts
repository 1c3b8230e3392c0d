import type { FastifyRequest } from 'fastify'
import { ProblemError } from '@heliograph/crm-core/contracts'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Whether a request that carries the cookie was made by our own page. Browsers send `Sec-Fetch-Site` on every request and
 * `Origin` on every write and every socket; programs send neither and hold no cookie that somebody else could ride on.
 */
export function isOwnOrigin(request: FastifyRequest, publicOrigin: string): boolean {
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  const { origin } = request.headers
  if (origin === undefined) return true
  if (origin === publicOrigin) return true
  // Reached under another of its own names (an address in the local network): page and API are one origin all the same.
  return sameHost(origin, request.host)
}

/** @throws ProblemError `foreign_origin` for a write on somebody's cookie from another site */
export function checkOrigin(request: FastifyRequest, publicOrigin: string): void {
  if (SAFE.has(request.method) || isOwnOrigin(request, publicOrigin)) return
  throw new ProblemError('foreign_origin')
}

function sameHost(origin: string, host: string): boolean {
  try {
    return new URL(origin).host === host
  } catch {
    return false
  }
}
