/** A `Reading` as a row of the warehouse's `readings` table and back. */
import {
  isMetric,
  METRIC_NAMES,
  type Channel,
  type DeviceId,
  type DeviceStatus,
  type Extra,
  type Fault,
  type Metric,
  type Metrics,
  type QualityFlag,
  type Reading,
  type SiteId,
  type Sql,
  type TenantId,
  type ConnectionId,
} from '@heliograph/crm-core/contracts'
import { identifier, join, sql } from './sql.ts'

type Values = (number | null)[]
/** What is inserted. Instants are UTC milliseconds; a metric that is absent is left out. */
export type ReadingRow = {
  tenant_id: string
  device_id: string
  ts: number
  site_id: string
  received_at: number
  source: string
  dc_voltages_v?: Values
  dc_currents_a?: Values
  dc_powers_w?: Values
  ac_voltages_v?: Values
  ac_currents_a?: Values
  ac_powers_w?: Values
  extra?: string
  status?: string
  faults?: string
  quality?: string[]
  connection_id: string
  raw_partition: number
  raw_offset: number
  revision: number
  is_deleted?: number
} & { [M in Metric]?: number }

/** The row of a reading, for `warehouse.insert('readings', rows, token)`. */
export function readingRow(reading: Reading): ReadingRow {
  const row: ReadingRow = {
    tenant_id: reading.tenantId,
    device_id: reading.deviceId,
    ts: reading.ts,
    site_id: reading.siteId,
    received_at: reading.receivedAt,
    source: reading.source,
    connection_id: reading.rawRef.connectionId,
    raw_partition: reading.rawRef.partition,
    raw_offset: reading.rawRef.offset,
    revision: reading.rawRef.revision,
  }
  const metrics: Metrics = reading.metrics
  for (const name in metrics) if (isMetric(name)) row[name] = metrics[name]
  if (reading.dc?.length) {
    row.dc_voltages_v = reading.dc.map((channel) => channel.voltage_v ?? null)
    row.dc_currents_a = reading.dc.map((channel) => channel.current_a ?? null)
    row.dc_powers_w = reading.dc.map((channel) => channel.power_w ?? null)
  }
  if (reading.ac?.length) {
    row.ac_voltages_v = reading.ac.map((channel) => channel.voltage_v ?? null)
    row.ac_currents_a = reading.ac.map((channel) => channel.current_a ?? null)
    row.ac_powers_w = reading.ac.map((channel) => channel.power_w ?? null)
  }
  if (reading.extra) row.extra = JSON.stringify(reading.extra)
  if (reading.status) row.status = reading.status
  // "No fault" said by the device is an empty list; nothing said is empty text.
  if (reading.faults) row.faults = JSON.stringify(reading.faults)
  if (reading.quality.length > 0) row.quality = reading.quality
  return row
}

/** A row as `READING_COLUMNS` selects it. */
export type SelectedReading = Record<Metric, number | null> & {
  tenant_id: string
  site_id: string
  device_id: string
  ts_ms: number
  received_ms: number
  source: string
  dc_voltages_v: Values
  dc_currents_a: Values
  dc_powers_w: Values
  ac_voltages_v: Values
  ac_currents_a: Values
  ac_powers_w: Values
  extra: string
  status: string
  faults: string
  quality: string[]
  connection_id: string
  raw_partition: number
  raw_offset: number
  revision: number
}

/** Columns to select so that `readingFromRow` understands the row. */
export const READING_COLUMNS: Sql = sql`tenant_id, site_id, device_id, toUnixTimestamp64Milli(ts) AS ts_ms,
  toUnixTimestamp64Milli(received_at) AS received_ms, source, ${join(METRIC_NAMES.map(identifier))},
  dc_voltages_v, dc_currents_a, dc_powers_w, ac_voltages_v, ac_currents_a, ac_powers_w,
  extra, status, faults, quality, connection_id, raw_partition, raw_offset, revision`

export function readingFromRow(row: SelectedReading): Reading {
  const metrics: Metrics = {}
  for (const name of METRIC_NAMES) {
    const value = row[name]
    if (value !== null && value !== undefined) metrics[name] = value
  }
  const dc = channels(row.dc_voltages_v, row.dc_currents_a, row.dc_powers_w)
  const ac = channels(row.ac_voltages_v, row.ac_currents_a, row.ac_powers_w)
  return {
    tenantId: row.tenant_id as TenantId,
    siteId: row.site_id as SiteId,
    deviceId: row.device_id as DeviceId,
    ts: row.ts_ms,
    receivedAt: row.received_ms,
    source: row.source,
    metrics,
    ...(row.extra === '' ? {} : { extra: JSON.parse(row.extra) as Extra }),
    ...(row.status === '' ? {} : { status: row.status as DeviceStatus }),
    ...(row.faults === '' ? {} : { faults: JSON.parse(row.faults) as Fault[] }),
    ...(dc.length > 0 ? { dc } : {}),
    ...(ac.length > 0 ? { ac } : {}),
    quality: row.quality as QualityFlag[],
    rawRef: {
      connectionId: row.connection_id as ConnectionId,
      partition: row.raw_partition,
      offset: row.raw_offset,
      revision: row.revision,
    },
  }
}

function channels(voltages: Values, currents: Values, powers: Values): Channel[] {
  const count = Math.max(voltages.length, currents.length, powers.length)
  return Array.from({ length: count }, (_, index) => {
    const channel: Channel = {}
    if (typeof voltages[index] === 'number') channel.voltage_v = voltages[index]
    if (typeof currents[index] === 'number') channel.current_a = currents[index]
    if (typeof powers[index] === 'number') channel.power_w = powers[index]
    return channel
  })
}
