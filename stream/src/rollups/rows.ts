/** Roll-up buckets as rows of the warehouse. */
import {
  ROLLUP_GAUGES,
  siteAt,
  type BucketRow,
  type SiteValues,
  type DeviceValues,
  type GaugeValue,
  type RollupGauge,
} from '@heliograph/crm-core'
import type { RegistryDevice, RegistrySite } from '@heliograph/crm-core/contracts'

export const GAUGE_COLUMNS = ROLLUP_GAUGES.flatMap((name) => [`${name}_avg`, `${name}_min`, `${name}_max`])
export type RollupRow = Record<string, string | number | undefined>

function gaugeColumns(gauges: Partial<Record<RollupGauge, GaugeValue>>): RollupRow {
  const columns: RollupRow = {}
  for (const [name, { avg, min, max }] of Object.entries(gauges)) {
    columns[`${name}_avg`] = avg
    columns[`${name}_min`] = min
    columns[`${name}_max`] = max
  }
  return columns
}

export function deviceBucketRow(device: RegistryDevice, row: BucketRow, version: number): RollupRow {
  return {
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
    ...gaugeColumns(row.gauges),
    samples: row.samples,
    slots: row.samples > 0 ? 1 : 0,
    version,
    is_deleted: 0,
  }
}
export function siteBucketRow(
  site: RegistrySite,
  ts: number,
  date: string,
  values: SiteValues,
  samples: number,
  version: number,
): RollupRow {
  return {
    tenant_id: site.tenantId,
    site_id: site.id,
    ts,
    date,
    energy_wh: values.energyWh,
    energy_method: values.method ?? '',
    estimated_wh: values.estimatedWh,
    import_wh: values.importWh,
    export_wh: values.exportWh,
    ...gaugeColumns(values.gauges),
    samples,
    slots: samples > 0 ? 1 : 0,
    source: values.source ?? '',
    version,
    is_deleted: 0,
  }
}

/** A device's row of five minutes as it is read back. */
export interface StoredBucket {
  device_id: string
  site_id: string
  ts: number
  energy_wh: number | null
  energy_method: string
  estimated_wh: number
  import_wh: number | null
  export_wh: number | null
  samples: number
  /** In the order of `GAUGE_COLUMNS`. */
  gauges: (number | null)[]
}
export function valuesOfBucket(row: StoredBucket): DeviceValues {
  const gauges: DeviceValues['gauges'] = {}
  for (const [index, name] of ROLLUP_GAUGES.entries()) {
    const avg = row.gauges[index * 3]
    if (avg === null || avg === undefined) continue
    gauges[name] = { avg, min: row.gauges[index * 3 + 1]!, max: row.gauges[index * 3 + 2]! }
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
