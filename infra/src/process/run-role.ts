/** A role as a process of its own, without a supervisor: `heliograph ingest`, `stream`, `api`, several of each on shared engines. */
import type { Logger } from 'pino'
import { isSharedCrm } from '../crm/index.ts'
import { PORTS, isEmbedded } from '../engines.ts'
import { createContext, type RoleContext } from '../roles/context.ts'
import { readSettings, type Settings, SettingsError, withDotEnv } from '../settings.ts'
import { startFaults } from '../start-faults.ts'
import { dataDirProblem } from './data-dir.ts'
import { createLogger } from './logger.ts'

const FORCED_EXIT_MS = 9_500

export interface Role {
  /** As the others know it. */
  name: 'edge' | 'worker' | 'api'
  /** What every process of this role does, also one that stands by. */
  beside?(context: RoleContext): Promise<{ stop(): Promise<void> }>
  /** Waits until this process may work; absent: at once. */
  before?(settings: Settings, logger: Logger, signal: AbortSignal): Promise<{ release(): Promise<void> }>
  start(context: RoleContext): Promise<{ stop(): Promise<void> }>
}

/** Runs until SIGTERM or SIGINT; exit code 0 then, 1 where a setting or an engine is wrong at start. */
export async function runRole(role: Role): Promise<void> {
  const parting = stopsWhenTold()
  // Shared engines are for real devices: a demo is made where it is asked for.
  process.env['HELIO_DEMO'] ||= withDotEnv(process.env)['HELIO_DEMO'] || 'off'
  const settings = settingsOrExit()
  const unshared = whatCannotBeShared(settings, role.name)
  if (unshared.length > 0) exit(unshared)
  const unwritable = dataDirProblem(settings.dataDir)
  if (unwritable !== undefined) exit([unwritable])
  const logger = createLogger(role.name, settings.logLevel)
  const faults = await startFaults(settings, { dataDir: settings.dataDir, logger, publicUrl: settings.publicUrl })
  if (faults.length > 0) exit(faults)

  let part: Awaited<ReturnType<Role['start']>> | undefined
  let held: { release(): Promise<void> } | undefined
  let beside: { stop(): Promise<void> } | undefined
  // Here, not above: a child of the supervisor reads this file too, and has no Redis.
  const { createRedisLink } = await import('./redis-link.ts')
  const redisLink = createRedisLink(role.name, new URL(settings.engineUrls.live))
  parting.act = async () => {
    await part?.stop()
    // Given back last: the next one begins when this one is done.
    await held?.release()
    await beside?.stop()
    redisLink.stop()
  }
  try {
    await redisLink.start()
    const context = await createContext(role.name, redisLink.link)
    beside = await role.beside?.(context)
    held = await role.before?.(settings, logger, parting.signal)
    // Only who works is spoken to.
    await redisLink.playRole()
    part = await role.start(context)
    console.log(`heliograph ${role.name} is at work`)
  } catch (error) {
    if (parting.signal.aborted) return
    exit([error instanceof Error ? error.message : String(error)])
  }
}

/** Told to stop, a role acts as `act` says and ends with 0; one that has nothing to give back yet ends at once. */
function stopsWhenTold(): { signal: AbortSignal; act?: () => Promise<void> } {
  const ending = new AbortController()
  const parting: ReturnType<typeof stopsWhenTold> = { signal: ending.signal }
  const stop = async (): Promise<void> => {
    if (ending.signal.aborted) return
    ending.abort()
    setTimeout(() => process.exit(1), FORCED_EXIT_MS).unref()
    try {
      await parting.act?.()
      process.exit(0)
    } catch (error) {
      console.error('stop failed:', error)
      process.exit(1)
    }
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop())
  process.on('disconnect', () => void stop())
  return parting
}

/** One line for each engine that lies in one process or on one machine. */
function whatCannotBeShared({ engineUrls, crmUrl, warehouseUrl }: Settings, role: Role['name']): string[] {
  const own = (setting: string, instead: string): string =>
    `${setting}: a role of its own needs an engine that several processes share, such as ${instead}; the embedded one is for "npm start"`
  return [
    ...(isEmbedded(PORTS.log, engineUrls.log) ? [own('HELIO_LOG_URL', 'kafka://')] : []),
    ...(isEmbedded(PORTS.live, engineUrls.live) ? [own('HELIO_LIVE_URL', 'redis://')] : []),
    ...(isSharedCrm(crmUrl) ? [] : [own('HELIO_CRM_URL', 'mysql://')]),
    ...(warehouseUrl === undefined && role !== 'edge' ? [own('HELIO_WAREHOUSE_URL', 'clickhouse://')] : []),
    ...(role === 'api' && isEmbedded(PORTS.files, engineUrls.files) ? [own('HELIO_FILES_URL', 's3://')] : []),
  ]
}

function settingsOrExit(): Settings {
  try {
    return readSettings()
  } catch (error) {
    return exit(error instanceof SettingsError ? error.problems : [String(error)])
  }
}
function exit(lines: string[]): never {
  for (const line of lines) console.error(line)
  process.exit(1)
}
