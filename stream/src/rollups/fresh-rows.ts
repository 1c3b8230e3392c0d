/**
 * Rows of devices that one flush has computed of a long past. Their sites follow from these: reading back what was written a moment
 * ago would take as long as all else that a site's rows take.
 */
import { type DeviceValues, type Range, type Recomputed } from '@heliograph/crm-core'
import type { DeviceId } from '@heliograph/crm-core/contracts'
import { LONG_MS } from './grouping.ts'

/** Five minutes of a device: what it says, and of how many readings. */
export type HeardBucket = DeviceValues & { samples: number }
export interface FreshStretch {
  range: Range
  rows: readonly (HeardBucket & { ts: number })[]
}
/** At its ends a stretch may lack so much, which is read from the store. */
const MOST_LACKING_MS = 24 * 3_600_000
/**
 * Held at once, a row and each of its gauges counted (some hundred bytes each): of a site of hundreds of devices one flush may compute
 * millions of rows.
 */
const MOST_HELD = 2_500_000
const sizeOf = (rows: FreshStretch['rows']): number => {
  const middle = rows[rows.length >> 1]
  return middle ? rows.length * (2 + Object.keys(middle.gauges).length) : 0
}

export class FreshRows {
  readonly #stretches = new Map<DeviceId, FreshStretch[]>()
  #held = 0

  /** What is short is read back: it is little, and nobody knows what lies around it. */
  add({ device, range, rows }: Pick<Recomputed, 'device' | 'range' | 'rows'>): void {
    const size = sizeOf(rows)
    if (range.to - range.from <= LONG_MS || this.#held + size > MOST_HELD) return
    this.#held += size
    const known = this.#stretches.get(device.id)
    if (known) known.push({ range, rows })
    else this.#stretches.set(device.id, [{ range, rows }])
  }
  /** The stretch that covers a window, but for a little at its ends. */
  covering(deviceId: DeviceId, { from, to }: Range): FreshStretch | undefined {
    return this.#stretches
      .get(deviceId)
      ?.find(({ range }) => range.from <= from + MOST_LACKING_MS && range.to >= to - MOST_LACKING_MS)
  }
}
