import {
  ProblemError,
  type AlarmMute,
  type AlarmsAcknowledge,
  type Caller,
  type Row,
  type SiteId,
  type WriteTx,
} from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { narrowCaller } from '../rights/callers.ts'
import { addEntry } from './tickets.ts'

export function emitAlarm(tx: WriteTx, alarm: Row<'alarm'>): void {
  tx.emit({
    type: 'record.changed',
    resource: 'alarm',
    id: alarm.id,
    siteId: alarm.siteId as SiteId,
    tenantId: alarm.tenantId as never,
  })
}

export function createAlarms({ db, now }: CrmDeps) {
  const as = (caller: Caller) => db.as(narrowCaller(caller, 'alarm:write'))

  /** Somebody has seen it. Says nothing about whether it is over; a second time changes nothing. */
  async function acknowledge(caller: Caller, id: string): Promise<Row<'alarm'>> {
    return await as(caller).transaction(async (tx) => {
      const alarm = await tx.get('alarm', id)
      if (alarm.acknowledgedAt !== null) return alarm
      const row = await tx.update('alarm', id, { acknowledgedAt: new Date(now()), acknowledgedById: caller.id })
      await tellTicket(tx, row, caller, 'Alarm acknowledged')
      emitAlarm(tx, row)
      return row
    })
  }

  /** No tickets and no messages for the same thing (site, device, type) until then. The alarm itself stays and is judged on. */
  async function mute(caller: Caller, id: string, input: AlarmMute): Promise<Row<'alarm'>> {
    if (input.until.getTime() <= now())
      throw new ProblemError('invalid_fields', undefined, { errors: [{ path: 'until', message: 'is in the past' }] })
    return await as(caller).transaction(async (tx) => {
      const row = await tx.update('alarm', id, { mutedUntil: input.until, muteReason: input.reason })
      await tellTicket(tx, row, caller, `Alarm muted until ${input.until.toISOString()}: ${input.reason}`)
      emitAlarm(tx, row)
      return row
    })
  }

  /** Takes an acknowledgement back: nobody is on it after all. */
  async function unacknowledge(caller: Caller, id: string): Promise<Row<'alarm'>> {
    return await as(caller).transaction(async (tx) => {
      const alarm = await tx.get('alarm', id)
      if (alarm.acknowledgedAt === null) return alarm
      const row = await tx.update('alarm', id, { acknowledgedAt: null, acknowledgedById: null })
      await tellTicket(tx, row, caller, 'Acknowledgement taken back')
      emitAlarm(tx, row)
      return row
    })
  }

  /** Every open alarm of some sites, or those named, in one go. @returns those that this call acknowledged */
  async function acknowledgeMany(caller: Caller, { siteIds, ids }: AlarmsAcknowledge): Promise<Row<'alarm'>[]> {
    return await as(caller).transaction(async (tx) => {
      const open = await tx.find('alarm', {
        where: {
          clearedAt: null,
          acknowledgedAt: null,
          ...(siteIds === undefined ? {} : { siteId: { in: siteIds } }),
          ...(ids === undefined ? {} : { id: { in: ids } }),
        },
      })
      const rows: Row<'alarm'>[] = []
      for (const { id } of open) {
        const row = await tx.update('alarm', id, { acknowledgedAt: new Date(now()), acknowledgedById: caller.id })
        await tellTicket(tx, row, caller, 'Alarm acknowledged')
        emitAlarm(tx, row)
        rows.push(row)
      }
      return rows
    })
  }

  async function unmute(caller: Caller, id: string): Promise<Row<'alarm'>> {
    return await as(caller).transaction(async (tx) => {
      const alarm = await tx.get('alarm', id)
      if (alarm.mutedUntil === null) return alarm
      const row = await tx.update('alarm', id, { mutedUntil: null, muteReason: null })
      await tellTicket(tx, row, caller, 'Alarm no longer muted')
      emitAlarm(tx, row)
      return row
    })
  }

  async function tellTicket(tx: WriteTx, alarm: Row<'alarm'>, caller: Caller, text: string): Promise<void> {
    if (alarm.ticketId === null) return
    await addEntry(
      tx,
      { id: alarm.ticketId, tenantId: alarm.tenantId },
      { kind: 'alarm', isPublic: false, authorId: caller.id, text, data: { alarmId: alarm.id } },
    )
  }

  return { acknowledge, unacknowledge, acknowledgeMany, mute, unmute }
}
