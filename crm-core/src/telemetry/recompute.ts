/**
 * A device's buckets from its raw readings: every bucket whose numbers a change within the asked range can have touched,
 * which reaches from the counter readings before it to those after it.
 */
import type { DeviceId, RegistryDevice, RegistrySite } from '@heliograph/crm-core/contracts'
import { DeviceFold, type BucketRow, type FoldDevice, type FoldReading } from './device-fold.ts'
import { localDay } from './local-time.ts'
import { readNeighbours, readWindow, type Range, type RawSource } from './raw-rows.ts'
import { BUCKET_MS, bucketOf } from './spread.ts'

export interface RecomputeJob {
  device: RegistryDevice
  site: RegistrySite
  range: Range
  /** Nothing later than this is read, so that what arrives meanwhile is still new to the fold. */
  until?: number
  /** Hand out the readings too. */
  keepReadings?: boolean
  /** Known to have no counter of any kind so far: nobody looks for one far away. */
  withoutCounters?: boolean
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
  /** Whether a counter was seen anywhere near. */
  counters: boolean
}

/** Neighbours on each side of what is read: the one a step ends at, the ones that say whether it was real. */
const NEIGHBOURS = 3
/** A change reaches this many counter readings far: one step, and one reading held back as odd. */
const REACH = 2
/** Read around a range at once: with readings every few minutes all it reaches lies within. */
const MARGIN_MS = 2 * BUCKET_MS
const COUNTERS = ['energy_total_wh', 'import_total_wh', 'export_total_wh'] as const

const hasCounter = ({ metrics }: FoldReading): boolean => COUNTERS.some((name) => metrics[name] !== undefined)

const hasInterval = ({ metrics }: FoldReading): boolean => metrics.energy_interval_wh !== undefined

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
  const first = await compute(
    source,
    jobs.map((job) => (job.withoutCounters ? { ...job, range: wholeDays(job) } : job)),
  )
  const done: Recomputed[] = []
  const again: RecomputeJob[] = []
  for (const [index, result] of first.entries()) {
    const job = jobs[index]!
    // Sources that are chosen per day need the whole day.
    if (job.withoutCounters || isWholeDays(job) || result.fold.countsByTotal(result.range.from)) done.push(result)
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
  window: Range
  /** Counter readings before and after the window. */
  before: FoldReading[]
  after: FoldReading[]
  readings: FoldReading[]
}

/** In the order of the jobs. */
async function compute(source: RawSource, jobs: readonly RecomputeJob[]): Promise<Recomputed[]> {
  const plans = jobs.map((job): Plan => {
    const window = { from: bucketOf(job.range.from - MARGIN_MS), to: bucketOf(job.range.to + MARGIN_MS) + BUCKET_MS }
    return { job, window, before: [], after: [], readings: [] }
  })
  await fill(source, plans)
  const widened: Plan[] = []
  for (const plan of plans) {
    const reached = reach(plan)
    if (reached.from >= plan.window.from && reached.to <= plan.window.to) continue
    plan.window = { from: Math.min(plan.window.from, reached.from), to: Math.max(plan.window.to, reached.to) }
    plan.readings = []
    widened.push(plan)
  }
  // Each on its own: their neighbours are far away, and differently far.
  for (const plan of widened) await fill(source, [plan])
  return plans.map(({ job: { device, site, keepReadings, range: asked }, window, before, readings, after }) => {
    const fold = new DeviceFold(foldDevice(device, site))
    for (const part of [before, readings, after]) for (const reading of part) fold.push(reading)
    const counters = [...before, ...after].some(hasCounter) || readings.some(hasCounter)
    // Energy from power is a matter of its own day. Of the days around, only the edges were read here: told as computed,
    // their rows would be taken back.
    const byPower = !counters && !readings.some(hasInterval)
    const range =
      byPower && isWholeDays({ device, site, range: asked }) ? wholeDays({ device, site, range: asked }) : window
    return {
      device,
      site,
      range,
      rows: fold.rows(range.from, range.to),
      fold,
      readings: keepReadings ? readings : [],
      counters,
    }
  })
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
  return { from: bucketOf(from), to: bucketOf(to - 1) + BUCKET_MS }
}

/** Reads what the plans ask for, all of them in one window. */
async function fill(source: RawSource, plans: Plan[]): Promise<void> {
  const window = {
    from: Math.min(...plans.map((plan) => plan.window.from)),
    to: Math.max(...plans.map((plan) => plan.window.to)),
  }
  const byId = new Map(plans.map((plan) => [plan.job.device.id, plan]))
  const near = plans.filter(({ job }) => !job.withoutCounters)
  // Where nothing later may be read, nothing later is looked for.
  const open = near.filter(({ job }) => job.until === undefined || job.until >= window.to)
  const ids = (some: Plan[]): DeviceId[] => some.map(({ job }) => job.device.id)
  const none = new Map<DeviceId, FoldReading[]>()
  const before = near.length > 0 ? await readNeighbours(source, ids(near), window.from, 'before', NEIGHBOURS) : none
  const after = open.length > 0 ? await readNeighbours(source, ids(open), window.to, 'after', NEIGHBOURS) : none
  for (const plan of plans) {
    const { device, until = Number.POSITIVE_INFINITY } = plan.job
    plan.window = window
    plan.before = (before.get(device.id) ?? []).filter(({ ts }) => ts <= until)
    plan.after = (after.get(device.id) ?? []).filter(({ ts }) => ts <= until)
  }
  await readWindow(source, ids(plans), window, (deviceId, reading) => {
    const plan = byId.get(deviceId)!
    if (reading.ts <= (plan.job.until ?? Number.POSITIVE_INFINITY)) plan.readings.push(reading)
  })
}
