/** Expectations of some sites of one tenant over a stretch of time, as rows. */
import { setImmediate as turn } from 'node:timers/promises'
import {
  BUCKET_MS,
  bucketOf,
  expectedBucket,
  id,
  indexOfPeers,
  indexToldBy,
  list,
  localDate,
  plantOf,
  second,
  settleGaps,
  sql,
  type ExpectedBucket,
  type Plant,
  type Range,
  type SiteBucket,
} from '@heliograph/crm-core'
import type { RegistrySite, SiteId, TenantId, Warehouse } from '@heliograph/crm-core/contracts'
import type { Calibrations } from './calibrations.ts'
import { siteInputs, type FirstHeard, type InputSite } from './site-inputs.ts'
import { weatherIndices } from './weather.ts'

const OPTIONS = { scope: 'system', lane: 'heavy', maxRows: 2_000_000, timeoutMs: 60_000 } as const
const NONE: ReadonlyMap<number, SiteBucket> = new Map()

export interface ComputeDeps {
  warehouse: Warehouse
  calibrations: Calibrations
  firstHeard: FirstHeard
  /** Nearest sites of the same tenant, nearest first. */
  neighbours(siteId: SiteId): readonly SiteId[]
  input(siteId: SiteId): InputSite | undefined
}
export interface ComputeJob {
  tenantId: TenantId
  sites: readonly RegistrySite[]
  range: Range
  /** UTC milliseconds: a bucket that is not over is not compared. */
  now: number
  version: number
}
export interface ComputedExpectation {
  rows: Record<string, unknown>[]
  /** Buckets whose row went away. */
  removed: number
  buckets: number
  /** Sites' buckets that are not over yet. */
  open: { siteId: SiteId; ts: number }[]
}

export async function computeExpected(deps: ComputeDeps, job: ComputeJob): Promise<ComputedExpectation> {
  const { warehouse, calibrations, firstHeard, neighbours } = deps
  const { tenantId, sites, now, version } = job
  const range = { from: bucketOf(job.range.from), to: Math.min(job.range.to, bucketOf(now) + BUCKET_MS) }
  const result: ComputedExpectation = { rows: [], removed: 0, buckets: 0, open: [] }
  if (range.to <= range.from || sites.length === 0) return result
  const asked = new Set(sites.flatMap(({ id: siteId }) => [siteId, ...neighbours(siteId)]))
  const inputs = new Map<SiteId, InputSite>()
  for (const siteId of asked) {
    const input = deps.input(siteId)
    if (input) inputs.set(siteId, input)
  }
  const buckets = await siteInputs(warehouse, tenantId, [...inputs.values()], range, firstHeard)
  const dates = (site: RegistrySite): string[] => [
    ...new Set([localDate(site.timezone, range.from), localDate(site.timezone, range.to - 1)]),
  ]
  const factorOf = await calibrations.factors(
    tenantId,
    [...inputs.values()].flatMap(({ site }) => dates(site).map((date) => ({ siteId: site.id, date }))),
  )
  const weather = await weatherIndices(warehouse, tenantId, sites, range)
  const existing = await existingRows(warehouse, tenantId, sites, range)
  const plants = new Map<SiteId, Plant>([...inputs].map(([siteId, { site }]) => [siteId, plantOf(site)]))

  // What a site tells of the sky serves all of its neighbours.
  const told = new Map<string, number | undefined>()
  const toldBy = (siteId: SiteId, ts: number): number | undefined => {
    const key = `${siteId}/${ts}`
    if (told.has(key)) return told.get(key)
    const bucket = buckets.get(siteId)?.get(ts)
    const { timezone } = inputs.get(siteId)!.site
    const index = bucket && indexToldBy(plants.get(siteId)!, bucket, factorOf(siteId, localDate(timezone, ts)).factor)
    told.set(key, index)
    return index
  }

  for (const site of sites) {
    // Live values are told by the same thread: never held for long.
    await turn()
    const own = buckets.get(site.id) ?? NONE
    const peers = neighbours(site.id).filter((siteId) => inputs.has(siteId))
    const plant = plants.get(site.id)
    if (!plant) continue
    const heardSince = Math.min(...inputs.get(site.id)!.devices.map((device) => firstHeard.get(device.id) ?? Infinity))
    const computed: ExpectedBucket[] = []
    for (let ts = range.from; ts < range.to; ts += BUCKET_MS) {
      const bucket = own.get(ts) ?? (ts >= heardSince ? { ts, heard: false, whole: 'no' as const } : undefined)
      if (!bucket) continue
      result.buckets += 1
      const calibration = factorOf(site.id, localDate(site.timezone, ts))
      const hasSensor = bucket.irradianceWm2 !== undefined
      const hour = weather.get(site.id)?.get(ts - (ts % 3_600_000))
      const agreed =
        hasSensor || hour || peers.length === 0
          ? undefined
          : indexOfPeers(peers.map((siteId) => toldBy(siteId, ts)).filter((index) => index !== undefined))
      const filled = hour
        ? {
            ...(hour.ambientC !== undefined && { ambientC: hour.ambientC }),
            ...(hour.windMs !== undefined && { windMs: hour.windMs }),
            ...bucket,
          }
        : bucket
      const found = expectedBucket(plant, filled, calibration, {
        ...(hour && { weather: hour }),
        ...(agreed && { peers: agreed }),
      })
      if (found.expectedW === undefined) continue
      if (ts + BUCKET_MS > now) {
        result.open.push({ siteId: site.id, ts })
        const { expectedWh: _e, comparedWh: _c, lossWh: _l, ...open } = found
        computed.push(open.state === 'under' ? { ...open, state: 'ok' } : open)
      } else computed.push(found)
    }
    const settled = settleGaps(computed, (ts) => own.get(ts)?.whole === 'energy')
    const kept = new Set(settled.map(({ ts }) => ts))
    for (const bucket of settled) result.rows.push(rowOf(site, bucket, factorOf, version))
    for (const ts of existing.get(site.id) ?? [])
      if (!kept.has(ts)) {
        result.rows.push({ ...keyOf(site, ts), version, is_deleted: 1 })
        result.removed += 1
      }
  }
  return result
}

const keyOf = (site: RegistrySite, ts: number) => ({
  tenant_id: site.tenantId,
  site_id: site.id,
  ts,
  date: localDate(site.timezone, ts),
})
function rowOf(
  site: RegistrySite,
  bucket: ExpectedBucket,
  factorOf: (siteId: SiteId, date: string) => { factor: number },
  version: number,
): Record<string, unknown> {
  const key = keyOf(site, bucket.ts)
  return {
    ...key,
    expected_w: bucket.expectedW,
    low_w: bucket.lowW,
    high_w: bucket.highW,
    expected_wh: bucket.expectedWh,
    compared_wh: bucket.comparedWh,
    loss_wh: bucket.lossWh,
    source: bucket.source ?? '',
    state: bucket.state,
    factor: factorOf(site.id, key.date).factor,
    version,
    is_deleted: 0,
  }
}

async function existingRows(
  warehouse: Warehouse,
  tenantId: TenantId,
  sites: readonly RegistrySite[],
  range: Range,
): Promise<Map<SiteId, number[]>> {
  const rows = await warehouse.query<{ site: SiteId; at: number }>(
    sql`SELECT site_id AS site, toUnixTimestamp(r.ts) * 1000 AS at FROM expected_site_5m AS r FINAL
      WHERE tenant_id = ${id(tenantId)} AND site_id IN ${list(sites.map((site) => site.id))} AND r.ts >= ${second(range.from)} AND r.ts < ${second(range.to)}`,
    OPTIONS,
  )
  const found = new Map<SiteId, number[]>()
  for (const { site, at } of rows) {
    const times = found.get(site)
    if (times) times.push(at)
    else found.set(site, [at])
  }
  return found
}
