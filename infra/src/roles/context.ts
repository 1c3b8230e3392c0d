/** What every role of a process needs, built once from the settings. */
import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { collectDefaultMetrics, Registry as MetricsRegistry } from 'prom-client'
import type { Log, Tracing } from '@heliograph/crm-core/contracts'
import { type EngineContext, openEngine, PORTS } from '../engines.ts'
import { meterLog } from '../log/metered.ts'
import { productVersion } from '../cli/version.ts'
import { atStop } from '../process/child.ts'
import { childLink, type Link } from '../process/link.ts'
import { lockPart } from '../process/lock.ts'
import { createLogger } from '../process/logger.ts'
import { readSettings, type Settings } from '../settings.ts'

export interface RoleContext {
  name: string
  settings: Settings
  logger: Logger
  metrics: MetricsRegistry
  link: Link
  log: Log
  /** Other processes may play this role at the same time. */
  isShared: boolean
  /** Group of a reader that every process of this role has for itself: what is said there is for all of them. */
  ownGroup: string
  /** For what only one process opens. */
  engines: EngineContext
  /** Absent: nothing is traced. */
  tracing?: Tracing
}

/** @param shared link of a role that runs beside others of its kind; absent: the child of a supervisor */
export async function createContext(name: string, shared?: Link): Promise<RoleContext> {
  const settings = readSettings()
  if (shared === undefined) lockPart(settings.dataDir, name)
  const logger = createLogger(name, settings.logLevel)
  const metrics = new MetricsRegistry()
  metrics.setDefaultLabels({ process: name })
  collectDefaultMetrics({ register: metrics })
  const link = shared ?? childLink(name)
  link.on('metrics', () => metrics.getMetricsAsJSON())
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'uncaught exception')
    // Sync, so that the line is out; the supervisor starts the part again.
    process.exit(1)
  })
  process.on('unhandledRejection', (reason) => {
    logger.error({ err: reason }, 'unhandled rejection')
  })
  const engines = { dataDir: settings.dataDir, logger, publicUrl: settings.publicUrl }
  const log = meterLog(await openEngine(PORTS.log, settings.engineUrls.log, engines), metrics)
  const tracing = settings.traces && (await openTracing(settings.traces, name))
  return {
    ...(tracing && { tracing }),
    name,
    settings,
    logger,
    metrics,
    link,
    log,
    isShared: shared !== undefined,
    ownGroup: shared === undefined ? name : `${name}-${randomUUID()}`,
    engines,
  }
}

async function openTracing(traces: NonNullable<Settings['traces']>, name: string): Promise<Tracing> {
  const { createOpenTelemetry } = await import('../tracing/open-telemetry.ts')
  const tracing = createOpenTelemetry({ ...traces, process: name, version: productVersion() })
  atStop(() => tracing.stop())
  return tracing
}
