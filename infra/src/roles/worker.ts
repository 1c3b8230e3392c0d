/** Decoding, storing, live state and alarms in one process. */
import { latestReadings } from '@heliograph/crm-core'
import { type TenantId, TOPICS } from '@heliograph/crm-core/contracts'
import { createLiveStage, createRollups, createStoreStage } from '@heliograph/stream'
import { Counter, Histogram } from 'prom-client'
import { openCrmReader } from '../crm/index.ts'
import type { RoleContext } from './context.ts'
import { createDecode } from './decode.ts'
import { startDeadLetterStore } from './dead-letter-store.ts'
import { createEnergyToday } from './energy-today.ts'
import { createRegistryFeed } from './registry-feed.ts'
import { startRetention } from './retention.ts'
import { settle } from './settle.ts'
import { verifyLine } from './verify-line.ts'

/** After a power cut the warehouse may have lost rows it had acknowledged: as much is stored again. */
/** Hours, days and months follow the five-minute buckets at this pace. */
const COARSE_EVERY_MS = 10_000
const REWIND_MS = 30 * 60_000

export async function startWorker(
  context: RoleContext,
): Promise<{ ready: Record<string, unknown>; stop(): Promise<void> }> {
  const { settings, log, logger, link, metrics } = context
  await log.start()
  const reader = await openCrmReader({ url: settings.crmUrl })
  const warehouse = context.warehouse()
  await warehouse.start()
  const onError = (what: string) => (error: unknown) => logger.error({ err: error }, what)
  const feed = createRegistryFeed({ log, reader, group: 'worker', onError: onError('events could not be read') })
  const decode = createDecode(context, feed)
  const rollups = createRollups({
    warehouse,
    registry: feed.registry,
    clock: Date.now,
    coarseEveryMs: COARSE_EVERY_MS,
    wholeDayEveryMs: COARSE_EVERY_MS,
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
  const store = createStoreStage({
    log,
    warehouse,
    rollups,
    count: (result, count) => rows.inc({ store: 'warehouse', result }, count),
    timed: (time) => seconds.observe({ store: 'warehouse' }, time),
    onError: onError('the warehouse does not take rows; trying again'),
  })
  const energyToday = createEnergyToday({ warehouse, registry: feed.registry, onError: onError('energy of today') })
  const live = createLiveStage({
    log,
    registry: feed.registry,
    async latest() {
      const found = []
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
    },
    publish: (values) => link.send('api', 'live', values),
    energyTodayWh: energyToday.of,
    onError: onError('live values'),
  })
  link.on('live.sync', () => live.publishAll())
  feed.onEvent((event) => {
    if (event.type === 'device.upserted' && event.recomputeFrom !== undefined)
      rollups.touch(event.device.id, event.recomputeFrom, Date.now())
  })

  if (process.env['HELIOGRAPH_CHILD_REWIND']) await rewind(context)
  await feed.start()
  const unfinished = await reader.unfinishedReplays()
  await decode.start(unfinished)
  await store.start()
  await live.start()
  const deadLetters = startDeadLetterStore({
    log,
    warehouse,
    metrics,
    onError: onError('dead letters wait for the warehouse'),
  })
  energyToday.start()
  const retention = startRetention(context)

  link.on('settle', () => settle({ log, decode, store, rollups }))
  link.on('verify', (asked) =>
    verifyLine(
      { log, warehouse, registry: feed.registry, now: Date.now },
      asked as { windows: number; records: number },
    ),
  )
  link.on('status', async () => {
    const [decodeLag, storeLag, liveLag, letterLag] = await Promise.all([
      decode.lag(),
      store.lag(),
      live.lag(),
      deadLetters.lag(),
    ])
    const trouble = store.trouble()
    return {
      parts: [
        { name: 'decode', state: 'ok', lag: decodeLag },
        { name: 'store', state: trouble ? 'down' : 'ok', lag: storeLag, ...(trouble && { detail: trouble }) },
        // Devices that send always have an open bucket: that is no lag.
        { name: 'rollups', state: 'ok', lag: 0, detail: `${rollups.waiting} to compute` },
        { name: 'live', state: 'ok', lag: liveLag },
        { name: 'dead-letters', state: 'ok', lag: letterLag },
      ],
    }
  })
  return {
    ready: {},
    async stop() {
      retention.stop()
      energyToday.stop()
      await Promise.all([decode.stop(), live.stop(), deadLetters.stop()])
      await store.stop()
      await feed.stop()
      await reader.stop()
      await warehouse.stop()
      await log.stop()
    },
  }
}

async function rewind({ log, logger }: RoleContext): Promise<void> {
  const since = Date.now() - REWIND_MS
  for (const topic of [TOPICS.readings, TOPICS.replayed, TOPICS.deadLetter])
    for (const { partition, offset } of await log.committed(topic, 'store')) {
      const back = Math.min(offset, await log.offsetAt(topic, partition, since))
      await log.seek(topic, 'store', { partition, offset: back })
      logger.warn(
        { topic, partition, records: offset - back },
        'the machine went down uncleanly; storing again what came in before',
      )
    }
}
