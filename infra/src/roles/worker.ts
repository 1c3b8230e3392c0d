/** Storing, live state and alarms in one process, and decoding where no other process does it. */
import { latestReadings } from '@heliograph/crm-core'
import {
  LIVE_AUDIENCES,
  type LiveAudience,
  type LiveValue,
  type Reading,
  type TenantId,
  TOPICS,
} from '@heliograph/crm-core/contracts'
import { createLiveStage, createRollups, createSeriesStage, createStoreStage } from '@heliograph/stream'
import { Counter, Histogram } from 'prom-client'
import { openCrmReader } from '../crm/index.ts'
import { openEngine, PORTS } from '../engines.ts'
import type { RoleContext } from './context.ts'
import { createDecode, createReplaysOfMany } from './decode.ts'
import { startDeadLetterStore } from './dead-letter-store.ts'
import { createEnergyToday } from './energy-today.ts'
import { createExpectedRole, rememberStrings } from './expected.ts'
import { createSoilingNow } from './soiling-now.ts'
import { createExpectedNow } from './expected-now.ts'
import { createLagProbe, withLag } from './lag-probe.ts'
import { lagOf } from './log-progress.ts'
import { openWarehouse } from './open-warehouse.ts'
import { createRegistryFeed } from './registry-feed.ts'
import { startRetention } from './retention.ts'
import { settle } from './settle.ts'
import { beginWithStore, giveUp, startWarehouse } from './start-warehouse.ts'
import { verifyLine } from './verify-line.ts'

/** Said again every two seconds by who watches. */
const WATCHED_FOR_MS = 6_000
/** Hours, days and months follow the five-minute buckets at this pace. */
const COARSE_EVERY_MS = 10_000
/** So do the days of devices whose source is chosen per day (those without a lifetime counter), each read anew. */
const WHOLE_DAY_EVERY_MS = 20_000
/** After a power cut the warehouse may have lost rows it had acknowledged: as much is stored again. */
const REWIND_MS = 30 * 60_000

export async function startWorker(
  context: RoleContext,
): Promise<{ ready: Record<string, unknown>; stop(): Promise<void> }> {
  const { settings, log, logger, link, metrics } = context
  // Beside a decoder the log is started already, and ends after this.
  if (!context.isShared) await log.start()
  const reader = await openCrmReader({ url: settings.crmUrl })
  const onError = (what: string) => (error: unknown) => logger.error({ err: error }, what)
  const warehouse = openWarehouse(settings)
  const started = await startWarehouse(warehouse, {
    onDown: onError('the warehouse is down; decoding goes on, storing waits'),
    onUnusable: giveUp,
  })
  const feed = createRegistryFeed({ log, reader, group: 'worker', onError: onError('events could not be read') })
  const decoding = context.isShared ? createReplaysOfMany : createDecode
  const decode = decoding(context, feed, ({ rows: stored, refused, touched, newest }) => {
    rows.inc({ store: 'warehouse', result: 'replayed' }, stored)
    rows.inc({ store: 'warehouse', result: 'refused' }, refused)
    for (const { deviceId, from, to } of touched) rollups.touch(deviceId, from, to)
    live.takeReplayed(newest)
  })
  const expected = createExpectedRole({
    settings,
    warehouse,
    registry: feed.registry,
    onError,
    pastIsComing: () => rollups.pastDays > 0,
  })
  const rollups = createRollups({
    warehouse,
    registry: feed.registry,
    clock: Date.now,
    coarseEveryMs: COARSE_EVERY_MS,
    wholeDayEveryMs: WHOLE_DAY_EVERY_MS,
    onSiteRows: expected.changed,
  })
  const rows = new Counter({
    name: 'helio_store_rows_total',
    help: 'Rows given to a store, by what became of them',
    labelNames: ['store', 'result'],
    registers: [metrics],
  })
  const seconds = new Histogram({
    name: 'helio_store_batch_seconds',
    help: 'Time to store one batch',
    labelNames: ['store'],
    registers: [metrics],
  })
  const traced = context.tracing ? { tracing: context.tracing } : {}
  const store = createStoreStage({
    log,
    warehouse,
    rollups,
    count: (result, count) => rows.inc({ store: 'warehouse', result }, count),
    timed: (time) => seconds.observe({ store: 'warehouse' }, time),
    onError: onError('the warehouse does not take rows; trying again'),
    ...traced,
  })
  const curves = await openEngine(PORTS.series, settings.engineUrls.series, context.engines)
  const series =
    curves &&
    createSeriesStage({
      log,
      store: curves,
      count: (result, count) => rows.inc({ store: 'series', result }, count),
      onError: onError('the store of raw curves does not take readings; trying again'),
    })
  const energyToday = createEnergyToday({ warehouse, registry: feed.registry, onError: onError('energy of today') })
  async function latest(): Promise<Reading[]> {
    const found: Reading[] = []
    const byTenant = Map.groupBy(feed.registry.devices(), (device) => device.tenantId)
    for (const [tenantId, devices] of byTenant)
      found.push(
        ...(await latestReadings(warehouse, 'system', {
          tenantId: tenantId as TenantId,
          deviceIds: devices.map(({ id }) => id),
          now: Date.now(),
        })),
      )
    return found
  }
  const soilingNow = createSoilingNow({ warehouse, registry: feed.registry, onError: onError('soiling') })
  const expectedNow = createExpectedNow({ warehouse, registry: feed.registry, onError: onError('expected now') })
  // On an engine that processes share it is told once, however many of them serve pages.
  const bus = context.isShared ? await openEngine(PORTS.live, settings.engineUrls.live, context.engines) : undefined
  await bus?.start()
  const publish = (values: LiveValue[]): boolean => {
    if (bus === undefined) return link.send('api', 'live', values)
    bus.publish(values)
    return true
  }
  const live = createLiveStage({
    log,
    registry: feed.registry,
    latest,
    publish,
    energyTodayWh: energyToday.of,
    expected: expectedNow.of,
    soiling: soilingNow.of,
    onError: onError('live values'),
    ...traced,
  })
  link.on('live.sync', () => live.publishAll())
  const watchers = createWatchers((audience) => live.setAudience(audience))
  link.on('live.audience', (audience, from) => watchers.told(from, audience as LiveAudience))
  feed.onEvent((event) => {
    if (event.type === 'device.upserted' && event.recomputeFrom !== undefined)
      rollups.touch(event.device.id, event.recomputeFrom, Date.now())
    expected.onEvent(event)
  })

  const lostPower = process.env['HELIOGRAPH_CHILD_REWIND'] !== undefined
  if (lostPower) await rewind(context)
  await feed.start()
  const unfinished = await reader.unfinishedReplays(lostPower ? Date.now() - REWIND_MS : undefined)
  await decode.start(unfinished)
  // Begun when there is a store to begin with: roll-ups that were under way, and what each device said last.
  let storing = false
  await beginWithStore(
    started,
    async (late) => {
      await store.start()
      storing = true
      if (!late) return
      for (const reading of await latest()) live.fleet.take(reading)
      live.publishAll()
    },
    onError('storing could not begin'),
  )
  await live.start()
  const deadLetters = startDeadLetterStore({
    log,
    warehouse,
    metrics,
    onError: onError('dead letters wait for the warehouse'),
  })
  energyToday.start()
  expectedNow.start()
  soilingNow.start()
  expected.start()
  void rememberStrings(warehouse, live.fleet, Date.now()).catch(onError('what strings gave before'))
  series?.start()
  const retention = startRetention(context)

  link.on('settle', () => settle({ log, decode, store, rollups }))
  link.on('verify', (asked) =>
    verifyLine(
      { log, warehouse, registry: feed.registry, now: Date.now },
      asked as { windows: number; records: number },
    ),
  )
  // Each by itself and below the time of who asks: where the log is away, this process is not.
  const lags = {
    decode: createLagProbe(() => decode.lag()),
    store: createLagProbe(() => (storing ? store.lag() : lagOf(log, TOPICS.readings, 'store'))),
    series: createLagProbe(() => series?.lag() ?? Promise.resolve(0)),
    live: createLagProbe(() => live.lag()),
    letters: createLagProbe(() => deadLetters.lag()),
  }
  link.on('status', async () => {
    const [decoding, stored, curvesStored, told, letters] = await Promise.all([
      lags.decode(),
      lags.store(),
      lags.series(),
      lags.live(),
      lags.letters(),
    ])
    const trouble = storing ? store.trouble() : started.isUp ? 'storing begins' : 'the warehouse is down'
    return {
      parts: [
        withLag('decode', decoding),
        withLag('store', stored, trouble),
        // Devices that send always have an open bucket: that is no lag. A past that waits is, in days of devices.
        { name: 'rollups', state: 'ok', lag: rollups.pastDays, detail: `${rollups.waiting} to compute` },
        { name: 'expected', state: 'ok', lag: 0, detail: `${expected.waiting} sites to compute` },
        ...(series ? [withLag('series', curvesStored, series.trouble())] : []),
        withLag('live', told),
        withLag('dead-letters', letters),
      ],
    }
  })
  return {
    ready: {},
    async stop() {
      watchers.stop()
      retention.stop()
      energyToday.stop()
      expectedNow.stop()
      soilingNow.stop()
      await Promise.all([decode.stop(), live.stop(), deadLetters.stop(), series?.stop()])
      await bus?.stop()
      await store.stop()
      await expected.stop()
      await feed.stop()
      await reader.stop()
      await started.stop()
      if (!context.isShared) await log.stop()
    },
  }
}

/** The closest look of any API process counts; one that says nothing any more is gone. */
function createWatchers(set: (audience: LiveAudience) => void): {
  told(from: string, audience: LiveAudience): void
  stop(): void
} {
  const said = new Map<string, { audience: LiveAudience; until: number }>()
  const judge = (): void => {
    const now = performance.now()
    for (const [from, { until }] of said) if (until < now) said.delete(from)
    set(LIVE_AUDIENCES.findLast((level) => [...said.values()].some(({ audience }) => audience === level)) ?? 'nobody')
  }
  const timer = setInterval(judge, WATCHED_FOR_MS)
  return {
    told(from, audience) {
      said.set(from, { audience, until: performance.now() + WATCHED_FOR_MS })
      judge()
    },
    stop: () => clearInterval(timer),
  }
}

async function rewind({ log, logger }: RoleContext): Promise<void> {
  const since = Date.now() - REWIND_MS
  for (const topic of [TOPICS.readings, TOPICS.deadLetter])
    for (const { partition, offset } of await log.committed(topic, 'store')) {
      const back = Math.min(offset, await log.offsetAt(topic, partition, since))
      await log.seek(topic, 'store', { partition, offset: back })
      logger.warn(
        { topic, partition, records: offset - back },
        'the machine went down uncleanly; storing again what came in before',
      )
    }
}
