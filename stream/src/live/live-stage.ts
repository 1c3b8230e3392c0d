/**
 * Live values and alarms from the readings as they come: keeps the fleet's state, tells the bus the newest values at most
 * ten times a second, and lets the rules judge. Late readings are judged as history; imports and replays by nobody.
 */
import type { Registry } from '@heliograph/crm-core'
import {
  decodeRecord,
  type DeviceId,
  encodeRecord,
  type LiveDevice,
  type LiveValue,
  type Log,
  type LogBatch,
  type LogConsumer,
  type LogPosition,
  type Reading,
  type ReadingRecord,
  type ReplayChunkRecord,
  type SiteId,
  TOPICS,
} from '@heliograph/crm-core/contracts'
import { AlarmEngine } from '../alarms/engine.ts'
import type { DeviceState } from '../fleet/fleet-state.ts'
import { FleetState } from '../fleet/fleet-state.ts'
import { siteView } from '../fleet/site-view.ts'
import { rules } from '../rules/index.ts'
import { siteLive } from './site-live.ts'

const GROUP = 'live'
const CHECKPOINT = 'alarms'
const PUBLISH_EVERY_MS = 100
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
  onError(error: unknown): void
  now?(): number
}

export interface LiveStage {
  start(): Promise<void>
  stop(): Promise<void>
  /** Offers everything again: the other end lost its state. */
  publishAll(): void
  lag(): Promise<number>
  readonly fleet: FleetState
}

export function createLiveStage(deps: LiveStageDeps): LiveStage {
  const now = deps.now ?? Date.now
  const { registry, log } = deps
  const fleet = new FleetState(registry)
  const engine = new AlarmEngine({ rules })
  const alarms = log.producer(TOPICS.alarms)
  const dirtyDevices = new Set<DeviceId>()
  const dirtySites = new Set<SiteId>()
  const siteTold = new Map<SiteId, number>()
  const timers: NodeJS.Timeout[] = []
  let consumers: LogConsumer[] = []
  let telling: Promise<void> | undefined
  let slice = 0

  // Called by the consumer with one batch at a time.
  async function handle(batch: LogBatch): Promise<void> {
    for (const { value } of batch.records) take(decodeRecord<ReadingRecord>(value))
  }

  function take(reading: Reading): void {
    const { newest, late } = fleet.take(reading)
    if (newest) {
      dirtyDevices.add(reading.deviceId)
      dirtySites.add(reading.siteId)
    }
    if (!late || !reading.faults?.length || reading.quality.includes('backfill')) return
    const site = registry.site(reading.siteId)
    if (site) engine.judgeLate(site, reading.deviceId, reading.faults, reading.ts)
  }

  /**
   * History that a claim or a replay brings: what the page shows until the device speaks again. It says nothing of faults,
   * because a replay never raises an alarm.
   */
  async function handleReplayed(batch: LogBatch): Promise<void> {
    for (const { value } of batch.records) {
      const record = decodeRecord<ReadingRecord | ReplayChunkRecord>(value)
      if ('chunk' in record || record.quality.includes('backfill')) continue
      const state = fleet.get(record.deviceId)
      if (state && state.ts >= record.ts) continue
      const { faults: _faults, status, ...measured } = record
      take(status === undefined || status === 'fault' ? measured : { ...measured, status })
    }
  }

  function judge(siteId: SiteId): void {
    const site = registry.site(siteId)
    if (site) engine.judge(siteView(site, registry, fleet, now()))
  }

  function publish(): void {
    const values: LiveValue[] = []
    const at = now()
    for (const deviceId of dirtyDevices) {
      const state = fleet.get(deviceId)
      const device = registry.device(deviceId)
      if (state && device) values.push(deviceValue(state, device.tenantId, registry))
    }
    const sites: SiteId[] = []
    for (const siteId of dirtySites) {
      if (at - (siteTold.get(siteId) ?? 0) < SITE_EVERY_MS) continue
      sites.push(siteId)
      judge(siteId)
      const value = siteValue(siteId, at)
      if (value) values.push(value)
    }
    // Alarms go to the log and wait for nobody.
    tell()
    if (values.length > 0 && !deps.publish(values)) return
    dirtyDevices.clear()
    for (const siteId of sites) {
      dirtySites.delete(siteId)
      siteTold.set(siteId, at)
    }
  }

  function siteValue(siteId: SiteId, at: number): LiveValue | undefined {
    const site = registry.site(siteId)
    if (!site) return undefined
    const view = siteView(site, registry, fleet, at)
    const value = siteLive({ view, openAlarms: engine.openOf(siteId), energyTodayWh: deps.energyTodayWh(siteId) })
    return { key: `site:${siteId}`, ts: at, tenantId: site.tenantId, siteId, customerId: site.customerId, value }
  }

  /** A part of the fleet at a time, so that ten thousand sites never hold the loop. */
  function judgeSlice(): void {
    let index = 0
    for (const site of registry.sites()) if (index++ % SLICES === slice) dirtySites.add(site.id)
    slice = (slice + 1) % SLICES
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
      .finally(() => (telling = undefined))
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
      consumers = [
        log.consume({
          topic: TOPICS.readings,
          group: GROUP,
          positions: await beginnings(),
          handle,
          onError: deps.onError,
        }),
        log.consume({ topic: TOPICS.replayed, group: GROUP, handle: handleReplayed, onError: deps.onError }),
      ]
      timers.push(setInterval(publish, PUBLISH_EVERY_MS), setInterval(judgeSlice, JUDGE_ALL_EVERY_MS / SLICES))
      this.publishAll()
    },
    async stop() {
      for (const timer of timers) clearInterval(timer)
      await Promise.all(consumers.map((consumer) => consumer.stop()))
      publish()
      await telling
      await log.checkpoints.save(CHECKPOINT, 0, 0, engine.save())
    },
    publishAll() {
      for (const { deviceId } of fleet.all()) dirtyDevices.add(deviceId)
      for (const { id } of registry.sites()) dirtySites.add(id)
      siteTold.clear()
    },
    async lag() {
      const lags = await Promise.all(consumers.map((consumer) => consumer.lag()))
      return lags.reduce((sum, lag) => sum + lag, 0)
    },
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
