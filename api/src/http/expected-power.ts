import {
  EXPECTED_METRICS,
  expectedSeries,
  registrySite,
  type Series,
  type SeriesRequest,
  type SeriesResult,
} from '@heliograph/crm-core'
import type { ReadDb, RegistrySite, Warehouse } from '@heliograph/crm-core/contracts'
import type { ResolvedScope } from './series-scope.ts'

export const isExpectedMetric = (metric: string): boolean => EXPECTED_METRICS.includes(metric)

/** What the worker found to be expected, in the resolution of the rest of the answer. */
export async function expectedOf(
  database: ReadDb,
  warehouse: Warehouse,
  { scope, target }: ResolvedScope,
  ask: SeriesRequest & { bucket: SeriesResult['bucket'] },
  metrics: readonly string[],
): Promise<Series[]> {
  const [siteId, more] = target.kind === 'sites' ? (target.siteIds ?? []) : []
  let site: RegistrySite | undefined
  if (siteId !== undefined && more === undefined) {
    const [row, arrays] = await Promise.all([database.get('site', siteId), database.all('siteArray', { siteId })])
    site = registrySite(row, arrays)
  }
  return Promise.all(metrics.map((metric) => expectedSeries(warehouse, scope, metric, ask, site)))
}
