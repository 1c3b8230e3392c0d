import { createHmac, timingSafeEqual } from 'node:crypto'
import { header, type Verdict, type Verify } from './types.ts'

/** A signature older or newer than this is refused (Standard Webhooks specification, "Verifying webhook authenticity"). */
export const TIMESTAMP_TOLERANCE_S = 5 * 60
/** Senders sign with at most a few keys at once; more are not looked at. */
const MAX_SIGNATURES = 10
const MAX_ID_LENGTH = 200

/**
 * Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks, symmetric `v1`): HMAC-SHA256 over
 * `id.timestamp.body`, several signatures separated by spaces.
 * @param toleranceS seconds the timestamp may lie off the clock
 */
export const standardWebhooks =
  (toleranceS: number = TIMESTAMP_TOLERANCE_S): Verify =>
  (request, secrets): Verdict => {
    const id = header(request, 'webhook-id')
    const timestamp = header(request, 'webhook-timestamp')
    const signatures = header(request, 'webhook-signature')
    if (!id || id.length > MAX_ID_LENGTH || !timestamp || !signatures) return { ok: false, reason: 'missing' }
    if (!/^\d{1,12}$/.test(timestamp)) return { ok: false, reason: 'mismatch' }

    const given = signatures
      .split(' ', MAX_SIGNATURES)
      .filter((part) => part.startsWith('v1,'))
      .map((part) => Buffer.from(part.slice(3), 'base64'))
    for (const secret of secrets) {
      const expected = createHmac('sha256', key(secret)).update(`${id}.${timestamp}.`).update(request.body).digest()
      if (given.some((signature) => signature.length === expected.length && timingSafeEqual(signature, expected))) {
        // Only after the signature holds: a stranger learns nothing of our clock.
        const late = Math.abs(request.now / 1000 - Number(timestamp)) > toleranceS
        return late ? { ok: false, reason: 'expired' } : { ok: true, messageId: id }
      }
    }
    return { ok: false, reason: 'mismatch' }
  }

/** Secrets are base64 behind `whsec_`; one without the prefix is taken as its bytes. */
function key(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret, 'utf8')
}
