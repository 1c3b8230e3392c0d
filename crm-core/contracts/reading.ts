import { z } from 'zod'
import type { ConnectionId, DeviceId, SiteId, TenantId } from './ids.ts'
import { METRIC_NAMES, METRICS, type Metric } from './metrics.ts'

export const deviceStatusSchema = z.enum([
  'off',
  'sleeping',
  'starting',
  'producing',
  'throttled',
  'standby',
  'fault',
  'unreachable',
])
export type DeviceStatus = z.infer<typeof deviceStatusSchema>

export const qualityFlagSchema = z.enum([
  'stale',
  'spike',
  'stuck',
  'clipped',
  'curtailed',
  'clock_suspect',
  'counter_reset',
  'estimated',
  'backfill',
])
export type QualityFlag = z.infer<typeof qualityFlagSchema>

/** Known metrics of one instant. Absent means not measured; it is never zero. */
export type Metrics = Partial<Record<Metric, number>>

/** One tracker, string or phase, in the device's own order. */
export interface Channel {
  voltage_v?: number
  current_a?: number
  power_w?: number
}
/** The vendor's own code as text (never a number: leading zeros and hex exist) plus its words where known. */
export interface Fault {
  code: string
  text?: string
  severity?: 'critical' | 'major' | 'minor' | 'info'
}

const finite = z.number()
export const channelSchema = z.strictObject({
  voltage_v: finite.min(-1e6).max(1e6).optional(),
  current_a: finite.min(-1e6).max(1e6).optional(),
  power_w: finite.min(-5e9).max(5e9).optional(),
})
export const faultSchema = z.strictObject({
  code: z.string().min(1).max(64),
  text: z.string().max(500).optional(),
  severity: z.enum(['critical', 'major', 'minor', 'info']).optional(),
})
export const metricsSchema = z.strictObject(
  Object.fromEntries(
    METRIC_NAMES.map((name) => [name, finite.min(METRICS[name].min).max(METRICS[name].max).optional()]),
  ) as Record<Metric, z.ZodOptional<z.ZodNumber>>,
)
/** Values kept under their vendor's name. */
export const extraSchema = z.record(z.string().min(1).max(100), z.union([finite, z.string().max(500), z.boolean()]))
export type Extra = Record<string, number | string | boolean>

/** What a decoder yields: a reading that does not know yet whose device it is. */
export interface DecodedReading {
  /** The vendor's id of the device: the external id of its link. */
  device: string
  /** UTC milliseconds. */
  ts: number
  /** Whether `ts` was told by the device or is the time of arrival. */
  tsSource: 'device' | 'arrival'
  metrics: Metrics
  extra?: Extra
  status?: DeviceStatus
  /** Present and empty means "the device says it has no fault"; absent means it said nothing. */
  faults?: Fault[]
  dc?: Channel[]
  ac?: Channel[]
  quality: QualityFlag[]
  /** Facts, not measurements: used to prefill a claim, never to find a device. */
  attributes?: DeviceAttributes
}
export interface DeviceAttributes {
  serial?: string
  model?: string
  firmware?: string
  kind?: 'inverter' | 'meter' | 'battery' | 'weather' | 'gateway' | 'optimizer' | 'charger'
  /** External id of the gateway this device hangs under. */
  parent?: string
  name?: string
}

/** One instant of one known device: what lands in every store. */
export interface Reading {
  tenantId: TenantId
  siteId: SiteId
  deviceId: DeviceId
  /** Device time, UTC milliseconds. */
  ts: number
  /** Arrival at our edge, UTC milliseconds. */
  receivedAt: number
  /** Vendor id. */
  source: string
  metrics: Metrics
  extra?: Extra
  status?: DeviceStatus
  faults?: Fault[]
  dc?: Channel[]
  ac?: Channel[]
  quality: QualityFlag[]
  rawRef: RawRef
}

/** Where the raw message of a reading lies in the log. */
export interface RawRef {
  connectionId: ConnectionId
  partition: number
  offset: number
  /** 0 for live decoding; the number of the replay that decoded it again otherwise. Later replays win over earlier ones. */
  revision: number
}

/** Live times outside received_at -5 years .. +15 minutes are not believed (architecture section 5). */
export const CLOCK_PAST_LIMIT_MS = 5 * 366 * 86_400_000
export const CLOCK_FUTURE_LIMIT_MS = 15 * 60_000
