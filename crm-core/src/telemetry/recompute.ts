/**
 * A device's buckets from its raw readings: every bucket whose numbers a change within the asked range can have touched,
 * which reaches from the counter readings before it to those after it.
 */
import type { RegistryDevice, RegistrySite } from '@heliograph/crm-core/contracts'
import { hourAfter, hourOf } from './device-buckets.ts'
import { DeviceFold, type BucketRow, type FoldDevice, type FoldReading } from './device-fold.ts'
import { localDay } from './local-time.ts'
import { groupNear, type Range } from './near-ranges.ts'
import { isEnough, readNeighbours, readWindow, type RawSource } from './raw-rows.ts'
import { BUCKET_MS, bucketOf } from './spread.ts'

export interface RecomputeJob {
  device: RegistryDevice
  site: RegistrySite
  range: Range
  /** Nothing later than this is read, so that what arrives meanwhile is still new to the fold. */
  until?: number
  /** Hand out the readings too. */
  keepReadings?: boolean
  /** Known to tell power and no energy so far: nobody looks for a counter far away. */
  withoutCounters?: boolean
  /** Known to have a source that is chosen per day: read by whole days at once. */
  byDays?: boolean
  /** What lies before is told by whole hours: there the store keeps rows of more than one bucket (`deviceBuckets`). */
  hoursBefore?: number
}
export interface Recomputed {
  device: RegistryDevice
  site: RegistrySite
  /** What was computed: rows of the store within it that are not among `rows` are no more. */
  range: Range
  rows: BucketRow[]
  /** The fold behind it, ready to go on from its last reading. */
  fold: DeviceFold
  /** The readings within `range`, where the job asked for them. */
  readings: FoldReading[]
  /** Whether a counter of any kind was seen anywhere near. */
  counters: boolean
}

/** Neighbours on each side of what is read: the one a step ends at, the ones that say whether it was real. */
const NEIGHBOURS = 3
/** A change reaches this many counter readings far: one step, and one reading held back as odd. */
const REACH = 2
/** Read around a range at once: with readings every few minutes all it reaches lies within. */
const MARGIN_MS = 2 * BUCKET_MS
const COUNTERS = ['energy_total_wh', 'import_total_wh', 'export_total_wh'] as const

/** Whether a reading says more about energy than power does, so that its neighbours matter. */
const hasCounter = ({ metrics }: FoldReading): boolean =>
  COUNTERS.some((name) => metrics[name] !== undefined) ||
  metrics.energy_day_wh !== undefined ||
  metrics.energy_interval_wh !== undefined

export function foldDevice(device: RegistryDevice, site: RegistrySite): FoldDevice {
  return {
    timezone: site.timezone,
    ...(site.latitude !== undefined && site.longitude !== undefined
      ? { latitude: site.latitude, longitude: site.longitude }
      : {}),
    // A device cannot make more than its site; a site's rating bounds a device whose own nobody entered.
    ...((device.peakPowerW ?? site.peakPowerW) ? { peakPowerW: device.peakPowerW ?? site.peakPowerW } : {}),
  }
}

/**
 * Computes jobs of one tenant whose ranges lie close together by grouped queries.
 * @param jobs one per device
 */
export async function recompute(source: RawSource, jobs: readonly RecomputeJob[]): Promise<Recomputed[]> {
  if (jobs.length === 0) return []
  const first = await compute(
    source,
    jobs.map((job) => (job.withoutCounters || job.byDays ? { ...job, range: wholeDays(job) } : job)),
  )
  const done: Recomputed[] = []
  const again: RecomputeJob[] = []
  for (const [index, result] of first.entries()) {
    const job = jobs[index]!
    // Sources that are chosen per day need the whole day.
    const { fold, range } = result
    const isSettled = fold.countsByTotal(range.from) && fold.knowsDays(range.from, range.to)
    if (job.withoutCounters || job.byDays || isWholeDays(job) || isSettled) done.push(result)
    else again.push({ ...job, range: wholeDays(job) })
  }
  return again.length > 0 ? [...done, ...(await compute(source, again))] : done
}

function wholeDays({ range, site }: RecomputeJob): Range {
  return {
    from: localDay(site.timezone, range.from).start,
    to: localDay(site.timezone, Math.max(range.to - 1, range.from)).end,
  }
}
function isWholeDays(job: RecomputeJob): boolean {
  const days = wholeDays(job)
  return job.range.from <= days.from && job.range.to >= days.to
}

interface Plan {
  job: RecomputeJob
  /** What will be told as computed. Where the source is chosen per day these are whole days: of a day of which only an edge
   * was read, nobody could say. */
  own: Range
  /** What was read: that of all plans of one query. */
  read: Range
  /** Counter readings before and after what was read. */
  before: FoldReading[]
  after: FoldReading[]
  readings: FoldReading[]
}

/** In the order of the jobs. */
async function compute(source: RawSource, jobs: readonly RecomputeJob[]): Promise<Recomputed[]> {
  const plans = jobs.map((job): Plan => {
    const margin = inHours(job, {
      from: bucketOf(job.range.from - MARGIN_MS),
      to: bucketOf(job.range.to + MARGIN_MS) + BUCKET_MS,
    })
    const own = isWholeDays(job) ? wholeDays(job) : margin
    return { job, own, read: own, before: [], after: [], readings: [] }
  })
  await fill(source, plans)
  const widened: Plan[] = []
  for (const plan of plans) {
    const reached = reach(plan)
    const range = inHours(plan.job, {
      from: Math.min(plan.own.from, reached.from),
      to: Math.max(plan.own.to, reached.to),
    })
    plan.own = isWholeDays(plan.job) ? wholeDays({ ...plan.job, range }) : range
    if (plan.own.from < plan.read.from || plan.own.to > plan.read.to) widened.push(plan)
  }
  // Not all at once: their neighbours are far away, and may be differently far.
  const options = { rangeOf: ({ own }: Plan) => own, keyOf: ({ job }: Plan) => job.device.id, most: plans.length }
  for (const some of groupNear(widened, options)) await fill(source, some)
  const computed: Recomputed[] = []
  for (const plan of plans) {
    // A year of a device takes some tenths of a second: what else this process does has its turn in between.
    if (computed.length > 0) await new Promise((resolve) => setImmediate(resolve))
    computed.push(folded(plan))
  }
  return computed
}

function inHours({ hoursBefore = Number.NEGATIVE_INFINITY }: RecomputeJob, { from, to }: Range): Range {
  return { from: from < hoursBefore ? hourOf(from) : from, to: to < hoursBefore ? hourAfter(to) : to }
}

function folded({ job: { device, site, keepReadings }, own, before, readings, after }: Plan): Recomputed {
  const fold = new DeviceFold(foldDevice(device, site))
  for (const part of [before, readings, after]) for (const reading of part) fold.push(reading)
  return {
    device,
    site,
    range: own,
    rows: fold.rows(own.from, own.to),
    fold,
    readings: keepReadings ? readings.filter(({ ts }) => ts >= own.from && ts < own.to) : [],
    counters: [...before, ...after].some(hasCounter) || readings.some(hasCounter),
  }
}

/** The buckets that a change within the job's range can touch, as far as is known. */
function reach({ job, before, readings, after }: Plan): Range {
  const all = [...before, ...readings, ...after]
  let { from, to } = job.range
  for (const name of COUNTERS) {
    const times = all.filter(({ metrics }) => metrics[name] !== undefined).map(({ ts }) => ts)
    for (const ts of times.filter((ts) => ts < job.range.from).slice(-REACH)) from = Math.min(from, ts)
    for (const ts of times.filter((ts) => ts >= job.range.to).slice(0, REACH)) to = Math.max(to, ts + 1)
  }
  // Energy of an interval lies before the time it is told at.
  for (const { ts, metrics } of readings)
    if (metrics.energy_interval_wh !== undefined && ts >= job.range.from && ts < job.range.to)
      from = Math.min(from, ts - (metrics.interval_s ?? 0) * 1000)
  return { from: bucketOf(from), to: bucketOf(to - 1) + BUCKET_MS }
}

/** Read beside a window at once, so that hardly anybody's neighbours are asked for apart. */
const SIDE_MS = 2 * 3_600_000
/** Of a long window that is the other side of a night. */
const LONG_WINDOW_MS = 2 * 86_400_000
const LONG_SIDE_MS = 86_400_000

/** Reads what the plans ask for, all of them in one window. */
async function fill(source: RawSource, plans: Plan[]): Promise<void> {
  const window = {
    from: Math.min(...plans.map((plan) => plan.own.from)),
    to: Math.max(...plans.map((plan) => plan.own.to)),
  }
  const byId = new Map(plans.map((plan) => [plan.job.device.id, plan]))
  const near = plans.filter(({ job }) => !job.withoutCounters)
  // Where nothing later may be read, nothing later is looked for.
  const open = near.filter(({ job }) => job.until === undefined || job.until >= window.to)
  for (const plan of plans) {
    plan.read = window
    plan.before = []
    plan.readings = []
    plan.after = []
  }
  const side = window.to - window.from > LONG_WINDOW_MS ? LONG_SIDE_MS : SIDE_MS
  const read = {
    from: near.length > 0 ? window.from - side : window.from,
    to: open.length > 0 ? window.to + side : window.to,
  }
  const ids = plans.map(({ job }) => job.device.id)
  await readWindow(source, ids, read, (deviceId, reading) => {
    const plan = byId.get(deviceId)!
    if (reading.ts > (plan.job.until ?? Number.POSITIVE_INFINITY)) return
    if (reading.ts >= window.from && reading.ts < window.to) plan.readings.push(reading)
    else if (hasCounter(reading)) (reading.ts < window.from ? plan.before : plan.after).push(reading)
  })
  await findFurther(source, near, window.from, 'before')
  await findFurther(source, open, window.to, 'after')
}

/** Neighbours of those that have too few of them close by. */
async function findFurther(
  source: RawSource,
  plans: readonly Plan[],
  at: number,
  side: 'before' | 'after',
): Promise<void> {
  const missing = plans.filter((plan) => !isEnough(plan[side], NEIGHBOURS))
  if (missing.length === 0) return
  const ids = missing.map(({ job }) => job.device.id)
  const found = await readNeighbours(source, ids, { at, side, count: NEIGHBOURS })
  for (const plan of missing) {
    const { device, until = Number.POSITIVE_INFINITY } = plan.job
    const readings = found.get(device.id)
    if (readings) plan[side] = readings.filter(({ ts }) => ts <= until)
  }
}
