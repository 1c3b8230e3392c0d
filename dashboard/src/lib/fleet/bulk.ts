/** What can be done with several sites at once. */
import type { Alarm, Ticket } from '@heliograph/crm-core/contracts'
import { takeBack } from '#lib/alarms/actions.ts'
import { api } from '#lib/api/api.ts'
import { toasts } from '#lib/state/toasts.svelte.ts'

/** As many sites as one request takes. */
const PART = 500

/** Acknowledges every open alarm of some sites, and says how to take that back. */
export async function acknowledgeSites(siteIds: readonly string[]): Promise<void> {
  const done: Alarm[] = []
  for (let from = 0; from < siteIds.length; from += PART) {
    const answer = await api.post<{ items: Alarm[] }>('/alarms/acknowledge', {
      siteIds: siteIds.slice(from, from + PART),
    })
    done.push(...answer.items)
  }
  if (done.length === 0) toasts.show('No alarm was open and new there', 'calm')
  else
    toasts.undoable(
      done.length === 1 ? '1 alarm acknowledged' : `${String(done.length)} alarms acknowledged`,
      async () => {
        await takeBack(done)
      },
    )
}

/** Moves sites to a unit, and tells what was changed after each part. */
export async function moveSites(
  siteIds: readonly string[],
  orgUnitId: string,
  told: (changed: readonly { id: string; orgUnitId: string }[]) => void,
): Promise<void> {
  for (let from = 0; from < siteIds.length; from += PART) {
    const body = { siteIds: siteIds.slice(from, from + PART), orgUnitId }
    told((await api.post<{ items: { id: string; orgUnitId: string }[] }>('/sites/unit', body)).items)
  }
}

/** More than a person mutes in one go. */
const MOST_ALARMS = 5000
/** From here on all open alarms are asked for once, instead of each site's. */
const FEW_SITES = 8
/** The alarms that are open at some sites. */
export async function openAlarmsOf(siteIds: readonly string[]): Promise<Alarm[]> {
  const wanted = new Set(siteIds)
  const found: Alarm[] = []
  const asked = siteIds.length <= FEW_SITES ? siteIds : [undefined]
  for (const siteId of asked) {
    const query = { open: true, historic: false, siteId }
    for await (const page of api.pages<Alarm>('/alarms', query, new AbortController().signal, MOST_ALARMS))
      found.push(...page.filter((alarm) => wanted.has(alarm.siteId)))
  }
  return found
}

/** Tickets opened in one go: more is a mistake of the hand. */
export const MOST_TICKETS = 50
/** One ticket for each site, all with one subject. */
export async function openTickets(siteIds: readonly string[], subject: string, description: string): Promise<Ticket[]> {
  const made: Ticket[] = []
  for (const siteId of siteIds.slice(0, MOST_TICKETS))
    made.push(await api.post<Ticket>('/tickets', { subject, siteId, ...(description ? { description } : {}) }))
  return made
}
