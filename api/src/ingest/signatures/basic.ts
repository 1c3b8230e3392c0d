import { sameSecret } from './constant-time.ts'
import { header, type Verdict, type Verify } from './types.ts'

/** HTTP Basic (RFC 7617) with the connection's user name and secret. */
export const basic =
  (username: string): Verify =>
  (request, secrets): Verdict => {
    const given = header(request, 'authorization')
    if (given === undefined || !/^basic /i.test(given)) return { ok: false, reason: 'missing' }
    const pair = Buffer.from(given.slice(6).trim(), 'base64').toString('utf8')
    const matches = secrets.filter((secret) => sameSecret(pair, `${username}:${secret}`))
    return matches.length > 0 ? { ok: true } : { ok: false, reason: 'mismatch' }
  }
