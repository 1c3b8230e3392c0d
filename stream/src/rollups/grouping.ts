/** Which work goes together, and what becomes of it when some of it fails. */
import { groupNear, type FoldReading, type Range } from '@heliograph/crm-core'

const DAY_MS = 86_400_000
/** What one grouped query reads is held at once: at a row each five minutes this is under 300 000 rows. */
const MOST_DEVICE_DAYS = 1000
/** However short the ranges, so many device days each are counted: a group stays within 250. */
const MIN_WEIGHT = 4

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

/** Jobs whose ranges nearly cover each other, each device or site at most once per group. */
export function groups<Job extends { range: Range; device?: { id: string }; site: { id: string } }>(
  jobs: readonly Job[],
  /** How many devices' rows a job reads. */
  devicesOf: (job: Job) => number = () => 1,
): Job[][] {
  return groupNear(jobs, {
    rangeOf: ({ range }) => range,
    keyOf: ({ device, site }) => device?.id ?? site.id,
    weightOf: (job) => Math.max(MIN_WEIGHT, (devicesOf(job) * (job.range.to - job.range.from)) / DAY_MS),
    most: MOST_DEVICE_DAYS,
  })
}

/** Longer is the past that comes in: an import, a replay. */
export const LONG_MS = 2 * DAY_MS
/**
 * Of long stretches one flush computes about so much, with the sites they belong to: a year comes in piece by piece, and what is
 * live does not wait for all of it.
 */
const LONG_DEVICE_MS = 3000 * DAY_MS

/**
 * A long stretch month by month, as the store keeps its rows: devices and sites share queries, and what is written at once lies
 * in one place. No piece is a short one.
 */
export function monthsOf(range: Range): Range[] {
  const pieces: Range[] = []
  let { from } = range
  while (from < range.to) {
    const next = nextMonth(from)
    const isLast = next > range.to - LONG_MS
    const to = isLast ? range.to : next - from < LONG_MS ? nextMonth(next) : next
    pieces.push({ from, to: Math.min(to, range.to) })
    from = to
  }
  return pieces
}
const nextMonth = (ts: number): number => {
  const date = new Date(ts)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)
}

/**
 * What one flush computes: all that is short, and of the long the newest months, whole sites at a time.
 * @param waits long ones that are not to be begun yet
 * @returns `next`: what its turn has come for, but is left to the flush that follows
 */
export function ofOneFlush<Job extends { range: Range; site: { id: string } }>(
  jobs: readonly Job[],
  waits: (job: Job) => boolean = () => false,
): { now: Job[]; next: Job[]; later: Job[] } {
  const lengthOf = ({ range }: Job): number => range.to - range.from
  const now = jobs.filter((job) => lengthOf(job) <= LONG_MS)
  const long = jobs.filter((job) => lengthOf(job) > LONG_MS)
  const { later = [], due = [] } = Object.groupBy(long, (job) => (waits(job) ? 'later' : 'due'))
  const monthOf = ({ range }: Job): number => nextMonth((range.from + range.to) / 2)
  const together = Map.groupBy(due, (job) => `${job.site.id}/${monthOf(job)}`)
  const next: Job[] = []
  let taken = 0
  for (const some of [...together.values()].sort(([a], [b]) => monthOf(b!) - monthOf(a!))) {
    if (taken < LONG_DEVICE_MS) now.push(...some)
    else next.push(...some)
    taken += some.reduce((sum, job) => sum + lengthOf(job), 0)
  }
  return { now, next, later }
}

/** For work that does not build on each other: the store is busy with one group while the next is computed. */
export const OVERLAPPING = 2

/** Does one after the other; when one fails, it and those not yet done are given back before the error goes on. */
export async function eachOrRestore<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
  restore: (item: Item) => void,
  atOnce = 1,
): Promise<void> {
  let next = 0
  const failures: unknown[] = []
  const worker = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const item = items[next++]!
      try {
        await work(item)
      } catch (error) {
        failures.push(error)
        restore(item)
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  if (failures.length === 0) return
  for (const left of items.slice(next)) restore(left)
  throw failures[0]
}
