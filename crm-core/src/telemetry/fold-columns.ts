/** The metrics the fold looks at, and one list of them all to select: far smaller on the wire than a column each. */
import type { Metric, Sql } from '@heliograph/crm-core/contracts'
import { ROLLUP_GAUGES } from './device-fold.ts'
import { identifier, join, sql } from './sql.ts'

const names: readonly Metric[] = [
  'energy_total_wh',
  'energy_day_wh',
  'energy_interval_wh',
  'interval_s',
  'import_total_wh',
  'export_total_wh',
  ...ROLLUP_GAUGES,
]
const columns: Sql = sql`[${join(names.map(identifier))}]`
export const METRIC_NAMES_OF_FOLD = { names, columns }
