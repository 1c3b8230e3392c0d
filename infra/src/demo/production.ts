/**
 * What a demo plant makes at an instant: a recorded day's clouds laid over the modelled sky of its place. The same function
 * gives history and live values, so both fit together, and neighbours share a sky.
 */
import { createHash } from 'node:crypto'
import { sunPosition } from '@heliograph/crm-core'
import skyDays from './sky-days.json' with { type: 'json' }

export interface DemoPlace {
  latitude: number
  longitude: number
  /** Sites of one cluster have the same clouds. */
  cluster: string
}

const DAY_MS = 86_400_000
const STEP_MS = 300_000

/** Share of the peak power that healthy modules give, 0 to about 0.85. @param ts UTC milliseconds */
export function demoShare(place: DemoPlace, ts: number): number {
  const { elevationDeg } = sunPosition(ts, place.latitude, place.longitude)
  if (elevationDeg <= 0) return 0
  // A fixed roof under a clear sky, with the haze of a low sun.
  const sine = Math.sin((elevationDeg * Math.PI) / 180)
  return 0.85 * sine ** 1.1 * Math.exp(-0.06 / (sine + 0.05)) * clouds(place, ts)
}

/** Clear-sky index of a recorded day, by solar time. */
function clouds({ longitude, cluster }: DemoPlace, ts: number): number {
  const solar = ts + (longitude / 360) * DAY_MS
  const day = skyDays.days[dayOf(cluster, Math.floor(solar / DAY_MS))]!
  const minute = (solar % DAY_MS) / 60_000
  const slot = (minute - skyDays.firstSlotMinute) / skyDays.slotMinutes
  const at = Math.max(0, Math.min(day.length - 1.001, slot))
  const low = Math.floor(at)
  return (day[low]! + (day[low + 1]! - day[low]!) * (at - low)) / 100
}

const chosen = new Map<string, number>()
function dayOf(cluster: string, day: number): number {
  const key = `${cluster}/${day}`
  let index = chosen.get(key)
  if (index === undefined) {
    index = createHash('sha256').update(key).digest().readUInt32BE(0) % skyDays.days.length
    if (chosen.size > 10_000) chosen.clear()
    chosen.set(key, index)
  }
  return index
}

/** A counter that follows a power, in steps of five minutes; asked for rising instants. */
export class DemoCounter {
  readonly #power: (ts: number) => number
  #ts: number
  #wh: number

  /** @param startWh its value at `start` */
  constructor(power: (ts: number) => number, start: number, startWh: number) {
    this.#power = power
    this.#ts = start
    this.#wh = startWh
  }
  /** Wh at an instant, whole, as inverters tell it. */
  at(ts: number): number {
    while (this.#ts + STEP_MS <= ts) {
      this.#wh += (this.#power(this.#ts + STEP_MS / 2) * STEP_MS) / 3_600_000
      this.#ts += STEP_MS
    }
    return Math.round(this.#wh + (this.#power(this.#ts + (ts - this.#ts) / 2) * (ts - this.#ts)) / 3_600_000)
  }
}
