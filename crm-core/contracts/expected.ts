/** What a site should give against what it gives: words that worker, API and pages share. */

/** What an expectation rests on, best first. Without any of them the answer is "not measured". */
export const EXPECTED_SOURCES = ['irradiance', 'weather', 'peers'] as const
export type ExpectedSource = (typeof EXPECTED_SOURCES)[number]
export const NOT_MEASURED = 'not measured'

/**
 * What is to be said of five minutes of a site. Only `under` has a loss: a shortfall below the low end of the band.
 *   ok, under      measured and compared
 *   night, dim     too little light to compare
 *   curtailed      told to give less: by its own limit or by the grid
 *   clipped        at the capacity of its inverters
 *   no-contact     (a part of) the site has not been heard, and no counter tells of that time yet
 *   unknown        nothing tells how much light there was
 */
export const EXPECTED_STATES = ['ok', 'under', 'night', 'dim', 'curtailed', 'clipped', 'no-contact', 'unknown'] as const
export type ExpectedState = (typeof EXPECTED_STATES)[number]

/** A site against its expectation, for the live list. Absent figures are not measured; none of them is ever zero for that. */
export interface ExpectedNow {
  /** W, of the last five minutes that could be told. */
  expectedPowerW?: number
  expectedLowW?: number
  expectedHighW?: number
  expectedSource?: ExpectedSource
  /** Wh of the local day so far, over the time that could be told. */
  expectedTodayWh?: number
  /** Wh that the site made over that same time. */
  comparedTodayWh?: number
  lossTodayWh?: number
  /** `comparedTodayWh / expectedTodayWh`. */
  performanceToday?: number
  /** Power over expected power, of the same five minutes. */
  performanceNow?: number
  expectedState?: ExpectedState
  /** Since when it has been below its band without a break, UTC milliseconds. */
  underSince?: number
}

export const VERDICT_KINDS = [
  'as-expected',
  'under-expected',
  'night',
  'curtailed',
  'clipped',
  'fault',
  'no-contact',
  'never-heard',
  'not-measured',
] as const
export type VerdictKind = (typeof VERDICT_KINDS)[number]

/** One plain sentence about a site as data; `verdictSentence` makes the words. */
export interface SiteVerdict {
  kind: VerdictKind
  /** UTC milliseconds. */
  since?: number
  /** How far under what is expected, whole percent. */
  percent?: number
  /** Inverter that is the likely cause, and which of its DC inputs (counted from 1). */
  deviceId?: string
  deviceName?: string
  string?: number
  /** Code and words of a fault that a device tells. */
  fault?: string
  /** What the judgement rests on. */
  source?: ExpectedSource
  /** Whether it makes power now. */
  producing?: boolean
  /** Something beyond the site that is likely to be the cause. */
  cause?: 'grid'
}

export interface VerdictWords {
  /** Clock time of an instant as it is to be shown, `09:40`; with its day where that is not today. */
  time(at: number): string
}

const SOURCE_WORDS: Record<ExpectedSource, string> = {
  irradiance: 'its irradiance sensor',
  weather: 'the weather',
  peers: 'healthy sites nearby',
}

/** The sentence, without a full stop: "Producing, 4 % under expected since 09:40: string 2 of Inverter 3". */
export function verdictSentence(verdict: SiteVerdict, { time }: VerdictWords): string {
  const since = verdict.since === undefined ? '' : ` since ${time(verdict.since)}`
  switch (verdict.kind) {
    case 'as-expected':
      return 'Producing as expected'
    case 'under-expected': {
      const head = verdict.producing === false ? 'Not producing' : 'Producing'
      return `${head}, ${verdict.percent} % under expected${since}${causeOf(verdict)}`
    }
    case 'night':
      return 'Night'
    case 'curtailed':
      return `Held back by a limit${since}`
    case 'clipped':
      return 'Producing at the limit of its inverters'
    case 'fault':
      return `${verdict.deviceName ?? 'A device'} reports a fault${since}${verdict.fault ? `: ${verdict.fault}` : ''}`
    case 'no-contact':
      return `No contact${since}${verdict.cause === 'grid' ? ': the grid of the street is a likely cause' : ''}`
    case 'never-heard':
      return 'Nothing heard yet'
    case 'not-measured':
      return `${verdict.producing ? 'Producing; not' : 'Not'} enough measured to judge${causeOf(verdict)}`
  }
}

function causeOf({ deviceName, string: input }: SiteVerdict): string {
  if (deviceName === undefined) return ''
  return input === undefined ? `: ${deviceName}` : `: string ${input} of ${deviceName}`
}

/** "against healthy sites nearby" */
export const expectedSourceWords = (source: ExpectedSource): string => SOURCE_WORDS[source]
