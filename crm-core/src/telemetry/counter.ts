/**
 * A lifetime counter as a sequence of rises. Counters of this market restart at zero, are exchanged with their device,
 * read zero for one message after a reboot, or jump to nonsense and back; none of that is energy.
 *
 * A reading that decreases, or rises by more than the device could have made, is held back until the next one says what it
 * was: if that one continues the old count, the odd one was a glitch and is forgotten; if not, the counter was restarted or
 * exchanged, and counting goes on from there.
 */
export interface CounterStep {
  /** UTC milliseconds: the rise happened in (from, to]. */
  from: number
  to: number
  wh: number
  /** The counter was restarted or exchanged within this step. */
  reset: boolean
}
interface Point {
  ts: number
  wh: number
  powerW: number
}

/** Wh a counter may move beyond what power explains: counters in whole kWh, and time stamps that are a little off. */
const MARGIN_WH = 2000
/** Above the rating: sizing of plants, cold clear days, and slack for clocks. */
const HEADROOM = 1.5
/** Where the rating is unknown: more than any single inverter or site meter of this market. */
export const GENEROUS_PEAK_W = 20_000_000
/** Floats of firmware wobble in their last digit; a step back that small is none. */
const WOBBLE = 1e-6

export class CounterTracker {
  readonly #peakW: number
  #base: Point | undefined
  #odd: Point | undefined

  /** @param peakPowerW rating of the device, or what its site could carry; absent: a generous bound */
  constructor(peakPowerW?: number) {
    this.#peakW = peakPowerW && peakPowerW > 0 ? peakPowerW : GENEROUS_PEAK_W
  }

  /** Largest rise between two readings, Wh. A rating that somebody mistyped is overruled by the power actually seen. */
  #bound(from: Point, to: Point): number {
    const peakW = Math.max(this.#peakW, from.powerW, to.powerW)
    return peakW * HEADROOM * ((to.ts - from.ts) / 3_600_000) + MARGIN_WH
  }
  #rise(from: Point, to: Point): number | undefined {
    const rise = to.wh - from.wh
    return rise >= 0 && rise <= this.#bound(from, to) ? rise : undefined
  }

  /**
   * Takes the next reading (later than all before) and answers the steps that are now certain: none, one or two.
   * @param powerW power at that instant, where it is known
   */
  push(ts: number, wh: number, powerW = 0): CounterStep[] {
    const next = { ts, wh, powerW }
    const base = this.#base
    if (!base) {
      this.#base = next
      return []
    }
    const odd = this.#odd
    // A wobble stays at the higher value, or going up again would count it twice.
    if (wh < base.wh && base.wh - wh <= base.wh * WOBBLE) next.wh = base.wh
    const rise = this.#rise(base, next)
    if (rise !== undefined) {
      this.#base = next
      this.#odd = undefined
      return [{ from: base.ts, to: ts, wh: rise, reset: false }]
    }
    if (!odd) {
      this.#odd = next
      return []
    }
    // The old count is not continued: what looked odd is the new one.
    const restarted = odd.wh < base.wh && odd.wh <= this.#bound(base, odd) ? odd.wh : 0
    const step: CounterStep = { from: base.ts, to: odd.ts, wh: restarted, reset: true }
    this.#base = odd
    this.#odd = undefined
    return [step, ...this.push(ts, wh, powerW)]
  }
  /** Whether a reading waits for the next one to explain it. */
  get undecided(): boolean {
    return this.#odd !== undefined
  }
  /** Time of the reading that rises are counted from. */
  get since(): number | undefined {
    return this.#base?.ts
  }
}
