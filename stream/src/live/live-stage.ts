/**
 * Live values and alarms from the readings as they come: keeps the fleet's state, tells the bus the newest values at once and at
 * most ten times a second, and lets the rules judge. Late readings are judged as history; imports and replays by nobody.
 */
import { Pace, type Registry, type Soiling } from '@heliograph/crm-core'
import {
  contentOf,
  type DeviceId,
  encodeRecord,
  type ExpectedNow,
  type LiveAudience,
  type LiveDevice,
  type LiveValue,
  type Log,
  type LogBatch,
  type LogConsumer,
  type LogPosition,
  type Reading,
  type ReadingRecord,
  type SiteId,
  TOPICS,
  type Tracing,
} from '@heliograph/crm-core/contracts'
import { AlarmEngine } from '../alarms/engine.ts'
import type { DeviceState } from '../fleet/fleet-state.ts'
import { FleetState } from '../fleet/fleet-state.ts'
import { siteView } from '../fleet/site-view.ts'
import { rules } from '../rules/index.ts'
import { siteLive } from './site-live.ts'
import { Streets } from './streets.ts'

const GROUP = 'live'
const CHECKPOINT = 'alarms'
const PUBLISH_EVERY_MS = 100
/** What nobody looks at: REST answers from what was told last. */
const UNWATCHED_EVERY_MS = 500
/** Every site is judged at least this often: silence has no message that would wake the judge. */
const JUDGE_ALL_EVERY_MS = 10_000
const SLICES = 20
const SITE_EVERY_MS = 250

export interface LiveStageDeps {
  log: Log
  registry: Registry
  /** Newest readings per device from the store, to begin with. */
  latest(): Promise<Reading[]>
  /** @returns false when the channel is busy: the values are kept and offered again */
  publish(values: LiveValue[]): boolean
  energyTodayWh(siteId: SiteId): number | undefined
  /** Sites against what they should give; absent: not measured. */
  expected?(siteId: SiteId): ExpectedNow | undefined
  /** How dirty their modules are; absent: not known. */
  soiling?(siteId: SiteId): Soiling | undefined
  onError(error: unknown): void
  tracing?: Tracing
  now?(): number
}

export interface LiveStage {
  start(): Promise<void>
  stop(): Promise<void>
  /**
   * History that a claim or a replay brings: what the page shows until the device speaks again. It says nothing of faults,
   * because a replay never raises an alarm.
   */
  takeReplayed(readings: readonly ReadingRecord[]): void
  /** Offers everything again: the other end lost its state. */
  publishAll(): void
  /** Who watches: what nobody looks at is told less often. Alarms are judged and told as ever. */
  setAudience(audience: LiveAudience): void
  lag(): Promise<number>
  readonly fleet: FleetState
}

export function createLiveStage(deps: LiveStageDeps): LiveStage {
  const now = deps.now ?? Date.now
  const { registry, log } = deps
  const fleet = new FleetState(registry)
  const engine = new AlarmEngine({ rules })
  const streets = new Streets(registry, fleet)
  const alarms = log.producer(TOPICS.alarms)
  const dirtyDevices = new Set<DeviceId>()
  const dirtySites = new Set<SiteId>()
  const siteTold = new Map<SiteId, number>()
  /** Devices whose newest value is of a message that is traced. */
  const traced = new Map<DeviceId, string>()
  const pace = new Pace(PUBLISH_EVERY_MS, publish)
  let judging: NodeJS.Timeout | undefined
  let consumer: LogConsumer | undefined
  let telling: Promise<void> | undefined
  let slice = 0
  let audience: LiveAudience = 'devices'
  let publishedAt = -Infinity
  let devicesToldAt = -Infinity

  // Called by the consumer with one batch at a time.
  async function handle(batch: LogBatch): Promise<void> {
    for (const record of batch.records) take(contentOf<ReadingRecord>(record))
    pace.soon()
  }

  function take(reading: ReadingRecord): void {
    const { newest, late } = fleet.take(reading)
    if (newest) {
      dirtyDevices.add(reading.deviceId)
      dirtySites.add(reading.siteId)
      if (reading.traceparent !== undefined && deps.tracing) traced.set(reading.deviceId, reading.traceparent)
    }
    if (!late || !reading.faults?.length || reading.quality.includes('backfill')) return
    const site = registry.site(reading.siteId)
    if (site) engine.judgeLate(site, reading.deviceId, reading.faults, reading.ts)
  }

  function publish(): void {
    const at = now()
    if (audience === 'nobody' && at - publishedAt < UNWATCHED_EVERY_MS) return pace.soon()
    publishedAt = at
    const values: LiveValue[] = []
    const tellsDevices = audience === 'devices' || at - devicesToldAt >= UNWATCHED_EVERY_MS
    for (const deviceId of tellsDevices ? dirtyDevices : []) {
      const state = fleet.get(deviceId)
      const device = registry.device(deviceId)
      if (!state || !device) continue
      const value = deviceValue(state, device.tenantId, registry)
      const traceparent = traced.get(deviceId)
      if (traceparent !== undefined) {
        const step = deps.tracing!.follow(traceparent, 'live.publish')
        value.traceparent = step.traceparent
        step.end()
      }
      values.push(value)
    }
    const sites: SiteId[] = []
    for (const siteId of dirtySites) {
      if (at - (siteTold.get(siteId) ?? 0) < SITE_EVERY_MS) continue
      sites.push(siteId)
      const value = judged(siteId, at)
      if (value) values.push(value)
    }
    // Alarms go to the log and wait for nobody.
    tell()
    if (values.length > 0 && !deps.publish(values)) return pace.soon()
    if (tellsDevices) {
      dirtyDevices.clear()
      traced.clear()
      devicesToldAt = at
    }
    for (const siteId of sites) {
      dirtySites.delete(siteId)
      siteTold.set(siteId, at)
    }
    // Those that were told a moment ago.
    if (dirtySites.size > 0 || dirtyDevices.size > 0) pace.soon()
  }

  /** Judges a site, and what a page shows of it then. */
  function judged(siteId: SiteId, at: number): LiveValue | undefined {
    const site = registry.site(siteId)
    if (!site) return undefined
    const view = siteView(site, registry, fleet, at, deps.expected?.(siteId), deps.soiling?.(siteId))
    engine.judge(view)
    const value = siteLive({
      view,
      openAlarms: engine.openOf(siteId),
      energyTodayWh: deps.energyTodayWh(siteId),
      lostTogether: streets.lostWithOthers(siteId, at),
    })
    return { key: `site:${siteId}`, ts: at, tenantId: site.tenantId, siteId, customerId: site.customerId, value }
  }

  /** A part of the fleet at a time, so that ten thousand sites never hold the loop. */
  function judgeSlice(): void {
    let index = 0
    for (const site of registry.sites()) if (index++ % SLICES === slice) dirtySites.add(site.id)
    slice = (slice + 1) % SLICES
    pace.soon()
  }

  /** Memory first, then the log, then forget: a crash in between tells the same alarm under the same id again. */
  function tell(): void {
    if (telling || engine.untold.length === 0) return
    telling = (async () => {
      const untold = [...engine.untold]
      await log.checkpoints.save(CHECKPOINT, 0, 0, engine.save())
      await alarms.append(untold.map((record) => ({ key: record.siteId, value: encodeRecord(record) })))
      engine.settled(untold.length)
      await log.checkpoints.save(CHECKPOINT, 0, 0, engine.save())
      for (const record of untold) dirtySites.add(record.siteId)
    })()
      .catch(deps.onError)
      .finally(() => {
        telling = undefined
        pace.soon()
      })
  }

  /**
   * The state is rebuilt from the store, so what the store has not yet taken must be read again: a fault that was told
   * just before the end would be forgotten otherwise. Taking a reading twice changes nothing.
   */
  async function beginnings(): Promise<LogPosition[]> {
    const stored = await log.committed(TOPICS.readings, 'store')
    return (await log.committed(TOPICS.readings, GROUP)).map(({ partition, offset }) => ({
      partition,
      offset: Math.min(offset, stored.find((position) => position.partition === partition)?.offset ?? 0),
    }))
  }

  return {
    fleet,
    async start() {
      const saved = await log.checkpoints.load(CHECKPOINT, 0)
      if (saved) engine.restore(saved.state)
      try {
        for (const reading of await deps.latest()) fleet.take(reading)
      } catch (error) {
        // The store is down: the live state fills from what comes in.
        deps.onError(error)
      }
      consumer = log.consume({
        topic: TOPICS.readings,
        group: GROUP,
        positions: await beginnings(),
        handle,
        onError: deps.onError,
      })
      judging = setInterval(judgeSlice, JUDGE_ALL_EVERY_MS / SLICES)
      this.publishAll()
    },
    async stop() {
      clearInterval(judging)
      await consumer?.stop()
      publishedAt = devicesToldAt = -Infinity
      publish()
      await telling
      pace.stop()
      await log.checkpoints.save(CHECKPOINT, 0, 0, engine.save())
    },
    takeReplayed(readings) {
      for (const reading of readings) {
        const state = fleet.get(reading.deviceId)
        if (state && state.ts >= reading.ts) continue
        const { faults: _faults, status, ...measured } = reading
        take(status === undefined || status === 'fault' ? measured : { ...measured, status })
      }
      pace.soon()
    },
    setAudience(now) {
      audience = now
      pace.soon()
    },
    publishAll() {
      for (const { deviceId } of fleet.all()) dirtyDevices.add(deviceId)
      for (const { id } of registry.sites()) dirtySites.add(id)
      siteTold.clear()
      pace.soon()
    },
    lag: async () => (await consumer?.lag()) ?? 0,
  }
}

function deviceValue(state: DeviceState, tenantId: LiveValue['tenantId'], registry: Registry): LiveValue {
  const value: LiveDevice = {
    siteId: state.siteId,
    receivedAt: Number.isFinite(state.receivedAt) ? state.receivedAt : state.ts,
    metrics: { ...state.metrics },
    quality: state.quality,
    ...(state.status && { status: state.status }),
    ...(state.faults && { faults: state.faults }),
  }
  return {
    key: `device:${state.deviceId}`,
    ts: state.ts,
    tenantId,
    siteId: state.siteId,
    customerId: registry.site(state.siteId)?.customerId,
    value,
  }
}
