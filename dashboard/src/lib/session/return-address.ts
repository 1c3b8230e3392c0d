/**
 * Where to go after signing in. Only addresses within these pages count: a link that signs somebody in and sends them on to
 * another site would be a gift to phishers.
 */
export function safeReturn(next: string | null | undefined): string | undefined {
  if (!next || !next.startsWith('/') || next.startsWith('//') || next.includes('\\')) return undefined
  // Browsers drop these characters, so that "/\t/elsewhere" would become "//elsewhere".
  if (/[\u0000-\u0020]/.test(next)) return undefined
  const url = new URL(next, 'http://here.invalid')
  if (url.origin !== 'http://here.invalid' || url.pathname.startsWith('/sign-in')) return undefined
  return `${url.pathname}${url.search}${url.hash}`
}

/** Address of the sign-in page that leads back to here. */
export function signInAddress(pathname: string, search: string): string {
  const back = safeReturn(`${pathname}${search}`)
  return back === undefined || back === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(back)}`
}
