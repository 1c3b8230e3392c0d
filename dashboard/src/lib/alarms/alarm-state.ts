/** What an alarm is at a moment: acknowledged and cleared are independent of each other. */
import type { Alarm } from '@heliograph/crm-core/contracts'

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
