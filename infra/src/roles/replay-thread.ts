/**
 * The thread of replays: decodes raw messages again and stores them, beside live decoding, which never waits for it. It has a
 * log, a lane and a client of the store of its own; of the registry it is told by the worker, which knows every event first.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { Registry } from '@heliograph/crm-core'
import {
  type DomainEvent,
  createReadingWriter,
  type LogPosition,
  type RegistrySnapshot,
  TOPICS,
} from '@heliograph/crm-core/contracts'
import { createReplayRunner, decodeProducers, type ReplayRequest, type ReplayRunner, vendors } from '@heliograph/ingest'
import { type ReplayEffects, ReplayStore } from '@heliograph/stream'
import { isEmbedded, openEngine, PORTS } from '../engines.ts'
import { createLogger } from '../process/logger.ts'
import { readSettings } from '../settings.ts'
import { openWarehouse } from './open-warehouse.ts'
import { startWarehouse } from './start-warehouse.ts'

/** Beside lane 0 of live decoding. */
const LANE = 1

export interface ReplayThreadData {
  registry: RegistrySnapshot
}
/** In the order in which the worker learned of them. */
export type ToReplayThread =
  | { type: 'event'; event: DomainEvent }
  | { type: 'replay'; request: ReplayRequest; upTo: LogPosition[] }
  /** Answered when everything that was told before is. */
  | { type: 'sync'; id: number }
  | { type: 'stop' }
export type FromReplayThread =
  { type: 'ended'; replayId: string } | { type: 'stored'; effects: ReplayEffects } | { type: 'synced'; id: number }

const port = parentPort!
const tell = (message: FromReplayThread): void => port.postMessage(message)
const settings = readSettings()
const { dataDir, publicUrl, logLevel, engineUrls } = settings
const logger = createLogger('replays', logLevel)
const onError = (error: unknown): void => logger.error({ err: error }, 'a replay waits; trying again')
const registry = new Registry()
registry.load((workerData as ReplayThreadData).registry)
const log = await openEngine(PORTS.log, engineUrls.log, { dataDir, logger, publicUrl })
await log.start()
const warehouse = openWarehouse(settings)
const started = await startWarehouse(warehouse, {
  onDown: onError,
  // The thread ends, and the worker starts another one.
  onUnusable: (error) => {
    throw error
  },
})
const producers = decodeProducers(log, LANE)
/** A store of raw curves reads the log. */
const curves = isEmbedded(PORTS.series, engineUrls.series) ? undefined : log.producer(TOPICS.replayed, LANE)

const writeReading = createReadingWriter((size) => Buffer.allocUnsafe(size))

function createRunner(): ReplayRunner {
  const store = new ReplayStore({
    warehouse,
    deadLetters: producers.deadLetter,
    stored: (effects) => tell({ type: 'stored', effects }),
    onError,
  })
  return createReplayRunner({
    log,
    registry,
    vendors,
    producers,
    sink: {
      async put(readings, chunks, signal) {
        await curves?.append(readings.map((reading) => ({ key: reading.deviceId, value: writeReading(reading) })))
        await store.put(readings, chunks, signal)
      },
      settled: (signal) => store.settled(signal),
    },
    progress: log.producer(TOPICS.replays, LANE),
    onError: (error) => logger.error({ err: error }, 'replay failed'),
  })
}
/** Whoever claims a device or replays one letter waits for it, and must not wait for a month of a fleet. */
const awaited = createRunner()
const long = createRunner()

port.on('message', (message: ToReplayThread) => {
  switch (message.type) {
    case 'event':
      registry.apply(message.event)
      break
    case 'replay': {
      const { replayId, link, message: single } = message.request
      const runner = link || single ? awaited : long
      void runner.run(message.request, message.upTo).then(() => tell({ type: 'ended', replayId }))
      break
    }
    case 'sync':
      tell({ type: 'synced', id: message.id })
      break
    case 'stop':
      void Promise.all([awaited.stop(), long.stop()])
        .then(() => Promise.all([log.stop(), started.stop()]))
        .finally(() => port.close())
  }
})
