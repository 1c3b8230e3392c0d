/**
 * A device's buckets from its raw readings: every bucket whose numbers a change within the asked range can have touched,
 * which reaches from the counter readings before it to those after it.
 */
import { BUCKET_MS, bucketOf, DeviceFold, localDay, type BucketRow, type FoldReading } from '@heliograph/crm-core'
import type { DeviceId, RegistryDevice, RegistrySite, TenantId, Warehouse } from '@heliograph/crm-core/contracts'
import type { Range } from './dirty-ranges.ts'
import { readNeighbours, readWindow } from './raw-rows.ts'

export interface RecomputeJob {
  device: RegistryDevice
  site: RegistrySite
  range: Range
  /** Nothing later than this is read, so that what arrives meanwhile is still new to the fold. */
  until?: number
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
  /** Whether a counter was seen anywhere near. */
  counters: boolean
}

/** Neighbours on each side: the one a step ends at, the one that says whether it was real, and one to tell that from. */
const BEFORE = 4
const AFTER = 3

const hasCounter = ({ metrics }: FoldReading): boolean =>
  metrics.energy_total_wh !== undefined || metrics.import_total_wh !== undefined || metrics.export_total_wh !== undefined

export function foldDevice(device: RegistryDevice, site: RegistrySite): { timezone: string; latitude?: number; longitude?: number; peakPowerW?: number } {
  return {
    timezone: site.timezone,
    ...(site.latitude !== undefined && site.longitude !== undefined ? { latitude: site.latitude, longitude: site.longitude } : {}),
    // A device cannot make more than its site; a site's rating bounds a device whose own nobody entered.
    ...((device.peakPowerW ?? site.peakPowerW) ? { peakPowerW: device.peakPowerW ?? site.peakPowerW } : {}),
  }
}

/**
 * Computes jobs of one tenant whose ranges lie close together by grouped queries.
 * @param jobs one per device
 */
export async function recompute(warehouse: Warehouse, tenantId: TenantId, jobs: readonly RecomputeJob[]): Promise<Recomputed[]> {
  const narrow = await attempt(
    warehouse,
    tenantId,
    jobs.map((job) => (job.withoutCounters ? { ...job, range: wholeDays(job) } : job)),
  )
  const done: Recomputed[] = []
  const again: RecomputeJob[] = []
  for (const [index, result] of narrow.entries()) {
    // Sources that are chosen per day need the whole day.
    if (result.fold.countsByTotal(result.range.from) || jobs[index]!.withoutCounters || isWholeDays(jobs[index]!)) done.push(result)
    else again.push({ ...jobs[index]!, range: wholeDays(jobs[index]!) })
  }
  return again.length > 0 ? [...done, ...(await attempt(warehouse, tenantId, again))] : done
}

function wholeDays({ range, site }: RecomputeJob): Range {
  return { from: localDay(site.timezone, range.from).start, to: localDay(site.timezone, Math.max(range.to - 1, range.from)).end }
}
function isWholeDays(job: RecomputeJob): boolean {
  const days = wholeDays(job)
  return job.range.from <= days.from && job.range.to >= days.to
}

async function attempt(warehouse: Warehouse, tenantId: TenantId, jobs: readonly RecomputeJob[]): Promise<Recomputed[]> {
  const near = jobs.filter(({ withoutCounters }) => !withoutCounters)
  const ids = near.map(({ device }) => device.id)
  const from = Math.min(...jobs.map(({ range }) => bucketOf(range.from)))
  const to = Math.max(...jobs.map(({ range }) => bucketOf(range.to - 1) + BUCKET_MS))
  const before = ids.length > 0 ? await readNeighbours(warehouse, tenantId, ids, from, 'before', BEFORE) : new Map<DeviceId, FoldReading[]>()
  // Where nothing later may be read, nothing later is looked for.
  const needsAfter = near.filter(({ until }) => until === undefined || until >= to)
  const after =
    needsAfter.length > 0
      ? await readNeighbours(warehouse, tenantId, needsAfter.map(({ device }) => device.id), to, 'after', AFTER)
      : new Map<DeviceId, FoldReading[]>()

  const plans = new Map<DeviceId, { job: RecomputeJob; range: Range; readings: FoldReading[]; tail: FoldReading[] }>()
  for (const job of jobs) {
    const earlier = (before.get(job.device.id) ?? []).filter(({ ts }) => ts <= (job.until ?? Infinity))
    const later = (after.get(job.device.id) ?? []).filter(({ ts }) => ts <= (job.until ?? Infinity))
    const range = {
      from: Math.min(from, ...earlier.filter(hasCounter).slice(-2).map(({ ts }) => bucketOf(ts))),
      to: Math.max(to, ...later.filter(hasCounter).slice(0, 2).map(({ ts }) => bucketOf(ts) + BUCKET_MS)),
    }
    plans.set(job.device.id, {
      job,
      range,
      readings: earlier.filter(({ ts }) => ts < range.from),
      tail: later.filter(({ ts }) => ts >= range.to),
    })
  }
  // Devices whose neighbours are far away are read on their own, so that they do not widen everybody's window.
  for (const group of groupByWindow([...plans.values()])) {
    const window = {
      from: Math.min(...group.map(({ range }) => range.from)),
      to: Math.max(...group.map(({ range }) => range.to)),
    }
    await readWindow(warehouse, tenantId, group.map(({ job }) => job.device.id), window, (deviceId, reading) => {
      const plan = plans.get(deviceId)!
      if (reading.ts >= plan.range.from && reading.ts < plan.range.to && reading.ts <= (plan.job.until ?? Infinity))
        plan.readings.push(reading)
    })
  }
  return jobs.map(({ device, site }) => {
    const { range, readings, tail } = plans.get(device.id)!
    const fold = new DeviceFold(foldDevice(device, site))
    for (const reading of readings) fold.push(reading)
    for (const reading of tail) fold.push(reading)
    return {
      device,
      site,
      range,
      rows: fold.rows(range.from, range.to),
      fold,
      counters: readings.some(hasCounter) || tail.some(hasCounter),
    }
  })
}

function groupByWindow<Plan extends { range: Range }>(plans: Plan[]): Plan[][] {
  const together: Plan[] = []
  const alone: Plan[][] = []
  const starts = plans.map(({ range }) => range.to - range.from).sort((a, b) => a - b)
  const typical = starts[starts.length >> 1] ?? 0
  for (const plan of plans) {
    if (plan.range.to - plan.range.from <= Math.max(typical * 3, 3_600_000)) together.push(plan)
    else alone.push([plan])
  }
  return together.length > 0 ? [together, ...alone] : alone
}
