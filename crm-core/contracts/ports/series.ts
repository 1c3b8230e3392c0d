/**
 * Raw curves of the last days: what devices said, value by value, kept where reading it costs little. Figures of energy never come
 * from here. Where no engine is set the warehouse's raw table answers.
 */
import type { DeviceId, TenantId } from '../ids.ts'
import type { Metric } from '../metrics.ts'
import type { Metrics } from '../reading.ts'

export interface CurveRequest {
  tenantId: TenantId
  deviceId: DeviceId
  metric: Metric
  /** UTC milliseconds, `to` exclusive. */
  from: number
  to: number
  /** Width of a point, milliseconds, counted from `from`. */
  stepMs: number
}
export interface CurvePoint {
  /** Of the first value in the step, UTC milliseconds. */
  ts: number
  avg: number
  min: number
  max: number
}
/** What of a reading a curve is made of. The same device and instant again replaces the values it names. */
export interface CurveReading {
  tenantId: TenantId
  deviceId: DeviceId
  /** UTC milliseconds. */
  ts: number
  metrics: Metrics
}

export interface CurveSource {
  /** How far back it reaches, milliseconds: what is older is asked of the warehouse. */
  readonly reachMs: number
  /** Points in order of time; steps without a value are missing. @throws SeriesError */
  curve(request: CurveRequest): Promise<CurvePoint[]>
}
export interface SeriesStore extends CurveSource {
  start(): Promise<void>
  stop(): Promise<void>
  /**
   * Resolves when everything is stored that can be; the rest is told by its place, with the reason. Writing the same again
   * changes nothing. @throws SeriesError where the whole is to be tried again
   */
  write(readings: readonly CurveReading[]): Promise<{ index: number; reason: string }[]>
}

/** The engine does not do it now: the same call may succeed later. */
export class SeriesError extends Error {
  /** How long the engine asked to be left alone, milliseconds. */
  readonly retryAfterMs?: number
  constructor(message: string, options?: { cause?: unknown; retryAfterMs?: number }) {
    super(message, options)
    this.name = 'SeriesError'
    this.retryAfterMs = options?.retryAfterMs
  }
}
