/** What a signature is judged by: the request as it came, nothing parsed. */
export interface SignedRequest {
  /** Header names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>
  /** The address the sender called: public origin, path and query. */
  url: string
  contentType: string | undefined
  body: Uint8Array
  /** UTC milliseconds. */
  now: number
}
export type Verdict =
  | { ok: true; /** The sender's id of the message, where the scheme has one. */ messageId?: string }
  | { ok: false; reason: 'missing' | 'expired' | 'mismatch' }

/** One scheme: the request against any of the secrets that are valid now (two while a rotation overlaps). */
export type Verify = (request: SignedRequest, secrets: readonly string[]) => Verdict

export function header(request: SignedRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}
