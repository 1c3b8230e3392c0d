import { createHash, createHmac } from 'node:crypto'
import { sameSecret } from './constant-time.ts'
import { header, type SignedRequest, type Verdict, type Verify } from './types.ts'

/**
 * Twilio-style (https://www.twilio.com/docs/usage/security#validating-requests): HMAC-SHA1 in base64 over the called URL,
 * followed for form bodies by every parameter's name and value in the order of the names. Other bodies carry their
 * SHA-256 in the query as `bodySHA256`, and the URL alone is signed.
 */
export const twilio: Verify = (request, secrets): Verdict => {
  const signature = header(request, 'x-twilio-signature')
  if (!signature) return { ok: false, reason: 'missing' }
  const text = signedText(request)
  if (text === undefined) return { ok: false, reason: 'mismatch' }
  for (const secret of secrets) {
    for (const url of urlVariants(request.url)) {
      const expected = createHmac('sha1', secret)
        .update(url + text)
        .digest('base64')
      if (sameSecret(signature, expected)) return { ok: true }
    }
  }
  return { ok: false, reason: 'mismatch' }
}

/** What is signed after the URL; undefined where the body is not the one that was signed. */
function signedText(request: SignedRequest): string | undefined {
  const claimed = new URL(request.url).searchParams.get('bodySHA256')
  if (claimed !== null) {
    const actual = createHash('sha256').update(request.body).digest('hex')
    return sameSecret(claimed.toLowerCase(), actual) ? '' : undefined
  }
  if (request.contentType?.split(';', 1)[0]?.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    // Without a digest nothing would bind the body to the signature.
    return request.body.length === 0 ? '' : undefined
  }
  const values = new Map<string, Set<string>>()
  for (const [name, value] of new URLSearchParams(Buffer.from(request.body).toString('utf8'))) {
    const known = values.get(name)
    if (known) known.add(value)
    else values.set(name, new Set([value]))
  }
  let text = ''
  for (const name of [...values.keys()].sort()) {
    for (const value of [...values.get(name)!].sort()) text += name + value
  }
  return text
}

/** Twilio signs some addresses with and some without the default port. */
function urlVariants(url: string): string[] {
  const parsed = new URL(url)
  if (parsed.port !== '') return [url, url.replace(`:${parsed.port}`, '')]
  return [url, url.replace(parsed.host, `${parsed.host}:${parsed.protocol === 'https:' ? 443 : 80}`)]
}
