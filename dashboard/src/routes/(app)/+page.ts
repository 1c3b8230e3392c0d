import { redirect } from '@sveltejs/kit'
import { homeOf } from '#lib/navigation/entries.ts'
import { session } from '#lib/session/session.svelte.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent }) => {
  await parent()
  redirect(307, session.me ? homeOf(session.me) : '/sign-in')
}
