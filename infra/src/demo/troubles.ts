/** What is wrong where and when. It shows in what the devices measure and send; the rules must find it themselves. */
import type { DemoDevice, DemoSite } from './plan.ts'
import { DEMO_SITES } from './sites.ts'
import { DAY_MS, solarTime, sunHeight } from './sky.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

/** The silent logger says a few words first: what was never heard is not missed. */
export const SILENT_AFTER_MS = MINUTE_MS
/** How far the wrong clock is ahead. */
export const WRONG_CLOCK_MS = 2 * HOUR_MS
/** When the new inverter took over from the one that it replaced, before the start. */
export const REPLACED_BEFORE_MS = 9 * DAY_MS
const FAULT_BEFORE_MS = 26 * HOUR_MS
const DEAD_STRING_BEFORE_MS = 3 * DAY_MS
/** Dust: modules are washed, stay clean, then lose more from day to day until they are washed again. */
const SOIL_CYCLE_MS = 44 * DAY_MS
const CLEAN_MS = 16 * DAY_MS
const SOIL_GROWS_MS = 24 * DAY_MS
const SOIL_MAX = 0.32
const CURTAILED_SINCE_MS = 20 * DAY_MS
/** A feed-in limit holds from nine to four by the sun. */
export const LIMIT_PCT = 55
const LIMIT_HOURS = [9, 16] as const
/** A street is without grid soon after the start, and for a while at noon of every other day. */
const TRIP_AFTER_MS = 4 * MINUTE_MS
const TRIP_LASTS_MS = 3 * HOUR_MS
const TRIP_HOURS = [11, 11.75] as const

export const FAULT = { code: 'F-24', text: 'insulation resistance too low', severity: 'critical' } as const

const hourOf = (site: DemoSite, ts: number): number => ((solarTime(ts, site.longitude) % DAY_MS) / DAY_MS) * 24
const isBetween = (hour: number, [from, to]: readonly [number, number]): boolean => hour >= from && hour < to

/** Share of its light that a site's modules get. */
export function cleanness(site: DemoSite, ts: number, seededAt: number): number {
  if (site.trouble !== 'soiled') return 1
  // Full of dust when the demo begins.
  const age = (((ts - seededAt - 4 * DAY_MS) % SOIL_CYCLE_MS) + SOIL_CYCLE_MS) % SOIL_CYCLE_MS
  return 1 - SOIL_MAX * Math.max(0, Math.min(1, (age - CLEAN_MS) / SOIL_GROWS_MS))
}

/** What the grid operator allows a site to give, percent of its capacity; undefined where nobody limits it. */
export function limitOf(site: DemoSite, ts: number, seededAt: number): number | undefined {
  if (site.trouble !== 'curtailed' || ts < seededAt - CURTAILED_SINCE_MS) return undefined
  return isBetween(hourOf(site, ts), LIMIT_HOURS) ? LIMIT_PCT : 100
}

/** Whether a site hangs on a grid that is off: nothing produces, nothing speaks. */
export function isWithoutGrid(site: DemoSite, ts: number, seededAt: number): boolean {
  if (site.street === undefined || ts < seededAt + TRIP_AFTER_MS) return false
  if (ts < seededAt + TRIP_LASTS_MS) return site.street === firstStreet(seededAt)
  const day = Math.floor(solarTime(ts, site.longitude) / DAY_MS)
  return day % 2 === STREETS.indexOf(site.street) % 2 && isBetween(hourOf(site, ts), TRIP_HOURS)
}
const STREETS = [...new Set(DEMO_SITES.flatMap(({ street }) => street ?? []))]
/** The one over which the sun stands higher in the hours after the start: an outage at night shows nothing. */
function firstStreet(seededAt: number): string | undefined {
  const later = seededAt + HOUR_MS
  const [first] = STREETS.map((street) => ({
    street,
    height: sunHeight(
      DEMO_SITES.find((site) => site.street === street)!,
      later,
    ),
  })).sort((a, b) => b.height - a.height)
  return first?.street
}

export const isFaulty = ({ trouble }: DemoDevice, ts: number, seededAt: number): boolean =>
  trouble === 'fault' && ts >= seededAt - FAULT_BEFORE_MS
/** Which DC input gives nothing, from 0. */
export const deadInput = ({ trouble }: DemoDevice, ts: number, seededAt: number): number | undefined =>
  trouble === 'dead-string' && ts >= seededAt - DEAD_STRING_BEFORE_MS ? 1 : undefined
export const isMounted = ({ trouble }: DemoDevice, ts: number, seededAt: number): boolean =>
  trouble === 'replaced' ? ts < seededAt - REPLACED_BEFORE_MS : trouble !== 'new' || ts >= seededAt - REPLACED_BEFORE_MS
