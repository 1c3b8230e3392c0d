/** What a figure should be, beside what it is. */
import type { LiveSite } from '@heliograph/crm-core/contracts'
import { figureText, share } from './numbers.ts'

/** `of 5.10 kW`, where it is known what it should be. */
export function expectedText(value: number | undefined, unit: string, locale: string): string {
  return value === undefined ? '' : `of ${figureText(value, unit, locale)}`
}

/** Less of the day's energy than this within the time that was compared: "of" would set the whole against a part. */
const COVERED = 0.98

/** What was expected of the day so far, Wh; where only a part of the day could be told, the share of that part. */
export function expectedToday(live: LiveSite | undefined): { ofWh: number } | { share: number } | undefined {
  const { energyTodayWh: made, comparedTodayWh: compared = made, expectedTodayWh: expected } = live ?? {}
  if (made === undefined || compared === undefined || expected === undefined) return undefined
  if (compared >= made * COVERED) return { ofWh: expected }
  return expected > 0 ? { share: compared / expected } : undefined
}
/** `of 21.4 kWh`, or `97 %`. */
export function expectedTodayText(live: LiveSite | undefined, locale: string): string {
  const known = expectedToday(live)
  if (known === undefined) return ''
  return 'share' in known ? share(known.share, locale) : expectedText(known.ofWh, 'Wh', locale)
}
