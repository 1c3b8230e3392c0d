/** The newest readings of each device, out of many in any order. */
import type { DeviceId, ReadingRecord } from '@heliograph/crm-core/contracts'

/**
 * Of a few devices, as a claim has them, the last readings together show what each of them alone does not: vendors tell some
 * values seldom, and how often a device sends is learned from several. Of a whole fleet the last one has to do.
 */
const FEW_DEVICES = 100
const OF_FEW = 8

export class NewestReadings {
  #byDevice = new Map<DeviceId, ReadingRecord[]>()

  take(reading: ReadingRecord): void {
    // History that was brought in on purpose is no news of a device.
    if (reading.quality.includes('backfill')) return
    const known = this.#byDevice.get(reading.deviceId)
    if (!known) {
      this.#byDevice.set(reading.deviceId, [reading])
      return
    }
    const most = this.#byDevice.size <= FEW_DEVICES ? OF_FEW : 1
    if (known.length >= most && reading.ts < known[0]!.ts) return
    let at = known.length
    while (at > 0 && known[at - 1]!.ts > reading.ts) at--
    known.splice(at, 0, reading)
    if (known.length > most) known.splice(0, known.length - most)
  }
  /** Those taken since the last call, of each device in order of time. */
  drain(): ReadingRecord[] {
    const all = [...this.#byDevice.values()].flat()
    this.#byDevice = new Map()
    return all
  }
}
