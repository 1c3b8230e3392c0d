/** What each demo device measures at an instant, by its vendor's means: from the day of its site. */
import type { Channel, DeviceStatus, Fault, Metrics } from '@heliograph/crm-core/contracts'
import { type DemoDevice, type DemoSite, peakOf } from './plan.ts'
import { hash } from './sky.ts'
import { dayNumber, siteDay, type SiteDay } from './site-day.ts'
import { deadInput, FAULT, isFaulty, isMounted, limitOf } from './troubles.ts'

export interface Measured {
  metrics: Metrics
  status?: DeviceStatus
  faults?: Fault[]
  dc?: Channel[]
}

/** Wh that a device counts: what it made, or what it took from and gave to the grid. */
interface Counters {
  total: number
  taken: number
  given: number
}
/** A day with what its curves have summed up to at the begin of each step, Wh. */
interface SummedDay extends SiteDay {
  made: (Float64Array | undefined)[]
  taken: Float64Array
  given: Float64Array
}
const HOUR_MS = 3_600_000
/** Days of a site kept; the one that goes on, and the one before it. */
const KEPT = 3

/** A site's devices through time. Instants may be asked in any order; far ones cost a day's computing each. */
export class SiteMeasures {
  readonly site: DemoSite
  readonly #seededAt: number
  readonly #days = new Map<number, SummedDay>()
  /** Counters of all devices at the begin of days; those of the day of the start are the given ones. */
  readonly #begins = new Map<number, Counters[]>()
  readonly #first: number

  /** @param seededAt start of the demo, UTC milliseconds: what counters show then is given, so that history can be made backwards */
  constructor(site: DemoSite, seededAt: number) {
    this.site = site
    this.#seededAt = seededAt
    this.#first = dayNumber(site, seededAt)
    this.#begins.set(
      this.#first,
      site.devices.map((device) => givenCounters(site, device)),
    )
  }

  #day(number: number): SummedDay {
    let day = this.#days.get(number)
    if (!day) {
      const plain = siteDay(this.site, number, this.#seededAt)
      day = {
        ...plain,
        made: plain.power.map((curve) => curve && summed(curve, 1, plain.stepMs)),
        taken: summed(plain.grid, 1, plain.stepMs),
        given: summed(plain.grid, -1, plain.stepMs),
      }
      if (this.#days.size >= KEPT) this.#days.delete(this.#days.keys().next().value!)
      this.#days.set(number, day)
    }
    return day
  }

  /** Counters at the begin of a day, each from those of the day beside it. */
  #begin(number: number): Counters[] {
    let known = number
    const towards = number > this.#first ? -1 : 1
    while (!this.#begins.has(known)) known += towards
    for (let at = known; at !== number; at -= towards) {
      const from = this.#begins.get(at)!
      const day = this.#day(towards > 0 ? at - 1 : at)
      const sums = this.#sums(day, day.grid.length)
      this.#begins.set(
        at - towards,
        from.map(({ total, taken, given }, index) => ({
          total: total - towards * sums[index]!.total,
          taken: taken - towards * sums[index]!.taken,
          given: given - towards * sums[index]!.given,
        })),
      )
    }
    return this.#begins.get(number)!
  }

  /** What each device has counted up to the begin of a step. */
  #sums(day: SummedDay, step: number): Counters[] {
    return day.made.map((made) => ({ total: made?.[step] ?? 0, taken: day.taken[step]!, given: day.given[step]! }))
  }

  /** All devices at an instant; undefined for one that says nothing then. @param live values flicker as they do in life */
  at(ts: number, live = false): (Measured | undefined)[] {
    let number = dayNumber(this.site, ts)
    // Days begin on a step of the clock.
    if (ts < this.#day(number).start) number -= 1
    const day = this.#day(number)
    const { stepMs } = day
    const last = day.grid.length - 1
    const step = Math.min(last, Math.floor((ts - day.start) / stepMs))
    const within = (ts - day.start) / stepMs - step
    const begin = this.#begin(number)
    const sums = this.#sums(day, step)
    // Between the middles of the steps.
    const other = Math.max(0, Math.min(last, within < 0.5 ? step - 1 : step + 1))
    const share = Math.abs(within - 0.5)
    const value = (curve: Float64Array): number => curve[step]! * (1 - share) + curve[other]! * share
    return this.site.devices.map((device, index) => {
      if (!isMounted(device, ts, this.#seededAt)) return undefined
      const counted = (curve: Float64Array, before: number, sign: 1 | -1 = 1): number =>
        Math.round(before + Math.max(0, sign * curve[step]!) * within * (stepMs / HOUR_MS))
      const flicker = live ? 1 + 0.004 * (hash(`${device.serial}/${Math.floor(ts / 5_000)}`) - 0.5) : 1
      const power = day.power[index]
      if (power)
        return this.#inverter(device, ts, {
          ac: value(power) * flicker,
          dc: value(day.dc[index]!) * flicker,
          total: counted(power, begin[index]!.total + sums[index]!.total),
          air: value(day.air),
        })
      return beside(device, value, day, flicker, {
        taken: counted(day.grid, begin[index]!.taken + sums[index]!.taken),
        given: counted(day.grid, begin[index]!.given + sums[index]!.given, -1),
      })
    })
  }

  #inverter(device: DemoDevice, ts: number, now: { ac: number; dc: number; total: number; air: number }): Measured {
    const limit = limitOf(this.site, ts, this.#seededAt)
    const ac = Math.round(now.ac)
    const faulty = isFaulty(device, ts, this.#seededAt)
    const metrics: Metrics = {
      ac_power_w: ac,
      energy_total_wh: now.total,
      ...(limit !== undefined && { power_limit_pct: limit }),
    }
    if (device.kind === 'inverter') {
      metrics.dc_power_w = Math.round(now.dc)
      metrics.inverter_temp_c = Math.round((now.air + 8 + (28 * ac) / device.acPowerW!) * 10) / 10
    }
    const held = limit !== undefined && limit < 100 && ac >= (limit / 100) * device.acPowerW! * 0.98
    return {
      metrics,
      status: faulty ? 'fault' : held ? 'throttled' : ac > 0 ? 'producing' : 'sleeping',
      faults: faulty ? [FAULT] : [],
      ...(device.strings && { dc: inputs(device, now.dc, deadInput(device, ts, this.#seededAt)) }),
    }
  }
}

/** What a curve has summed up to at the begin of each step and at the end, Wh; of what is positive or negative alone. */
function summed(curve: Float64Array, sign: 1 | -1, stepMs: number): Float64Array {
  const sums = new Float64Array(curve.length + 1)
  const hours = stepMs / HOUR_MS
  for (const [step, value] of curve.entries()) sums[step + 1] = sums[step]! + Math.max(0, sign * value) * hours
  return sums
}

/** What a counter showed when the demo began: some years of the plant, more than its history takes back. */
function givenCounters(site: DemoSite, device: DemoDevice): Counters {
  const years = 2 + 4 * hash(`${device.serial}/age`)
  const made = (device.trouble === 'new' ? 0.2 : years) * YEARLY_HOURS
  return {
    total: (device.peakPowerW ?? 0) * made,
    taken: site.loadW * 2 * 8_760 * years,
    given: peakOf(site) * YEARLY_HOURS * years,
  }
}
/** A sunny place's hours of full power in a year. */
const YEARLY_HOURS = 1_900

/** DC inputs: the power is shared; a dead one shows a voltage and no current, as behind a blown fuse. */
function inputs(device: DemoDevice, dcW: number, dead: number | undefined): Channel[] {
  const count = device.strings!
  const living = count - (dead === undefined ? 0 : 1)
  const base = device.vendor === 'opendtu' ? 33 : 610
  return Array.from({ length: count }, (_, index) => {
    const skew = 1 + 0.02 * (hash(`${device.serial}/${index}`) - 0.5)
    const voltage = dcW > 0 ? base * (1 + 0.03 * skew) : 0
    const power = index === dead ? 0 : (dcW / living) * skew
    return {
      voltage_v: Math.round(voltage * 10) / 10,
      current_a: voltage > 0 ? Math.round((power / voltage) * 100) / 100 : 0,
      power_w: Math.round(power * 10) / 10,
    }
  })
}

function beside(
  device: DemoDevice,
  value: (curve: Float64Array) => number,
  day: SiteDay,
  flicker: number,
  counters: { taken: number; given: number },
): Measured | undefined {
  const tenth = (number: number): number => Math.round(number * 10) / 10
  switch (device.role) {
    case 'grid':
      return {
        metrics: {
          grid_power_w: Math.round(value(day.grid) * flicker),
          import_total_wh: counters.taken,
          export_total_wh: counters.given,
        },
      }
    case 'battery':
      return {
        metrics: { battery_power_w: Math.round(value(day.battery) * flicker), battery_soc_pct: tenth(value(day.soc)) },
      }
    case 'irradiance':
      return {
        metrics: {
          irradiance_wm2: tenth(value(day.irradiance) * flicker),
          ambient_temp_c: tenth(value(day.air)),
          module_temp_c: tenth(value(day.module)),
          wind_ms: 1,
        },
      }
    default:
      return undefined
  }
}
