/** What every role of a process needs, built once from the settings. */
import { join } from 'node:path'
import { type Logger, pino } from 'pino'
import { collectDefaultMetrics, Registry as MetricsRegistry } from 'prom-client'
import type { Log, Warehouse } from '@heliograph/crm-core/contracts'
import { createLmdbLog } from '../log/lmdb.ts'
import { childLink, type Link } from '../process/link.ts'
import { lockPart } from '../process/lock.ts'
import { readSettings, type Settings } from '../settings.ts'
import { createClickhouseWarehouse } from '../warehouse/clickhouse.ts'

/** How a child reaches the embedded warehouse; the supervisor hands it down. */
export interface WarehouseAddress {
  port: number
  token: string
}

export interface RoleContext {
  name: string
  settings: Settings
  logger: Logger
  metrics: MetricsRegistry
  link: Link
  log: Log
  warehouse(): Warehouse
}

export const SECRETS_TO_HIDE = [
  '*.password',
  '*.secret',
  '*.token',
  '*.authorization',
  'req.headers.authorization',
  'req.headers.cookie',
]

export function createLogger(name: string, level: string): Logger {
  return pino({ name, level, redact: { paths: SECRETS_TO_HIDE, censor: '[hidden]' } })
}

export function createContext(name: string): RoleContext {
  const settings = readSettings()
  lockPart(settings.dataDir, name)
  const logger = createLogger(name, settings.logLevel)
  const metrics = new MetricsRegistry()
  metrics.setDefaultLabels({ process: name })
  collectDefaultMetrics({ register: metrics })
  const link = childLink(name)
  link.on('metrics', () => metrics.getMetricsAsJSON())
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'uncaught exception')
    // Sync, so that the line is out; the supervisor starts the part again.
    process.exit(1)
  })
  process.on('unhandledRejection', (reason) => {
    logger.error({ err: reason }, 'unhandled rejection')
  })
  const log = createLmdbLog({
    dir: join(settings.dataDir, 'log'),
    onCorrupt: (error, topic, partition) =>
      logger.error({ topic, partition, err: error }, 'a damaged part of the log was left out'),
  })
  return {
    name,
    settings,
    logger,
    metrics,
    link,
    log,
    warehouse: () => createClickhouseWarehouse(warehouseOptions()),
  }
}

function warehouseOptions(): Parameters<typeof createClickhouseWarehouse>[0] {
  const address = process.env['HELIOGRAPH_CHILD_WAREHOUSE_ADDRESS']
  if (!address) throw new Error('this process was started without a warehouse; start Heliograph by solo.ts')
  const { port, token } = JSON.parse(address) as WarehouseAddress
  return { url: `http://127.0.0.1:${port}`, headers: { 'x-helio-token': token } }
}
