/** What can be done with an alarm. */
import type { Alarm, Ticket } from '@heliograph/crm-core/contracts'
import { api } from '#lib/api/api.ts'

export const acknowledge = (id: string) => api.post<Alarm>(`/alarms/${encodeURIComponent(id)}/acknowledge`)
export const mute = (id: string, until: Date, reason: string) =>
  api.post<Alarm>(`/alarms/${encodeURIComponent(id)}/mute`, { until: until.toISOString(), reason })
export const openTicket = (alarm: Alarm) =>
  api.post<Ticket>('/tickets', { subject: alarm.message.slice(0, 200), siteId: alarm.siteId, alarmIds: [alarm.id] })

/** How long an alarm may be silenced in one go. */
export const MUTE_SPANS = [
  { key: '1h', name: 'For 1 hour', ms: 3_600_000 },
  { key: '8h', name: 'For 8 hours', ms: 8 * 3_600_000 },
  { key: '1d', name: 'For 1 day', ms: 86_400_000 },
  { key: '1w', name: 'For 1 week', ms: 7 * 86_400_000 },
  { key: '4w', name: 'For 4 weeks', ms: 28 * 86_400_000 },
] as const

export interface AlarmState {
  open: boolean
  acknowledged: boolean
  muted: boolean
}
export function alarmState(alarm: Alarm, now: number): AlarmState {
  return {
    open: alarm.clearedAt === null,
    acknowledged: alarm.acknowledgedAt !== null,
    muted: alarm.mutedUntil !== null && Date.parse(alarm.mutedUntil) > now,
  }
}
