/** Roll-up buckets as rows of the warehouse. */
import {
  identifier,
  join,
  ROLLUP_GAUGES,
  siteAt,
  sql,
  type SiteValues,
  type DeviceValues,
  type GaugeValue,
  type RollupGauge,
} from '@heliograph/crm-core'
import type { DeviceId, RegistryDevice, RegistrySite, Sql } from '@heliograph/crm-core/contracts'
import type { RunRow } from './runs.ts'

export type RollupRow = Record<string, string | number | undefined>

/** Each gauge and the columns of its average, minimum and maximum. */
export const GAUGE_COLUMNS = ROLLUP_GAUGES.map((name) => ({
  name,
  avg: `${name}_avg`,
  min: `${name}_min`,
  max: `${name}_max`,
}))

/** Into the row itself: most rows of a device that speaks once an hour have none. */
function setGauges(row: RollupRow, gauges: Partial<Record<RollupGauge, GaugeValue>>): RollupRow {
  for (const { name, avg, min, max } of GAUGE_COLUMNS) {
    const value = gauges[name]
    if (!value) continue
    row[avg] = value.avg
    row[min] = value.min
    row[max] = value.max
  }
  return row
}

export function deviceBucketRow(device: RegistryDevice, row: RunRow, version: number): RollupRow {
  const columns = {
    tenant_id: device.tenantId,
    site_id: siteAt(device, row.ts),
    device_id: device.id,
    ts: row.ts,
    date: row.date,
    energy_wh: row.energyWh,
    energy_method: row.method ?? '',
    estimated_wh: row.estimatedWh,
    import_wh: row.importWh,
    export_wh: row.exportWh,
    samples: row.samples,
    slots: row.samples > 0 ? 1 : 0,
    run: row.run ?? 1,
    version,
    is_deleted: 0,
  }
  return setGauges(columns, row.gauges)
}
export function siteBucketRow(
  site: RegistrySite,
  ts: number,
  date: string,
  values: SiteValues,
  samples: number,
  version: number,
): RollupRow {
  const columns = {
    tenant_id: site.tenantId,
    site_id: site.id,
    ts,
    date,
    energy_wh: values.energyWh,
    energy_method: values.method ?? '',
    estimated_wh: values.estimatedWh,
    import_wh: values.importWh,
    export_wh: values.exportWh,
    samples,
    slots: samples > 0 ? 1 : 0,
    source: values.source ?? '',
    version,
    is_deleted: 0,
  }
  return setGauges(columns, values.gauges)
}

/** A device's row of five minutes as it is read back. */
export interface StoredBucket {
  device_id: DeviceId
  site_id: string
  ts: number
  energy_wh: number | null
  energy_method: string
  estimated_wh: number
  import_wh: number | null
  export_wh: number | null
  samples: number
  /** Of each gauge that is known four numbers: its place among `ROLLUP_GAUGES`, average, minimum, maximum. */
  gauges: number[]
}
/** The expression behind `StoredBucket.gauges`: most rows have one gauge of twelve or none, and absent ones would be most of the text. */
export const GAUGES: Sql = sql`arrayConcat(${join(
  GAUGE_COLUMNS.map(
    ({ avg, min, max }, index) =>
      sql`if(isNull(${identifier(avg)}), [], [${index}, ${join([avg, min, max].map((name) => sql`assumeNotNull(${identifier(name)})`))}])`,
  ),
)})`
export function valuesOfBucket(row: StoredBucket): DeviceValues {
  const gauges: DeviceValues['gauges'] = {}
  for (let at = 0; at < row.gauges.length; at += 4)
    gauges[ROLLUP_GAUGES[row.gauges[at]!]!] = {
      avg: row.gauges[at + 1]!,
      min: row.gauges[at + 2]!,
      max: row.gauges[at + 3]!,
    }
  const values: DeviceValues = { estimatedWh: row.estimated_wh, gauges }
  if (row.energy_wh !== null) {
    values.energyWh = row.energy_wh
    values.method = row.energy_method as NonNullable<DeviceValues['method']>
  }
  if (row.import_wh !== null) values.importWh = row.import_wh
  if (row.export_wh !== null) values.exportWh = row.export_wh
  return values
}
