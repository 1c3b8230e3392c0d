/** The fleet as it was listed last: a site that is opened from it has its name and its figures before it has answered itself. */
import type { ListedSite } from './rows.ts'

let sites: readonly ListedSite[] = []

export function keepList(listed: readonly ListedSite[]): void {
  // A list that is only just being asked for knows less than the one before.
  if (listed.length > 0) sites = listed
}
export const lastListed = (id: string): ListedSite | undefined => sites.find((site) => site.id === id)
