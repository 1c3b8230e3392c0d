/** One simulated inverter: what the sun gives it at an instant, and counters that rise by it. */
import { noise, unit } from './random.ts'

export interface Sample {
  /** Device time, UTC ms. */
  ts: number
  acPowerW: number
  dcPowerW: number
  energyTotalWh: number
  energyDayWh: number
  temperatureC: number
  frequencyHz: number
  voltageV: number
  producing: boolean
}

export interface PlantOptions {
  seed: number
  index: number
  /** Degrees; moves noon. */
  longitude: number
  latitude?: number
}

const DAY_MS = 86_400_000
const rad = (degrees: number): number => (degrees * Math.PI) / 180

/**
 * Sine of the sun's elevation, by the textbook approximation (declination after Cooper 1969, no equation of time): a load
 * curve needs the shape of a day, not the minute of sunrise.
 */
export function sunHeight(ts: number, latitude: number, longitude: number): number {
  const dayOfYear = Math.floor((ts - Date.UTC(new Date(ts).getUTCFullYear(), 0, 1)) / DAY_MS) + 1
  const declination = rad(23.45) * Math.sin((2 * Math.PI * (284 + dayOfYear)) / 365)
  const hourAngle = 2 * Math.PI * ((ts % DAY_MS) / DAY_MS - 0.5) + rad(longitude)
  return (
    Math.sin(rad(latitude)) * Math.sin(declination) +
    Math.cos(rad(latitude)) * Math.cos(declination) * Math.cos(hourAngle)
  )
}

export class Plant {
  readonly index: number
  readonly serial: string
  readonly peakPowerW: number
  readonly #seed: number
  readonly #latitude: number
  readonly #longitude: number
  #lastTs = 0
  #totalWh: number
  #dayWh = 0
  #day = -1

  constructor({ seed, index, longitude, latitude = 48 }: PlantOptions) {
    this.index = index
    this.#seed = seed * 1_000_003 + index
    this.serial = `sim-${seed}-${String(index).padStart(5, '0')}`
    // 3 to 15 kWp, spread over about 200 km.
    this.peakPowerW = Math.round(3_000 + 12_000 * unit(this.#seed, 1) ** 2)
    this.#latitude = latitude + unit(this.#seed, 2) * 2 - 1
    this.#longitude = longitude + unit(this.#seed, 3) * 2 - 1
    this.#totalWh = Math.round(unit(this.#seed, 4) * 40_000_000)
  }

  /** Power at an instant, without touching the counters. */
  powerW(ts: number): number {
    const height = sunHeight(ts, this.#latitude, this.#longitude)
    if (height <= 0.02) return 0
    // Clear-sky beam with air mass, then clouds that the neighbourhood shares and some of its own.
    const clear = height * 0.9 ** (1 / Math.max(0.05, height))
    const clouds = 0.35 + 0.65 * noise(7, ts, 1_800_000) * (0.7 + 0.3 * noise(this.#seed, ts, 120_000))
    return Math.min(this.peakPowerW * 0.9, this.peakPowerW * clear * clouds * 1.15)
  }

  /** Moves the plant to an instant; counters rise by the power between. Instants before the last leave them alone. */
  sample(ts: number): Sample {
    const dcPowerW = this.powerW(ts)
    const acPowerW = dcPowerW < 20 ? 0 : dcPowerW * 0.965 - 8
    const day = Math.floor((ts + (this.#longitude / 360) * DAY_MS) / DAY_MS)
    if (day !== this.#day) {
      this.#day = day
      this.#dayWh = 0
    }
    if (this.#lastTs > 0 && ts > this.#lastTs) {
      const gained = (acPowerW * Math.min(ts - this.#lastTs, DAY_MS)) / 3_600_000
      this.#totalWh += gained
      this.#dayWh += gained
    }
    this.#lastTs = Math.max(this.#lastTs, ts)
    return {
      ts,
      acPowerW: round(acPowerW, 1),
      dcPowerW: round(dcPowerW, 1),
      energyTotalWh: Math.floor(this.#totalWh),
      energyDayWh: Math.floor(this.#dayWh),
      temperatureC: round(18 + (acPowerW / this.peakPowerW) * 35 + noise(this.#seed, ts, 600_000) * 4, 1),
      frequencyHz: round(49.95 + noise(11, ts, 10_000) * 0.1, 2),
      voltageV: round(226 + noise(13, ts, 60_000) * 10, 1),
      producing: acPowerW > 0,
    }
  }

  /** The counter starts again, as after a swap of the inverter's board. */
  resetCounter(): void {
    this.#totalWh = 0
    this.#dayWh = 0
  }
}

const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits
