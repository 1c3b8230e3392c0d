/**
 * What was written last of devices whose whole day is computed again and again: nearly all of its rows are as they were, and what
 * is not written again is neither merged nor followed by sites, days and expectations.
 */
import { BUCKET_MS, ROLLUP_GAUGES, siteAt, type BucketRow } from '@heliograph/crm-core'
import type { DeviceId, RegistryDevice } from '@heliograph/crm-core/contracts'

/** Five minutes of three days: a day of any zone, and the one before it. */
const SLOTS = 3 * 288

interface Known {
  /** One number a slot that tells the row and its time; NaN where nothing is known. */
  digests: Float64Array
  /** What is older than three days before the newest row is not kept: its slots are taken. */
  newest: number
}
const isKept = ({ newest }: Known, ts: number): boolean => ts > newest - SLOTS * BUCKET_MS

export class WrittenRows {
  readonly #known = new Map<DeviceId, Known>()

  knows(device: DeviceId): boolean {
    return this.#known.has(device)
  }
  /** Rows that differ from what was written. */
  changed(device: RegistryDevice, rows: readonly BucketRow[]): BucketRow[] {
    const known = this.#known.get(device.id)
    if (!known) return [...rows]
    return rows.filter(
      (row) => !isKept(known, row.ts) || known.digests[slotOf(row.ts)] !== digest(row, siteAt(device, row.ts)),
    )
  }
  /** The store has them. */
  keep(device: RegistryDevice, rows: readonly BucketRow[]): void {
    const known = this.#known.get(device.id) ?? { digests: new Float64Array(SLOTS).fill(Number.NaN), newest: 0 }
    this.#known.set(device.id, known)
    for (const { ts } of rows) known.newest = Math.max(known.newest, ts)
    for (const row of rows)
      if (isKept(known, row.ts)) known.digests[slotOf(row.ts)] = digest(row, siteAt(device, row.ts))
  }
  /** The store has them no more. */
  drop(device: DeviceId, rows: readonly { ts: number }[]): void {
    const known = this.#known.get(device)
    if (known) for (const { ts } of rows) if (isKept(known, ts)) known.digests[slotOf(ts)] = Number.NaN
  }
  /** Its rows are written by others from now on. */
  forget(device: DeviceId): void {
    this.#known.delete(device)
  }
}

const slotOf = (ts: number): number => (ts / BUCKET_MS) % SLOTS

const values = new Float64Array(6 + 3 * ROLLUP_GAUGES.length)
const words = new Uint32Array(values.buffer)
/** 53 bits of everything a row says: of a billion changed rows one might be taken for unchanged. */
function digest(row: BucketRow, siteId: string): number {
  values.fill(Number.NaN)
  values[0] = row.ts
  values[1] = row.energyWh ?? Number.NaN
  values[2] = row.estimatedWh
  values[3] = row.importWh ?? Number.NaN
  values[4] = row.exportWh ?? Number.NaN
  values[5] = row.samples
  let at = 6
  for (const name of ROLLUP_GAUGES) {
    const gauge = row.gauges[name]
    if (gauge) {
      values[at] = gauge.avg
      values[at + 1] = gauge.min
      values[at + 2] = gauge.max
    }
    at += 3
  }
  let [low, high] = [0x811c9dc5, 0x9747b28c]
  // FNV-1a by words in two lanes, each shifted down once in between so that high bits count as well.
  const add = (word: number): void => {
    low = Math.imul(low ^ word, 0x01000193)
    low ^= low >>> 15
    high = Math.imul(high ^ word, 0x85ebca6b)
    high ^= high >>> 13
  }
  for (const word of words) add(word)
  const text = `${siteId}/${row.method ?? ''}/${row.date}`
  for (let index = 0; index < text.length; index++) add(text.charCodeAt(index))
  return (high >>> 11) * 2 ** 32 + (low >>> 0)
}
