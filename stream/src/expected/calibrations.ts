/** Sites' factors: one figure per local day that is over, and what follows from those of several weeks. */
import { setImmediate as turn } from 'node:timers/promises'
import {
  addDays,
  CALIBRATION_DAYS,
  calibrationDay,
  calibrationFor,
  day as dayLiteral,
  dayStart,
  id,
  list,
  localDate,
  plantOf,
  sql,
  type Calibration,
  type CalibrationDay,
  type SiteBucket,
} from '@heliograph/crm-core'
import type { RegistrySite, SiteId, TenantId, Warehouse } from '@heliograph/crm-core/contracts'

const OPTIONS = { scope: 'system', lane: 'heavy', maxRows: 2_000_000, timeoutMs: 60_000 } as const
/** Factors kept in memory: two days of fifty thousand sites. */
const MAX_KEPT = 100_000

type DaysOfSite = Map<SiteId, CalibrationDay[]>

export class Calibrations {
  readonly #warehouse: Warehouse
  readonly #kept = new Map<string, Calibration>()

  constructor(warehouse: Warehouse) {
    this.#warehouse = warehouse
  }

  async #days(tenantId: TenantId, siteIds: readonly SiteId[], from: string, to: string): Promise<DaysOfSite> {
    const rows = await this.#warehouse.query<CalibrationDay & { site: SiteId }>(
      sql`SELECT site_id AS site, toString(r.date) AS date, ratio, intervals, basis FROM calibration_days AS r FINAL
        WHERE tenant_id = ${id(tenantId)} AND site_id IN ${list(siteIds)} AND r.date >= ${dayLiteral(from)} AND r.date <= ${dayLiteral(to)}`,
      OPTIONS,
    )
    return Map.groupBy(rows, ({ site }) => site)
  }

  /** The factor of every site on every local day asked for. */
  async factors(
    tenantId: TenantId,
    asked: readonly { siteId: SiteId; date: string }[],
  ): Promise<(siteId: SiteId, date: string) => Calibration> {
    const missing = asked.filter(({ siteId, date }) => !this.#kept.has(`${siteId}|${date}`))
    if (missing.length > 0) {
      const dates = missing.map(({ date }) => date).sort()
      const days = await this.#days(
        tenantId,
        [...new Set(missing.map(({ siteId }) => siteId))],
        addDays(dates[0]!, -CALIBRATION_DAYS),
        addDays(dates.at(-1)!, CALIBRATION_DAYS),
      )
      if (this.#kept.size + missing.length > MAX_KEPT) this.#kept.clear()
      for (const { siteId, date } of missing)
        this.#kept.set(`${siteId}|${date}`, calibrationFor(date, days.get(siteId) ?? []))
    }
    const found = new Map(asked.map(({ siteId, date }) => [`${siteId}|${date}`, this.#kept.get(`${siteId}|${date}`)!]))
    return (siteId, date) => found.get(`${siteId}|${date}`) ?? { factor: 1, known: false }
  }

  /**
   * Takes in the buckets of whole local days that are over.
   * @returns from and to (UTC milliseconds) of the days whose factor is another one now, by site
   */
  async learn(
    tenantId: TenantId,
    learned: readonly { site: RegistrySite; date: string; buckets: readonly SiteBucket[] }[],
    now: number,
    version: number,
  ): Promise<{ siteId: SiteId; from: number; to: number }[]> {
    if (learned.length === 0) return []
    const dates = learned.map(({ date }) => date).sort()
    const reach = { from: addDays(dates[0]!, -2 * CALIBRATION_DAYS), to: addDays(dates.at(-1)!, 2 * CALIBRATION_DAYS) }
    const siteIds = [...new Set(learned.map(({ site }) => site.id))]
    const before = await this.#days(tenantId, siteIds, reach.from, reach.to)
    const rows: object[] = []
    const touched = new Map<SiteId, { site: RegistrySite; dates: string[]; after: Map<string, CalibrationDay> }>()
    for (const { site, date, buckets } of learned) {
      await turn()
      const old = (before.get(site.id) ?? []).find((each) => each.date === date)
      const found = calibrationDay(plantOf(site), date, buckets)
      if (old?.ratio === found?.ratio && old?.basis === found?.basis && old?.intervals === found?.intervals) continue
      rows.push({
        tenant_id: tenantId,
        site_id: site.id,
        date,
        ratio: found?.ratio ?? 0,
        intervals: found?.intervals ?? 0,
        basis: found?.basis ?? '',
        version,
        is_deleted: found ? 0 : 1,
      })
      const entry = touched.get(site.id) ?? {
        site,
        dates: [],
        after: new Map((before.get(site.id) ?? []).map((each) => [each.date, each])),
      }
      entry.dates.push(date)
      if (found) entry.after.set(date, found)
      else entry.after.delete(date)
      touched.set(site.id, entry)
    }
    await this.#warehouse.insert('calibration_days', rows)
    if (rows.length > 0) this.#kept.clear()
    const changed: { siteId: SiteId; from: number; to: number }[] = []
    for (const [siteId, { site, dates: ownDates, after }] of touched)
      changed.push(...changedDays(site, ownDates.sort(), before.get(siteId) ?? [], [...after.values()], now))
    return changed
  }
}

/** Days near the given ones whose factor differs. */
function changedDays(
  site: RegistrySite,
  dates: readonly string[],
  before: readonly CalibrationDay[],
  after: readonly CalibrationDay[],
  now: number,
): { siteId: SiteId; from: number; to: number }[] {
  const today = localDate(site.timezone, now)
  const found: { siteId: SiteId; from: number; to: number }[] = []
  const last = addDays(dates.at(-1)!, CALIBRATION_DAYS)
  for (let date = addDays(dates[0]!, -CALIBRATION_DAYS); date <= last && date <= today; date = addDays(date, 1)) {
    const old = calibrationFor(date, before)
    const now_ = calibrationFor(date, after)
    if (old.factor !== now_.factor || old.known !== now_.known)
      found.push({
        siteId: site.id,
        from: dayStart(site.timezone, date),
        to: dayStart(site.timezone, addDays(date, 1)),
      })
  }
  return found
}
