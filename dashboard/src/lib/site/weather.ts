/** What a weather service told of a site's place, beside what the site measures itself. */
import { METRICS, type Metric } from '@heliograph/crm-core/contracts'
import { HOUR, toMs } from '#lib/format/times.ts'

export interface ToldHour {
  /** Start of the hour. */
  ts: string
  ghiWm2: number
  ambientC: number | null
  windMs: number | null
}
export interface ToldWeather {
  /** Start of the hour that is told of, UTC milliseconds. */
  from: number
  values: { label: string; value: number; unit: string }[]
  /** A service tells of an hour within the two that follow; what is older says nothing of now. */
  isOld(now: number): boolean
}
const OLD_MS = 3 * HOUR

/**
 * The newest hour, without what the site measures; undefined where nothing is left to tell.
 * @param hours in order of time
 * @param measured metrics that devices of the site tell
 */
export function newestHour(hours: readonly ToldHour[], measured: readonly Metric[]): ToldWeather | undefined {
  const newest = hours.at(-1)
  if (!newest) return undefined
  const of = (metric: Metric, value: number | null, label: string = METRICS[metric].label) =>
    value === null || measured.includes(metric) ? [] : [{ label, value, unit: METRICS[metric].unit }]
  const values = [
    // In the plane of the horizon; a sensor of the site lies in the plane of its modules.
    ...of('irradiance_wm2', newest.ghiWm2, 'Global irradiance'),
    ...of('ambient_temp_c', newest.ambientC),
    ...of('wind_ms', newest.windMs),
  ]
  const from = toMs(newest.ts)
  return values.length === 0 ? undefined : { from, values, isOld: (now) => now - from - HOUR > OLD_MS }
}
