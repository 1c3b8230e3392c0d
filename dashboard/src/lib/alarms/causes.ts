/** Open alarms as a technician takes them: one row for each cause, however many devices and sites tell of it. */
import type { Alarm, Incident, Severity } from '@heliograph/crm-core/contracts'
import { SEVERITIES } from '#lib/components/marks.ts'
import { alarmState } from './alarm-state.ts'

export interface Cause {
  key: string
  siteId: string
  /** Several where the cause lies beyond a site. */
  siteIds: readonly string[]
  incidentId: string | undefined
  /** What is wrong, in the words of its worst alarm. */
  message: string
  type: string
  severity: Severity
  /** When the first of them was raised, UTC milliseconds. */
  since: number
  /** Worst first, then oldest first. */
  alarms: readonly Alarm[]
  /** True only where it holds for all of them. */
  acknowledged: boolean
  muted: boolean
  ticketId: string | null
  /**
   * What the sites of it have lost today, each counted once, whatever else is wrong there; `undefined`: measured at none of them. A site
   * with two causes lost it under both: nobody can say which of them took it.
   */
  lossWh: number | undefined
  /** At how many of its sites that is measured. */
  lossSites: number
}

/** What an incident is, in one line. */
export function incidentWords(
  { cause, type }: Pick<Incident, 'cause' | 'type'>,
  sites: number,
  message: string,
): string {
  const many = `${String(sites)} ${sites === 1 ? 'site' : 'sites at once'}`
  const what = type === 'device-silent' ? `No contact with ${many}` : `${message}, at ${many}`
  return `${what}: ${cause === 'grid' ? 'the grid of their street is the likely cause' : 'something they share is the likely cause'}`
}

/**
 * By incident where alarms of several sites have one cause, else by kind at the site. What nobody has seen yet comes first, then what
 * is worst, then what costs most; where the loss is not measured it is neither much nor little, and comes after.
 * @param incidents those that are open
 * @param lossOf what a site has lost today, Wh; `undefined`: not measured
 */
export function causesOf(
  alarms: readonly Alarm[],
  now: number,
  incidents: readonly Incident[] = [],
  lossOf: (siteId: string) => number | undefined = () => undefined,
): Cause[] {
  const known = new Map(incidents.map((incident) => [incident.id, incident]))
  const groups = Map.groupBy(alarms, ({ siteId, incidentId, type }) =>
    incidentId === null ? `${siteId} ${type}` : `incident ${incidentId}`,
  )
  const causes = [...groups].map(([key, members]): Cause => {
    const sorted = members.toSorted(
      (a, b) => rank(a.severity) - rank(b.severity) || Date.parse(a.raisedAt) - Date.parse(b.raisedAt),
    )
    const worst = sorted[0]!
    const siteIds = [...new Set(sorted.map(({ siteId }) => siteId))]
    const incident = worst.incidentId === null ? undefined : known.get(worst.incidentId)
    const losses = siteIds.map(lossOf).filter((loss) => loss !== undefined)
    const states = sorted.map((alarm) => alarmState(alarm, now))
    return {
      key,
      siteId: worst.siteId,
      siteIds,
      incidentId: worst.incidentId ?? undefined,
      message:
        incident || siteIds.length > 1
          ? incidentWords(incident ?? { cause: 'widespread', type: worst.type }, siteIds.length, worst.message)
          : worst.message,
      type: worst.type,
      severity: worst.severity,
      since: Math.min(...sorted.map(({ raisedAt }) => Date.parse(raisedAt))),
      alarms: sorted,
      acknowledged: states.every(({ acknowledged }) => acknowledged),
      muted: states.every(({ muted }) => muted),
      ticketId: sorted.find(({ ticketId }) => ticketId !== null)?.ticketId ?? null,
      lossWh: losses.length === 0 ? undefined : losses.reduce((sum, loss) => sum + loss, 0),
      lossSites: losses.length,
    }
  })
  const seen = ({ acknowledged, muted }: Cause) => (muted ? 2 : acknowledged ? 1 : 0)
  return causes.sort(
    (a, b) =>
      seen(a) - seen(b) ||
      rank(a.severity) - rank(b.severity) ||
      (b.lossWh ?? -1) - (a.lossWh ?? -1) ||
      a.since - b.since ||
      (a.key < b.key ? -1 : 1),
  )
}
const rank = (severity: Severity): number => SEVERITIES.indexOf(severity)

export type TriageRow = { cause: Cause; alarm?: undefined } | { cause: Cause; alarm: Alarm }
export const triageKey = ({ cause, alarm }: TriageRow): string => (alarm ? `alarm ${alarm.id}` : cause.key)
/** Causes, and under those that are open their single alarms. */
export function triageRows(causes: readonly Cause[], open: ReadonlySet<string>): TriageRow[] {
  return causes.flatMap((cause): TriageRow[] =>
    open.has(cause.key) && cause.alarms.length > 1
      ? [{ cause }, ...cause.alarms.map((alarm) => ({ cause, alarm }))]
      : [{ cause }],
  )
}
export const alarmsOf = ({ cause, alarm }: TriageRow): readonly Alarm[] => (alarm ? [alarm] : cause.alarms)

/** What a person has picked, each alarm once: a cause and one of its own alarms may both be picked. */
export function alarmsOfRows(rows: readonly TriageRow[]): readonly Alarm[] {
  return [...new Map(rows.flatMap(alarmsOf).map((alarm) => [alarm.id, alarm])).values()]
}

export const TRIAGE_STATES = ['new', 'acknowledged', 'muted'] as const
export type TriageState = (typeof TRIAGE_STATES)[number]
export function causeState({ acknowledged, muted }: Cause): TriageState {
  return muted ? 'muted' : acknowledged ? 'acknowledged' : 'new'
}

/** Alarms with some of them changed, without those that are over. */
export function stillOpen(alarms: readonly Alarm[], changed: readonly Alarm[]): Alarm[] {
  const byId = new Map(changed.map((alarm) => [alarm.id, alarm]))
  return alarms.map((alarm) => byId.get(alarm.id) ?? alarm).filter(({ clearedAt }) => clearedAt === null)
}
