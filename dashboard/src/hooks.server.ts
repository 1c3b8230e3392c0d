import type { Handle } from '@sveltejs/kit/hooks'
import { render } from 'svelte/server'
import { firstRequests } from '#lib/api/first-requests.ts'
import Shell from '#lib/frame/Shell.svelte'
import { signInAddress } from '#lib/session/return-address.ts'

export const handle: Handle = async ({ event, resolve }) => {
  // Pages of the frame are drawn in the browser; what can be said before is in their document.
  const framed = event.route.id?.startsWith('/(app)') ?? false
  const { pathname, search } = event.url
  if (framed && !event.cookies.getAll().some(({ name }) => name.endsWith('helio_session')))
    return new Response(null, { status: 307, headers: { location: signInAddress(pathname, search) } })
  const shell = framed ? render(Shell, { props: { pathname } }).body : ''
  const first = framed ? JSON.stringify(firstRequests(pathname, search)).replaceAll('<', String.raw`\u003c`) : '[]'
  return withMapOrigins(
    await resolve(event, {
      transformPageChunk: ({ html }) =>
        named(lookFirst(html))
          .replace('%helio.first%', () => first)
          .replace('%helio.shell%', () => shell),
    }),
  )
}

/** A page that is drawn in the browser says its name only there; until then the tab, and whoever hears it read, has the product's. */
const named = (html: string): string =>
  html.includes('<title>') ? html : html.replace('</head>', () => '<title>Heliograph</title></head>')

/**
 * What is seen comes before what runs: the few connections of HTTP/1.1 would carry every script before the style sheet otherwise, and
 * the page stay white until the last of them.
 */
function lookFirst(html: string): string {
  const sheets: string[] = []
  const without = html.replace(/\n?\s*<link [^>]*rel="stylesheet"[^>]*>/g, (sheet) => {
    sheets.push(sheet.trim())
    return ''
  })
  return without
    .replaceAll('rel="modulepreload"', 'rel="modulepreload" fetchpriority="low"')
    .replace('%helio.sheets%', () => sheets.join(''))
}

/**
 * The policy of a document is made when the pages are built; where a map's style and tiles come from is known only to the
 * server that runs them. Its origins are let in for what a map loads: data and pictures, never scripts.
 */
function withMapOrigins(response: Response): Response {
  const origins = process.env['HELIO_PAGE_MAP_ORIGINS'] ?? ''
  const policy = response.headers.get('content-security-policy')
  if (origins === '' || policy === null) return response
  response.headers.set(
    'content-security-policy',
    policy.replace(/\b(connect-src|img-src) /g, (directive) => `${directive}${origins} `),
  )
  return response
}
