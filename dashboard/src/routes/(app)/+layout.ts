import { redirect } from '@sveltejs/kit'
import { asApiError } from '#lib/api/problem.ts'
import { me } from '#lib/session/auth.ts'
import { signInAddress } from '#lib/session/return-address.ts'
import { session } from '#lib/session/session.svelte.ts'
import type { LayoutLoad } from './$types'

// Drawn in the browser: everything here lives off the session, the API and the socket.
export const ssr = false

export const load: LayoutLoad = async ({ url, untrack }) => {
  if (session.me) return
  try {
    session.me = await me()
  } catch (error) {
    const failure = asApiError(error)
    if (failure.status !== 401) throw failure
    // The address is read without being tracked: the frame need not ask again on every page.
    redirect(
      307,
      untrack(() => signInAddress(url.pathname, url.search)),
    )
  }
}
