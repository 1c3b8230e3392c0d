/** Which work goes together, and what becomes of it when some of it fails. */
import type { FoldReading, Range } from '@heliograph/crm-core'

/** Devices or sites of one grouped query. */
const GROUP = 250
/** Ranges whose ends lie within this of each other are computed by one query. */
export const NEAR_MS = 2 * 3_600_000

/** In order of time; of several at one instant the last observed. */
export function inOrder(readings: FoldReading[]): FoldReading[] {
  let ordered = true
  for (let index = 1; index < readings.length && ordered; index++)
    ordered = readings[index]!.ts > readings[index - 1]!.ts
  if (ordered) return readings
  const byTime = new Map<number, FoldReading>()
  for (const reading of readings) byTime.set(reading.ts, reading)
  return [...byTime.values()].sort((a, b) => a.ts - b.ts)
}

export function extent(times: readonly number[]): [number, number] {
  let from = Number.POSITIVE_INFINITY
  let to = Number.NEGATIVE_INFINITY
  for (const ts of times) {
    from = Math.min(from, ts)
    to = Math.max(to, ts)
  }
  return [from, to]
}

/** Jobs whose ranges lie close together, each device or site at most once per group. */
export function groups<Job extends { range: Range; device?: { id: string }; site: { id: string } }>(
  jobs: readonly Job[],
): Job[][] {
  const sorted = [...jobs].sort((a, b) => a.range.from - b.range.from)
  const result: { jobs: Job[]; ids: Set<string>; from: number; to: number }[] = []
  for (const job of sorted) {
    const key = job.device?.id ?? job.site.id
    const last = result.at(-1)
    const near = last && job.range.from - last.from <= NEAR_MS && Math.abs(job.range.to - last.to) <= NEAR_MS
    if (last && near && last.jobs.length < GROUP && !last.ids.has(key)) {
      last.jobs.push(job)
      last.ids.add(key)
      last.to = Math.max(last.to, job.range.to)
    } else result.push({ jobs: [job], ids: new Set([key]), from: job.range.from, to: job.range.to })
  }
  return result.map((group) => group.jobs)
}

/** Does one after the other; when one fails, it and those not yet done are given back before the error goes on. */
export async function eachOrRestore<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
  restore: (item: Item) => void,
): Promise<void> {
  for (let index = 0; index < items.length; index++) {
    try {
      await work(items[index]!)
    } catch (error) {
      for (const left of items.slice(index)) restore(left)
      throw error
    }
  }
}
