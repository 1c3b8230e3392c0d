/**
 * Dirt on modules: what a site gives under a clear sky falls slowly and steadily from day to day, while its neighbours' does not, until
 * rain or somebody washes it off. Judged on the figures of clear hours alone (`CalibrationDay`), so that no cloud looks like dust.
 */
import { median } from './expected.ts'
import type { CalibrationDay } from './expected-calibration.ts'
import { addDays } from './local-time.ts'

/** Days that are looked back over. */
export const SOILING_DAYS = 63
/** What a site gives when it is clean: dirt only ever lowers a day. */
const CLEAN_QUANTILE = 0.8
/** The last clear days speak for now, while they are not older than this. */
const RECENT = 3
const RECENT_DAYS = 21
/** A day within this of the clean level is a clean one. */
const CLEAN = 0.02
/** So many clear days over so many days show a course. */
const MIN_RUN = 5
const MIN_RUN_DAYS = 10
/** Share of the fall that may come, or be taken back, from one clear day to the next: more is a fault, a shadow or rain. */
const MAX_STEP = 0.5
/** Figures of clear days are only so exact. */
const NOISE = 0.03
/** Share lost per day: slower than this are the seasons, and what a model says wrong of them. */
const MIN_RATE = 0.0015
/** Faster than this is no dirt. */
const MAX_RATE = 0.02
const MIN_PEERS = 2

export interface Soiling {
  /** Share of the clean yield that is missing now; 0 and less: clean. */
  loss: number
  /** It fell slowly, day by day, as dirt does. */
  steady: boolean
  /** Local day after the last clean one. */
  since: string
  /** Clear days that the course rests on. */
  days: number
}

/**
 * @param own figures of the site, in any order
 * @param peers those of its neighbours, site by site: what they all do is haze or the season
 * @returns undefined where too little is known of the last weeks
 */
export function soilingOf(
  today: string,
  own: readonly CalibrationDay[],
  peers: readonly (readonly CalibrationDay[])[],
): Soiling | undefined {
  const course = relativeTo(inWindow(own, today), peers, today)
  if (course.length < MIN_RUN) return undefined
  const ratios = course.map(({ ratio }) => ratio).sort((a, b) => a - b)
  const clean = ratios[Math.floor((ratios.length - 1) * CLEAN_QUANTILE)]!
  const recent = course.slice(-RECENT)
  if (recent[0]!.date < addDays(today, -RECENT_DAYS)) return undefined
  const loss = 1 - median(recent.map(({ ratio }) => ratio)) / clean

  const last = course.findLastIndex(({ ratio }) => ratio >= (1 - CLEAN) * clean)
  const run = course.slice(Math.max(0, last))
  const first = run[0]!
  const steps = run.slice(1).map(({ ratio }, index) => (run[index]!.ratio - ratio) / clean)
  const most = Math.max(NOISE, MAX_STEP * loss)
  const days = daysBetween(first.date, run.at(-1)!.date)
  return {
    loss,
    steady:
      last >= 0 &&
      run.length >= MIN_RUN &&
      days >= MIN_RUN_DAYS &&
      loss >= MIN_RATE * days &&
      loss <= MAX_RATE * days &&
      steps.every((step) => Math.abs(step) <= most),
    since: addDays(first.date, 1),
    days: run.length,
  }
}

/** Of one kind, as the factor's: a sensor's where it has measured at least half of the days. Oldest first. */
function inWindow(days: readonly CalibrationDay[], today: string): CalibrationDay[] {
  const from = addDays(today, -SOILING_DAYS)
  const used = days.filter(({ date }) => date >= from && date < today)
  const sensed = used.filter(({ basis }) => basis === 'irradiance')
  const chosen = sensed.length * 2 >= used.length ? sensed : used.filter(({ basis }) => basis === 'clear-sky')
  return chosen.sort((a, b) => (a.date < b.date ? -1 : 1))
}

/** A site's figures over what its neighbours' did on the same day. A sensor needs none; a clear sky alone judges nobody. */
function relativeTo(
  own: readonly CalibrationDay[],
  peers: readonly (readonly CalibrationDay[])[],
  today: string,
): { date: string; ratio: number }[] {
  const moved = new Map<string, number[]>()
  for (const peer of peers) {
    const days = inWindow(peer, today)
    if (days.length < MIN_RUN) continue
    const usual = median(days.map(({ ratio }) => ratio))
    for (const { date, ratio } of days) {
      const known = moved.get(date)
      if (known) known.push(ratio / usual)
      else moved.set(date, [ratio / usual])
    }
  }
  return own.flatMap(({ date, ratio, basis }) => {
    const others = moved.get(date) ?? []
    if (basis === 'irradiance') return [{ date, ratio }]
    return others.length < MIN_PEERS ? [] : [{ date, ratio: ratio / median(others) }]
  })
}

const daysBetween = (from: string, to: string): number => Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000)
