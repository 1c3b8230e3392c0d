/**
 * A counter of today's energy, used where a device has no lifetime counter. It starts again at midnight, often late, and
 * some devices start it again whenever they wake up (OpenDTU after a cloudy restart), or go on showing yesterday's value.
 */
import { GENEROUS_PEAK_W } from './counter.ts'

export interface DayCounterStep {
  from: number
  to: number
  wh: number
}
const HEADROOM = 1.5
const MARGIN_WH = 2000

export class DayCounter {
  readonly #peakW: number
  #last: { ts: number; wh: number; dayStart: number } | undefined

  constructor(peakPowerW?: number) {
    this.#peakW = peakPowerW && peakPowerW > 0 ? peakPowerW : GENEROUS_PEAK_W
  }

  /** @param dayStart start of the local day `ts` falls on */
  push(ts: number, wh: number, dayStart: number, powerW = 0): DayCounterStep[] {
    const last = this.#last
    this.#last = { ts, wh, dayStart }
    const bound = (from: number): number =>
      (Math.max(this.#peakW, powerW) * HEADROOM * (ts - from)) / 3_600_000 + MARGIN_WH
    const plausible = (from: number, amount: number): DayCounterStep[] =>
      amount > 0 && amount <= bound(from) ? [{ from, to: ts, wh: amount }] : []
    if (!last || last.dayStart !== dayStart) {
      // Still showing yesterday: nothing was made, whatever it says.
      if (last && wh === last.wh) return []
      // The count began anew somewhere after midnight; where yesterday's went on, only the difference is new.
      const whole = plausible(dayStart, wh)
      return whole.length > 0 || !last || wh < last.wh ? whole : plausible(last.ts, wh - last.wh)
    }
    if (wh >= last.wh) return plausible(last.ts, wh - last.wh)
    return plausible(last.ts, wh)
  }
}
