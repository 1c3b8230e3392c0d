/**
 * What every device said last, in memory: the base of live values and of alarm rules. Rebuilt from the store on start,
 * then kept by readings in any order: an older reading never replaces a newer one.
 */
import { producingStrings, type Registry } from '@heliograph/crm-core'
import type {
  Channel,
  DeviceId,
  DeviceStatus,
  Fault,
  Metric,
  Metrics,
  QualityFlag,
  Reading,
  SiteId,
} from '@heliograph/crm-core/contracts'

/** A value that came with an earlier reading is still shown beside the newest one for this long (value-per-topic devices). */
const CARRY_MS = 5 * 60_000
/** Until a device's delivery interval is learned. */
const DEFAULT_INTERVAL_MS = 5 * 60_000
const MIN_INTERVAL_MS = 1_000
const MAX_INTERVAL_MS = 2 * 86_400_000
/** Spacings remembered per device; their upper quartile is the interval. */
const SPACINGS = 16

export interface DeviceState {
  deviceId: DeviceId
  siteId: SiteId
  /** Newest device time seen, UTC milliseconds. */
  ts: number
  /** Newest arrival, UTC milliseconds; silence is judged on it. */
  receivedAt: number
  metrics: Metrics
  metricTs: Partial<Record<Metric, number>>
  status?: DeviceStatus
  faults?: Fault[]
  /** Since when each fault code is told without a break, device time. */
  faultSince: Record<string, number>
  dc?: Channel[]
  /** By DC input: it has given something since the start, or is known to have before. */
  dcProduced?: boolean[]
  quality: QualityFlag[]
  /** Recent spacings of deliveries, milliseconds. */
  spacings: number[]
  /** Their upper quartile; absent until enough are known. */
  learnedIntervalMs?: number
}

export interface Taken {
  state: DeviceState
  /** It is the newest reading of its device now. */
  newest: boolean
  /** Older than the device's watermark by two intervals: judged as history. */
  late: boolean
}

export class FleetState {
  readonly #registry: Registry
  readonly #devices = new Map<DeviceId, DeviceState>()

  constructor(registry: Registry) {
    this.#registry = registry
  }

  take(reading: Reading): Taken {
    let state = this.#devices.get(reading.deviceId)
    if (!state) {
      state = {
        deviceId: reading.deviceId,
        siteId: reading.siteId,
        ts: -Infinity,
        receivedAt: -Infinity,
        metrics: {},
        metricTs: {},
        faultSince: {},
        quality: [],
        spacings: [],
      }
      this.#devices.set(reading.deviceId, state)
    }
    const interval = this.intervalMs(reading.deviceId)
    const newest = reading.ts >= state.ts
    const late = !newest && reading.ts < state.ts - 2 * interval
    if (!reading.quality.includes('backfill')) this.#learn(state, reading.receivedAt)
    if (newest) this.#replace(state, reading)
    return { state, newest, late }
  }

  #learn(state: DeviceState, receivedAt: number): void {
    const spacing = receivedAt - state.receivedAt
    // Several readings of one delivery say nothing of the interval.
    if (Number.isFinite(spacing) && spacing >= MIN_INTERVAL_MS / 2 && spacing <= MAX_INTERVAL_MS) {
      state.spacings.push(spacing)
      if (state.spacings.length > SPACINGS) state.spacings.shift()
      if (state.spacings.length >= 3) {
        const sorted = [...state.spacings].sort((a, b) => a - b)
        state.learnedIntervalMs = Math.max(MIN_INTERVAL_MS, sorted[Math.floor(sorted.length * 0.75)]!)
      }
    }
    if (receivedAt > state.receivedAt) state.receivedAt = receivedAt
  }

  #replace(state: DeviceState, reading: Reading): void {
    const { metrics, metricTs } = state
    const fresh = reading.metrics
    for (const key in metricTs) {
      const name = key as Metric
      if (fresh[name] === undefined && metricTs[name]! < reading.ts - CARRY_MS) {
        delete metrics[name]
        delete metricTs[name]
      }
    }
    for (const key in fresh) {
      const name = key as Metric
      metrics[name] = fresh[name]!
      metricTs[name] = reading.ts
    }
    if (reading.status) state.status = reading.status
    if (reading.faults) {
      const since: Record<string, number> = {}
      for (const { code } of reading.faults) since[code] = state.faultSince[code] ?? reading.ts
      state.faults = reading.faults
      state.faultSince = since
    }
    if (reading.dc) {
      state.dc = reading.dc
      noteProduced(state, producingStrings(reading.dc))
    }
    state.quality = reading.quality
    state.siteId = reading.siteId
    state.ts = reading.ts
  }

  /** What was known of a device's DC inputs before the start. */
  rememberStrings(deviceId: DeviceId, produced: readonly boolean[]): void {
    const state = this.#devices.get(deviceId)
    if (state) noteProduced(state, produced)
  }

  get(deviceId: DeviceId): DeviceState | undefined {
    return this.#devices.get(deviceId)
  }
  forget(deviceId: DeviceId): void {
    this.#devices.delete(deviceId)
  }
  all(): Iterable<DeviceState> {
    return this.#devices.values()
  }

  /** Time between two deliveries: as set, else the upper quartile of what was seen, else five minutes. */
  intervalMs(deviceId: DeviceId): number {
    const set = this.#registry.device(deviceId)?.deliveryIntervalS
    if (set !== undefined) return set * 1_000
    return this.#devices.get(deviceId)?.learnedIntervalMs ?? DEFAULT_INTERVAL_MS
  }

  /** Age from which a device's values no longer speak for now: three deliveries missed, at least two minutes. */
  staleAfterMs(deviceId: DeviceId): number {
    return Math.max(120_000, 3 * this.intervalMs(deviceId))
  }
  isStale(state: DeviceState, now: number): boolean {
    return (
      now - state.receivedAt > this.staleAfterMs(state.deviceId) ||
      state.status === 'unreachable' ||
      state.quality.includes('stale')
    )
  }
}

/** An input that produced once has a string, whatever it gives now. */
function noteProduced(state: DeviceState, produced: readonly boolean[]): void {
  const before = state.dcProduced ?? []
  state.dcProduced = Array.from(
    { length: Math.max(before.length, produced.length) },
    (_, index) => Boolean(before[index]) || Boolean(produced[index]),
  )
}
