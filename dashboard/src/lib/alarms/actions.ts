/** What can be done with alarms, and how it is taken back. */
import type { Alarm, Ticket } from '@heliograph/crm-core/contracts'
import { api } from '#lib/api/api.ts'

const path = (id: string) => `/alarms/${encodeURIComponent(id)}`
export const acknowledge = async (alarms: readonly Alarm[]): Promise<Alarm[]> => {
  const ids = alarms.map(({ id }) => id)
  const done: Alarm[] = []
  for (let from = 0; from < ids.length; from += 500)
    done.push(
      ...(await api.post<{ items: Alarm[] }>('/alarms/acknowledge', { ids: ids.slice(from, from + 500) })).items,
    )
  return done
}
export const mute = async (alarms: readonly Alarm[], until: Date, reason: string): Promise<Alarm[]> => {
  const done: Alarm[] = []
  for (const { id } of alarms)
    done.push(await api.post<Alarm>(`${path(id)}/mute`, { until: until.toISOString(), reason }))
  return done
}
/** Takes acknowledgements back. */
export const takeBack = (alarms: readonly Alarm[]): Promise<Alarm[]> => undo(alarms, 'acknowledge')
export const unmute = (alarms: readonly Alarm[]): Promise<Alarm[]> => undo(alarms, 'mute')
async function undo(alarms: readonly Alarm[], what: 'acknowledge' | 'mute'): Promise<Alarm[]> {
  const undone: Alarm[] = []
  for (const { id } of alarms) undone.push((await api.tagged<Alarm>('DELETE', `${path(id)}/${what}`)).data)
  return undone
}
/** One ticket for alarms of one cause; where that lies beyond a site, it is the company's own and no customer's. */
export const openTicket = (alarms: readonly Alarm[], subject = alarms[0]!.message) =>
  api.post<Ticket>('/tickets', {
    subject: subject.slice(0, 200),
    ...(alarms.every(({ siteId }) => siteId === alarms[0]!.siteId) && { siteId: alarms[0]!.siteId }),
    alarmIds: alarms.slice(0, 100).map(({ id }) => id),
  })
