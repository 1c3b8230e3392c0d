import { z } from 'zod'
import { dayStart } from '@heliograph/crm-core'
import { ProblemError } from '@heliograph/crm-core/contracts'

const MAX_INSTANT = 8.64e15
/** A time in a query: RFC 3339, UTC milliseconds, or a bare date that means a site's local day. */
export type TimeInput = { at: number } | { date: string }

export const timeQuerySchema = z
  .string()
  .max(40)
  .transform((text, context): TimeInput => {
    const input = parse(text)
    if (input !== undefined) return input
    context.addIssue({ code: 'custom', message: 'is not a time: RFC 3339, UTC milliseconds or a date', input: text })
    return z.NEVER
  })
  .meta({ description: 'RFC 3339, UTC milliseconds, or a date (the local day of the site)' })

function parse(text: string): TimeInput | undefined {
  if (/^-?\d{1,16}$/.test(text)) {
    const at = Number(text)
    return Math.abs(at) <= MAX_INSTANT ? { at } : undefined
  }
  if (z.iso.date().safeParse(text).success) return { date: text }
  // A "+" in a query that nobody encoded arrives as a space; no instant has one there otherwise.
  const instant = text.replace(/ (?=\d{2}:\d{2}$)/, '+')
  if (!z.iso.datetime({ offset: true }).safeParse(instant).success) return undefined
  return { at: Date.parse(instant) }
}

/** UTC milliseconds; a bare date begins where the site's local day does. */
export const instantOf = (input: TimeInput, timezone: string): number =>
  'at' in input ? input.at : dayStart(timezone, input.date)

export interface Span {
  from: number
  to: number
}
/**
 * The window of a query. Without `to` it ends now, without `from` it begins `defaultMs` before its end.
 * @throws ProblemError `invalid_request` where it is empty or longer than `maxMs`
 */
export function spanOf(
  query: { from?: TimeInput | undefined; to?: TimeInput | undefined },
  timezone: string,
  { now, defaultMs, maxMs }: { now: number; defaultMs: number; maxMs: number },
): Span {
  const to = query.to === undefined ? now : instantOf(query.to, timezone)
  const from = query.from === undefined ? to - defaultMs : instantOf(query.from, timezone)
  if (from >= to) throw invalid('from', 'is not before to')
  if (to - from > maxMs) throw invalid('from', `the window is longer than ${Math.round(maxMs / 86_400_000)} days`)
  return { from, to }
}

function invalid(path: string, message: string): ProblemError {
  return new ProblemError('invalid_request', `${path}: ${message}`, { errors: [{ path, message }] })
}
