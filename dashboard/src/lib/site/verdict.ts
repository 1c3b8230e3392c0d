/** A site's verdict as a sentence of the page: the words of the contract, with times on the site's clock. */
import {
  expectedSourceWords,
  verdictSentence,
  type ExpectedSource,
  type LiveSite,
  type SiteVerdict,
} from '@heliograph/crm-core/contracts'
import { clock, dateTime, localDate } from '../format/times.ts'

export interface Told {
  text: string
  /** What it rests on, in words; absent where nothing was compared. */
  basis?: string
  tone: 'good' | 'calm' | 'warn' | 'bad' | 'lost'
}

const TONES: Readonly<Record<SiteVerdict['kind'], Told['tone']>> = {
  'as-expected': 'good',
  'under-expected': 'warn',
  night: 'calm',
  curtailed: 'calm',
  clipped: 'good',
  fault: 'bad',
  'no-contact': 'lost',
  'never-heard': 'calm',
  'not-measured': 'calm',
}

function toneOf({ kind, producing, deviceName }: SiteVerdict): Told['tone'] {
  if (kind === 'under-expected' && producing === false) return 'bad'
  // Not judged as a whole, yet something is known to be wrong.
  if (kind === 'not-measured' && deviceName !== undefined) return 'warn'
  return TONES[kind]
}

/** @param now UTC milliseconds: times of another local day are told with their date */
export function tellVerdict(
  live: Pick<LiveSite, 'verdict'> | undefined,
  { zone, locale, now }: { zone: string; locale: string; now: number },
): Told | undefined {
  const verdict = live?.verdict
  if (!verdict) return undefined
  const today = localDate(now, zone)
  const time = (at: number) => (localDate(at, zone) === today ? clock(at, zone, locale) : dateTime(at, zone, locale))
  return {
    text: verdictSentence(verdict, { time }),
    ...(verdict.source ? { basis: expectedSourceWords(verdict.source) } : {}),
    tone: toneOf(verdict),
  }
}

const SOURCES: readonly string[] = ['irradiance', 'weather', 'peers'] satisfies ExpectedSource[]
/** Words for the `source` of an expected series; undefined where it rests on nothing. */
export function sourceWords(source: string | null | undefined): string | undefined {
  if (source === 'mixed') return 'several sources'
  return source && SOURCES.includes(source) ? expectedSourceWords(source as ExpectedSource) : undefined
}
