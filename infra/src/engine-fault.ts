/** What an operator has to mend before an engine can be used: one line that names the setting, and nothing secret. */
export class EngineFaultError extends Error {
  constructor(setting: string, what: string, options?: { cause?: unknown }) {
    super(`${setting}: ${what}`, options)
    this.name = 'EngineFaultError'
  }
}

const TLS_CODES: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an authority that this machine does not know',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an authority that this machine does not know',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by an authority that this machine does not know',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
}

/** Clients that wrap an error keep its text and lose its code. */
const CODES_IN_TEXT: readonly (readonly [RegExp, string])[] = [
  [/\b(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ECONNRESET|EPIPE)\b/, '$1'],
  [/self-signed certificate in certificate chain/, 'SELF_SIGNED_CERT_IN_CHAIN'],
  [/self-signed certificate/, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  [/unable to verify the first certificate|unable to get local issuer/, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  [/certificate has expired/, 'CERT_HAS_EXPIRED'],
  [/does not match certificate's altnames/, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  [/\bSSL routines\b|wrong version number/, 'EPROTO'],
]

/** The codes of an error and of all that caused it, outermost first. */
function codesOf(error: unknown): string[] {
  const codes: string[] = []
  const seen = new Set<unknown>()
  const visit = (each: unknown): void => {
    if (typeof each !== 'object' || each === null || seen.has(each) || seen.size > 20) return
    seen.add(each)
    const { code, message, cause, errors } = each as Record<'code' | 'message' | 'cause' | 'errors', unknown>
    if (typeof code === 'string') codes.push(code)
    if (typeof message === 'string') {
      const known = CODES_IN_TEXT.find(([pattern]) => pattern.test(message))
      if (known) codes.push(known[0].exec(message)?.[1] ?? known[1])
    }
    visit(cause)
    if (Array.isArray(errors)) errors.forEach(visit)
  }
  visit(error)
  return codes
}

/**
 * Why an address cannot be reached, in words; undefined where the error is not about reaching it.
 * @param address host and port as a person would write them
 */
export function whyUnreachable(error: unknown, address: string): string | undefined {
  const codes = codesOf(error)
  const has = (...some: string[]): boolean => some.some((code) => codes.includes(code))
  const tls = codes.find((code) => Object.hasOwn(TLS_CODES, code))
  if (tls !== undefined)
    return `${address} cannot be trusted: ${TLS_CODES[tls]!}; mend the certificate, or name its authority in NODE_EXTRA_CA_CERTS`
  if (has('ENOTFOUND', 'EAI_AGAIN', 'EDNS')) return `there is no host for ${address}; is the name right?`
  if (has('ECONNREFUSED')) return `nothing listens on ${address}; is the port right, and does the server run?`
  if (has('EHOSTUNREACH', 'ENETUNREACH')) return `there is no way from this machine to ${address}`
  if (
    codes.some((code) => code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO') ||
    has('ETLS')
  )
    return `${address} does not speak TLS as asked; does the scheme fit the port?`
  if (has('ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT'))
    return `${address} does not answer in time; are host and port right, and is the way open?`
  if (has('ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET')) return `${address} closed the connection; do scheme and port fit?`
  return undefined
}

/** Host and port of an engine's URL, for people. */
export const addressOf = (url: URL, defaultPort: number): string => `${url.hostname}:${url.port || defaultPort}`
