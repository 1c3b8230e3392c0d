import {
  METRICS,
  type Channel,
  type DecodedReading,
  type DeviceAttributes,
  type DeviceStatus,
  type Extra,
  type Fault,
  type Metric,
  type QualityFlag,
} from '@heliograph/crm-core/contracts'
import type { Rejection } from '../vendor.ts'
import { numberOf, scale } from './number.ts'
import { quote, wordsOf } from './shape.ts'
import type { ReadingTime } from './time.ts'

/** More trackers, strings or phases than any one device has. */
export const MAX_CHANNELS = 64
/** Vendor values kept beside the metrics, per reading. */
const MAX_EXTRA = 40
const MAX_FAULTS = 50
/** Bounds of `channelSchema`. */
const CHANNEL_LIMITS = { voltage_v: 1e6, current_a: 1e6, power_w: 5e9 } as const
const CHANNEL_KEYS = ['voltage_v', 'current_a', 'power_w'] as const

/** One tracker, string or phase as the device sent it: numbers or text, `null` and missing mean not measured. */
export type RawChannel = { [K in keyof Channel]?: unknown }

/**
 * Builds one reading from what a device sent. Every value is checked as it is put in: no value (null, `--`, missing) is left
 * out, and what is no number or lies outside the metric's bounds becomes a `Rejection` while the rest still counts.
 *
 *     const rejected: Rejection[] = []
 *     const built = reading(serial, timeOf(body.time, message), rejected)
 *       .metric('ac_power_w', body.pac)
 *       .metric('energy_total_wh', body.totalKwh, 1000)
 *       .dc(0, { voltage_v: body.vpv1, current_a: body.ipv1 })
 *       .status('producing')
 *       .extra('status_code', body.state)
 *       .build()
 *     return { readings: [built], rejected }
 */
export function reading(device: string, time: ReadingTime, rejected: Rejection[]): ReadingBuilder {
  return new ReadingBuilder(device, time, rejected)
}

export class ReadingBuilder {
  readonly #reading: DecodedReading
  readonly #rejected: Rejection[]
  #measured = false

  constructor(device: string, time: ReadingTime, rejected: Rejection[]) {
    this.#reading = { device, ts: time.ts, tsSource: time.tsSource, metrics: {}, quality: [] }
    this.#rejected = rejected
  }

  /** A metric; `raw` times `factor` must be in the metric's unit and sign. A second call with a value wins. */
  metric(name: Metric, raw: unknown, factor = 1): this {
    const value = this.#checked(name, raw, factor, METRICS[name].min, METRICS[name].max)
    if (value === undefined) return this
    this.#reading.metrics[name] = value
    this.#measured = true
    return this
  }

  /** Input `index` (from 0, in the device's order): tracker or string. Factors turn the device's units into V, A and W. */
  dc(index: number, raw: RawChannel, factors?: Partial<Record<keyof Channel, number>>): this {
    return this.#channel('dc', index, raw, factors)
  }
  /** Phase `index` (from 0). */
  ac(index: number, raw: RawChannel, factors?: Partial<Record<keyof Channel, number>>): this {
    return this.#channel('ac', index, raw, factors)
  }

  /** Sets `dc_power_w` to the sum of the inputs' powers, where it is not there yet and every input with values has a power. */
  sumDc(): this {
    if (this.#reading.metrics.dc_power_w !== undefined) return this
    let sum = 0
    let powers = 0
    for (const channel of this.#reading.dc ?? []) {
      if (channel?.power_w !== undefined) {
        sum += channel.power_w
        powers++
      } else if (channel?.voltage_v !== undefined || channel?.current_a !== undefined) return this
    }
    return powers > 0 ? this.metric('dc_power_w', Math.round(sum * 1000) / 1000) : this
  }

  /** A single-phase device: its AC power is that of its one phase. Does nothing where there are more phases, or none. */
  onePhase(): this {
    const phases = this.#reading.ac
    const power = this.#reading.metrics.ac_power_w
    if (phases?.length === 1 && phases[0] && power !== undefined) phases[0].power_w ??= power
    return this
  }

  status(status: DeviceStatus | undefined): this {
    if (status !== undefined) this.#reading.status = status
    return this
  }
  /** The device says that it has no fault (as opposed to saying nothing). */
  noFault(): this {
    this.#reading.faults ??= []
    return this
  }
  /** A fault by the vendor's own code; the same code again adds nothing. */
  fault(code: string | number, text?: string, severity?: Fault['severity']): this {
    const faults = (this.#reading.faults ??= [])
    const name = wordsOf(code, 64)
    if (name === undefined || faults.length >= MAX_FAULTS || faults.some((fault) => fault.code === name)) return this
    const words = wordsOf(text)
    faults.push({
      code: name,
      ...(words === undefined ? {} : { text: words }),
      ...(severity === undefined ? {} : { severity }),
    })
    return this
  }
  quality(flag: QualityFlag): this {
    if (!this.#reading.quality.includes(flag)) this.#reading.quality.push(flag)
    return this
  }
  /** A value kept under the vendor's name: finite numbers, short text and flags; everything else is left out quietly. */
  extra(name: string, value: unknown): this {
    const extra: Extra = (this.#reading.extra ??= {})
    if (name === '' || name.length > 100 || name === '__proto__') return this
    if (!Object.hasOwn(extra, name) && Object.keys(extra).length >= MAX_EXTRA) return this
    if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) extra[name] = value
    else if (typeof value === 'string' && value.trim() !== '') extra[name] = value.trim().slice(0, 500)
    return this
  }
  /** The same for a number that may come as text; text that is no number is left out. */
  extraNumber(name: string, raw: unknown, factor = 1): this {
    const value = numberOf(raw)
    return value === undefined || Number.isNaN(value) ? this : this.extra(name, scale(value, factor))
  }
  /** Facts about the device; undefined ones are left out. */
  attributes(facts: { [K in keyof DeviceAttributes]?: DeviceAttributes[K] | undefined }): this {
    for (const [key, value] of Object.entries(facts)) {
      if (value === undefined || value === '') continue
      const attributes: DeviceAttributes = (this.#reading.attributes ??= {})
      Object.assign(attributes, { [key]: value.slice(0, 200) })
    }
    return this
  }
  /** A part of the message that could not be understood. */
  reject(rejection: Rejection): this {
    this.#rejected.push(rejection)
    return this
  }

  /** Whether anything was measured: a metric or a channel. A reading with a status alone says something too. */
  get measured(): boolean {
    return this.#measured
  }
  /** Whether the reading is worth a row: something was measured, or the device's status or faults are told. */
  get isTelling(): boolean {
    return this.#measured || this.#reading.status !== undefined || this.#reading.faults !== undefined
  }
  build(): DecodedReading {
    const built = this.#reading
    for (const key of ['dc', 'ac'] as const) {
      const channels = built[key]
      if (!channels) continue
      // Holes keep later inputs in their place; empty ones at the end say nothing.
      let length = channels.length
      while (length > 0 && isEmpty(channels[length - 1])) length--
      if (length === 0) delete built[key]
      else built[key] = Array.from({ length }, (_, index) => channels[index] ?? {})
    }
    if (built.extra && Object.keys(built.extra).length === 0) delete built.extra
    return built
  }

  #channel(
    side: 'dc' | 'ac',
    index: number,
    raw: RawChannel,
    factors: Partial<Record<keyof Channel, number>> = {},
  ): this {
    if (!Number.isInteger(index) || index < 0 || index >= MAX_CHANNELS) {
      this.#rejected.push({
        reason: 'out-of-bounds',
        detail: `${side} channel ${index} of ${this.#reading.device.slice(0, 60)}`,
      })
      return this
    }
    for (const key of CHANNEL_KEYS) {
      if (raw[key] === undefined) continue
      const limit = CHANNEL_LIMITS[key]
      const value = this.#checked(`${side}[${index}].${key}`, raw[key], factors[key] ?? 1, -limit, limit)
      if (value === undefined) continue
      const channels = (this.#reading[side] ??= [])
      const channel = (channels[index] ??= {})
      channel[key] = value
      this.#measured = true
    }
    return this
  }

  #checked(name: string, raw: unknown, factor: number, min: number, max: number): number | undefined {
    const number = numberOf(raw)
    if (number === undefined) return undefined
    const value = scale(number, factor)
    if (value >= min && value <= max) return value === 0 ? 0 : value // no negative zero: -0 W means 0 W
    const device = this.#reading.device.slice(0, 60)
    this.#rejected.push(
      Number.isNaN(value) && typeof raw === 'string' && !/^[+-]?(nan|inf|\d)/i.test(raw.trim())
        ? { reason: 'invalid-field', detail: `${name} of ${device}: ${quote(raw)} is not a number` }
        : { reason: 'out-of-bounds', detail: `${name} of ${device}: ${quote(raw)} is outside ${min} to ${max}` },
    )
    return undefined
  }
}

const isEmpty = (channel: Channel | undefined) => channel === undefined || Object.keys(channel).length === 0
