/** The one client of the pages. */
import { session } from '#lib/session/session.svelte.ts'
import { ApiClient } from './client.ts'

export const api = new ApiClient({
  fetch: (input, init) => fetch(input, init),
  signInAgain: () => session.signInAgain(),
})
