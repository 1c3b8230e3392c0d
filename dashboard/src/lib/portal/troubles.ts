/** Known trouble in plain words: what is the matter, since when, and what is being done. No codes, no words of the trade. */
import type { Alarm } from '@heliograph/crm-core/contracts'
import { toMs } from '../format/times.ts'

export interface Trouble {
  key: string
  siteId: string
  text: string
  /** What it means for the customer. */
  meaning: string
  since: number
  /** When somebody first said to have seen it, UTC milliseconds; `undefined`: it was told, but nobody has said so yet. */
  acknowledgedAt: number | undefined
  /** Somebody works on it. */
  ticketId: string | undefined
}

const WORDS: Readonly<Record<string, { text: string; meaning: string }>> = {
  'dead-string': {
    text: 'A part of your panels gives nothing.',
    meaning: 'The rest produces as usual.',
  },
  'device-silent': {
    text: 'We have lost contact with a part of your system.',
    meaning: 'It may well be producing. Often it is the internet at the house: please check that your router is on.',
  },
  'inverter-fault': {
    text: 'An inverter has stopped by itself.',
    meaning: 'It does so to stay safe. Until it runs again it produces nothing.',
  },
  soiling: {
    text: 'Your panels have become dirty.',
    meaning: 'They make less than when they were clean. Rain may wash them; we look at whether cleaning pays.',
  },
  underperformance: {
    text: 'Your system has been making less than the sun would give.',
    meaning: 'We look for the reason: shade, dirt, snow, or something broken.',
  },
  'zero-power': {
    text: 'Your system gives nothing although there is sun.',
    meaning: 'Please check whether a fuse or the main switch is off.',
  },
}
const OTHER = { text: 'Something about your system needs a look.', meaning: 'We will find out what it is.' }

/** Open alarms of systems, one entry for each system and kind, newest first; what is only for information is left out. */
export function troublesOf(alarms: readonly Alarm[]): Trouble[] {
  const found = new Map<string, Trouble>()
  for (const alarm of alarms) {
    if (alarm.clearedAt !== null || alarm.severity === 'info' || alarm.historic) continue
    const key = `${alarm.siteId} ${alarm.type}`
    const since = toMs(alarm.raisedAt)
    const seen = alarm.acknowledgedAt === null ? undefined : toMs(alarm.acknowledgedAt)
    const before = found.get(key)
    if (before) {
      before.since = Math.min(before.since, since)
      before.ticketId ??= alarm.ticketId ?? undefined
      before.acknowledgedAt = earliest(before.acknowledgedAt, seen)
      continue
    }
    found.set(key, {
      key,
      siteId: alarm.siteId,
      ...(WORDS[alarm.type] ?? OTHER),
      since,
      acknowledgedAt: seen,
      ticketId: alarm.ticketId ?? undefined,
    })
  }
  return [...found.values()].sort((a, b) => b.since - a.since)
}

const earliest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
