import { DEFAULT_SECRET_HEADER } from '@heliograph/crm-core/contracts'
import { sameSecret } from './constant-time.ts'
import { header, type Verdict, type Verify } from './types.ts'

/** The secret itself in a header: for vendors that can do no better. `Authorization: Bearer` counts too. */
export const sharedHeader =
  (name: string = DEFAULT_SECRET_HEADER): Verify =>
  (request, secrets): Verdict => {
    const given = header(request, name.toLowerCase()) ?? bearer(header(request, 'authorization'))
    if (!given) return { ok: false, reason: 'missing' }
    // Every secret is compared, so that the duration does not tell which one came close.
    const matches = secrets.filter((secret) => sameSecret(given, secret))
    return matches.length > 0 ? { ok: true } : { ok: false, reason: 'mismatch' }
  }

const bearer = (value: string | undefined) =>
  value !== undefined && /^bearer /i.test(value) ? value.slice(7).trim() : undefined
