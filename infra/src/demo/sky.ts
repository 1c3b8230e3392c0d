/**
 * The sky over the demo's sites: the modelled clear sky of the place, dimmed by a recorded day's clouds. The same function gives
 * history and live values, so both fit together, and neighbours share a sky.
 */
import { sunPosition } from '@heliograph/crm-core'
import type { Climate } from './plan.ts'
import skyDays from './sky-days.json' with { type: 'json' }

interface SkyPlace {
  latitude: number
  longitude: number
  /** Sites of one cluster have the same clouds, as much later as they lie further east. */
  cluster: string
  climate: Climate
}

export const DAY_MS = 86_400_000
/** Clouds travel at ten metres a second, from west to east. */
const MS_PER_DEGREE = 111_200 * 100
const MAX_LAG_MS = 10 * 60_000

/** Recorded days, the greyest first. */
const days: readonly (readonly number[])[] = skyDays.days
  .map((line) => line.split(' ').map(Number))
  .sort((a, b) => mean(a) - mean(b))
const GREY_DAYS = Math.floor(days.length * 0.3)

/** Solar time of a place: UTC milliseconds shifted so that midnight and noon are the sun's, but for the equation of time. */
export const solarTime = (ts: number, longitude: number): number => ts + (longitude / 360) * DAY_MS

/** Share of the clear sky's light that comes through, 0.02 to 1.06. @param ts UTC milliseconds */
export function skyIndex(place: SkyPlace, ts: number): number {
  const { cluster } = place
  const solar = solarTime(ts, place.longitude) - lagOf(place)
  const date = Math.floor(solar / DAY_MS)
  const day = days[dayOf(place, date)]!
  const minute = (solar % DAY_MS) / 60_000
  // Every other day runs backwards: else afternoons would always be the cloudy half, as in Colorado.
  const mirrored = hash(`${cluster}/${date}/mirror`) < 0.5
  const last = day.length - 1
  const slot = (minute - skyDays.firstSlotMinute) / skyDays.slotMinutes
  const at = Math.max(0, Math.min(last - 0.001, mirrored ? last - slot : slot))
  const low = Math.floor(at)
  return (day[low]! + (day[low + 1]! - day[low]!) * (at - low)) / 100
}

const lagOf = ({ longitude }: SkyPlace): number => {
  // Counted from a meridian nearby, so that neighbours differ by minutes.
  const east = longitude - Math.round(longitude)
  return Math.max(-MAX_LAG_MS, Math.min(MAX_LAG_MS, (east * MS_PER_DEGREE) / 2))
}

const chosen = new Map<string, number>()
/** Which recorded day a place has: grey ones as often as its season is. */
function dayOf({ cluster, climate, latitude }: SkyPlace, date: number): number {
  const key = `${cluster}/${date}`
  let index = chosen.get(key)
  if (index === undefined) {
    const summer = summerness(latitude, date * DAY_MS)
    const grey = climate.greyWinter + (climate.greySummer - climate.greyWinter) * summer
    const which = hash(`${key}/day`)
    index =
      hash(`${key}/grey`) < grey
        ? Math.floor(which * GREY_DAYS)
        : GREY_DAYS + Math.floor(which * (days.length - GREY_DAYS))
    if (chosen.size > 20_000) chosen.clear()
    chosen.set(key, index)
  }
  return index
}

/** 0 in the middle of the winter, 1 in the middle of the summer, of either hemisphere. */
function summerness(latitude: number, ts: number): number {
  const year = ((ts - Date.UTC(2000, 6, 10)) / (365.25 * DAY_MS)) * 2 * Math.PI
  return (1 + Math.cos(year) * (latitude < 0 ? -1 : 1)) / 2
}

/** Air, °C: season, time of day, a few degrees from day to day. */
export function airTemperature(place: SkyPlace, ts: number): number {
  const { climate, cluster, latitude, longitude } = place
  const solar = solarTime(ts, longitude)
  const hour = ((solar % DAY_MS) / DAY_MS) * 24
  const weather = 6 * (hash(`${cluster}/${Math.floor(solar / DAY_MS)}/warm`) - 0.5)
  const season = climate.seasonC * (2 * summerness(latitude, ts - 25 * DAY_MS) - 1)
  return climate.meanC + season + weather + 4 * Math.cos(((hour - 15) / 24) * 2 * Math.PI)
}

/** Degrees above the horizon. */
export const sunHeight = ({ latitude, longitude }: SkyPlace, ts: number): number =>
  sunPosition(ts, latitude, longitude).elevationDeg

/** A number from 0 up to 1 that is always the same for a text: FNV-1a, mixed as MurmurHash does at its end. */
export function hash(text: string): number {
  let bits = 2_166_136_261
  for (let index = 0; index < text.length; index++) bits = Math.imul(bits ^ text.charCodeAt(index), 16_777_619)
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
