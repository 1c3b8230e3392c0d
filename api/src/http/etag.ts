import type { FastifyReply, FastifyRequest } from 'fastify'
import { ProblemError, type WriteOptions } from '@heliograph/crm-core/contracts'

/** The validator of a stored resource: its version, which every change of it raises. */
export const etagOf = (version: number): string => `"v${version}"`

export function sendEtag(reply: FastifyReply, version: number): void {
  void reply.header('etag', etagOf(version))
}

/**
 * `If-Match` (RFC 9110 section 13.1.1) as the database checks it, inside the transaction that writes. Weak validators and
 * those of other servers match nothing.
 * @throws ProblemError `stale` where no named state can be the present one
 */
export function writeOptions(request: FastifyRequest): WriteOptions {
  const header = request.headers['if-match']
  if (header === undefined || header.trim() === '*') return {}
  const versions = header
    .split(',')
    .map((tag) => /^"v(\d{1,15})"$/.exec(tag.trim())?.[1])
    .filter((version) => version !== undefined)
  if (versions.length !== 1) throw new ProblemError('stale', 'Read it again, then change it')
  return { ifVersion: Number(versions[0]) }
}
