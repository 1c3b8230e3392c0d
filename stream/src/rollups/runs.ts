/** What lies between the readings of a long past as one row: see `deviceBuckets`, which reads them apart again. */
import { BUCKET_MS, hourOf, siteAt, type BucketRow } from '@heliograph/crm-core'
import type { RegistryDevice } from '@heliograph/crm-core/contracts'

/** A bucket, or several that follow each other: energies are of all of them. */
export type RunRow = BucketRow & {
  /** How many; absent: one. */
  run?: number
}

/**
 * Older than this is kept in runs. What is newer is written bucket by bucket as devices speak, and written again as they go on.
 */
export const RUNS_AFTER_MS = 2 * 86_400_000

/**
 * @param rows of one device, in order of time; whole hours of what lies before `before`
 * @param before UTC milliseconds, the start of an hour: from there on each bucket stays a row
 */
export function inRuns(device: RegistryDevice, rows: readonly BucketRow[], before: number): RunRow[] {
  const out: RunRow[] = []
  let open: { first: BucketRow; row: RunRow; siteId: string } | undefined
  for (const row of rows) {
    if (row.ts >= before || !isBetween(row)) {
      open = undefined
      out.push(row)
      continue
    }
    const run = open?.row.run ?? 1
    if (
      open &&
      row.ts === open.first.ts + run * BUCKET_MS &&
      isAlike(open.first, row) &&
      open.siteId === siteAt(device, row.ts)
    ) {
      open.row.run = run + 1
      open.row.estimatedWh += row.estimatedWh
      for (const name of ENERGIES) if (row[name] !== undefined) open.row[name] = open.row[name]! + row[name]
      continue
    }
    open = { first: row, row: { ...row }, siteId: siteAt(device, row.ts) }
    out.push(open.row)
  }
  return out
}

const ENERGIES = ['energyWh', 'importWh', 'exportWh'] as const
/** Nothing was said in it. */
function isBetween({ samples, gauges }: BucketRow): boolean {
  if (samples > 0) return false
  for (const _ in gauges) return false
  return true
}
/** Whether both are the same share of one stretch; sums in another order differ in their last digits. */
const isSame = (a: number | undefined, b: number | undefined): boolean =>
  a === undefined || b === undefined ? a === b : Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b))
const isAlike = (a: BucketRow, b: BucketRow): boolean =>
  hourOf(a.ts) === hourOf(b.ts) &&
  a.date === b.date &&
  a.method === b.method &&
  isSame(a.estimatedWh, b.estimatedWh) &&
  ENERGIES.every((name) => isSame(a[name], b[name]))
