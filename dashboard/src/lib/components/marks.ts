/** Icon, word and tone of every status that the pages show. A colour never stands alone. */
import type {
  BrokerStatus,
  DeviceStatus,
  NOTIFICATION_STATES,
  Severity,
  SiteStatus,
  TicketPriority,
  TicketStatus,
} from '@heliograph/crm-core/contracts'
import type { ValueState } from '../live/value-state.ts'
import type { IconName } from './icons.ts'

export type Tone = 'good' | 'calm' | 'warn' | 'bad' | 'lost' | 'accent'
export interface Mark {
  icon: IconName
  word: string
  tone: Tone
}

export const TONE_CLASSES: Readonly<Record<Tone, { ink: string; soft: string }>> = {
  good: { ink: 'text-good', soft: 'bg-good-soft' },
  calm: { ink: 'text-calm', soft: 'bg-calm-soft' },
  warn: { ink: 'text-warn', soft: 'bg-warn-soft' },
  bad: { ink: 'text-bad', soft: 'bg-bad-soft' },
  lost: { ink: 'text-lost', soft: 'bg-lost-soft' },
  accent: { ink: 'text-accent-ink', soft: 'bg-accent-soft' },
}

const SITE: Readonly<Record<SiteStatus, Mark>> = {
  producing: { icon: 'sun', word: 'Producing', tone: 'good' },
  idle: { icon: 'moon', word: 'Idle', tone: 'calm' },
  degraded: { icon: 'warning', word: 'Degraded', tone: 'warn' },
  down: { icon: 'stop', word: 'Down', tone: 'bad' },
  silent: { icon: 'lost', word: 'No contact', tone: 'lost' },
  unknown: { icon: 'question', word: 'Not seen yet', tone: 'calm' },
}
/** Night is shown as night: an idle site in the dark rests, it is not merely idle. */
export function siteMark(status: SiteStatus | undefined, night = false): Mark {
  if (status === 'idle' && night) return { icon: 'moon', word: 'Night', tone: 'calm' }
  return SITE[status ?? 'unknown'] ?? SITE.unknown
}

/** The mark of several sites of one status, of which so many lie in the dark. */
export function sitesMark(status: SiteStatus, count: number, nights: number): Mark {
  if (status !== 'idle' || nights === 0) return siteMark(status)
  return nights >= count ? siteMark(status, true) : { icon: 'moon', word: 'Idle or night', tone: 'calm' }
}

const DEVICE: Readonly<Record<DeviceStatus, Mark>> = {
  off: { icon: 'moon', word: 'Off', tone: 'calm' },
  sleeping: { icon: 'moon', word: 'Sleeping', tone: 'calm' },
  starting: { icon: 'refresh', word: 'Starting', tone: 'calm' },
  producing: { icon: 'sun', word: 'Producing', tone: 'good' },
  throttled: { icon: 'warning', word: 'Throttled', tone: 'warn' },
  standby: { icon: 'moon', word: 'Standby', tone: 'calm' },
  fault: { icon: 'stop', word: 'Fault', tone: 'bad' },
  unreachable: { icon: 'lost', word: 'No contact', tone: 'lost' },
}
/**
 * @param heard how it was heard last: meters and sensors tell values and no status of their own
 * @param night it is dark over its site: an inverter that lives on the light of its modules is not lost then
 */
export function deviceMark(
  status: string | null | undefined,
  { heard = 'never', night = false }: { heard?: ValueState; night?: boolean } = {},
): Mark {
  if (status === 'unreachable' && night) return { icon: 'moon', word: 'Night', tone: 'calm' }
  const known = DEVICE[status as DeviceStatus] as Mark | undefined
  if (known) return known
  if (heard === 'never') return SITE.unknown
  return heard === 'stale'
    ? { icon: 'question', word: 'Quiet', tone: 'calm' }
    : { icon: 'check', word: 'Reporting', tone: 'good' }
}

const BROKER: Readonly<Record<BrokerStatus['state'], Mark>> = {
  connected: { icon: 'check', word: 'Connected', tone: 'good' },
  connecting: { icon: 'refresh', word: 'Connecting', tone: 'calm' },
  failed: { icon: 'stop', word: 'Not connected', tone: 'bad' },
  off: { icon: 'stop', word: 'Off', tone: 'calm' },
  unknown: { icon: 'question', word: 'Not tried yet', tone: 'calm' },
}
/** @param troubled something is wrong although it is connected: a part is refused, or left out */
export function brokerMark(state: BrokerStatus['state'], troubled: boolean): Mark {
  if (state === 'connected' && troubled) return { icon: 'warning', word: 'Connected in part', tone: 'warn' }
  return BROKER[state] ?? BROKER.unknown
}

const SEVERITY: Readonly<Record<Severity, Mark>> = {
  critical: { icon: 'stop', word: 'Critical', tone: 'bad' },
  major: { icon: 'warning', word: 'Major', tone: 'warn' },
  minor: { icon: 'alarm', word: 'Minor', tone: 'calm' },
  info: { icon: 'question', word: 'Info', tone: 'calm' },
}
/** Every severity, worst first. */
export const SEVERITIES = Object.keys(SEVERITY) as Severity[]
export function severityMark(severity: Severity): Mark {
  return SEVERITY[severity] ?? SEVERITY.info
}

const TICKET: Readonly<Record<TicketStatus, Mark>> = {
  new: { icon: 'plus', word: 'New', tone: 'accent' },
  open: { icon: 'ticket', word: 'Open', tone: 'warn' },
  pending: { icon: 'moon', word: 'Pending', tone: 'calm' },
  scheduled: { icon: 'table', word: 'Scheduled', tone: 'lost' },
  resolved: { icon: 'checkCircle', word: 'Resolved', tone: 'good' },
  closed: { icon: 'check', word: 'Closed', tone: 'calm' },
}
/** Every ticket status in the order a ticket goes through them. */
export const TICKET_STATUSES = Object.keys(TICKET) as TicketStatus[]
export function ticketMark(status: TicketStatus): Mark {
  return TICKET[status] ?? TICKET.open
}

const PRIORITY: Readonly<Record<TicketPriority, Mark>> = {
  urgent: { icon: 'stop', word: 'Urgent', tone: 'bad' },
  high: { icon: 'chevronUp', word: 'High', tone: 'warn' },
  normal: { icon: 'more', word: 'Normal', tone: 'calm' },
  low: { icon: 'chevronDown', word: 'Low', tone: 'calm' },
}
/** Every priority, most urgent first. */
export const TICKET_PRIORITIES = Object.keys(PRIORITY) as TicketPriority[]
export function priorityMark(priority: TicketPriority): Mark {
  return PRIORITY[priority] ?? PRIORITY.normal
}

const NOTIFICATION: Readonly<Record<(typeof NOTIFICATION_STATES)[number], Mark>> = {
  queued: { icon: 'refresh', word: 'Queued', tone: 'calm' },
  sent: { icon: 'checkCircle', word: 'Sent', tone: 'good' },
  failed: { icon: 'stop', word: 'Failed', tone: 'bad' },
}
export function notificationMark(state: (typeof NOTIFICATION_STATES)[number]): Mark {
  return NOTIFICATION[state] ?? NOTIFICATION.queued
}
