import { redirect } from '@sveltejs/kit'
import type { Site } from '@heliograph/crm-core/contracts'
import { api } from '#lib/api/api.ts'
import type { ListOf } from '#lib/api/client.ts'
import { homeOf } from '#lib/navigation/entries.ts'
import { session } from '#lib/session/session.svelte.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async ({ parent }) => {
  await parent()
  if (!session.me) redirect(307, '/sign-in')
  redirect(307, (await isEmpty()) ? '/start' : homeOf(session.me))
}

/** Whoever may make the first site and finds none is shown how. */
async function isEmpty(): Promise<boolean> {
  if (!session.may('site:write') || !session.may('connection:write')) return false
  try {
    return (await api.get<ListOf<Site>>('/sites', { query: { limit: 1 } })).items.length === 0
  } catch {
    return false
  }
}
