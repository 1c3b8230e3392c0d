/** Everything in one go: `npm start`. One supervisor, four children: warehouse, API with page and CRM, worker, MQTT edge. */
import { randomBytes } from 'node:crypto'
import { accessSync, constants, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lockDataDir, LockedError } from '../process/lock.ts'
import { createSupervisor, type PartSpec, StartError } from '../process/supervisor.ts'
import { createLogger } from '../roles/context.ts'
import { readSettings, redacted, type Settings, SettingsError } from '../settings.ts'

/** Everything together must stop within ten seconds. */
const STOP_MS = { edge: 2_500, worker: 4_000, api: 2_500, warehouse: 3_000 }

let settings: Settings
try {
  settings = readSettings()
  mkdirSync(settings.dataDir, { recursive: true })
  accessSync(settings.dataDir, constants.W_OK)
} catch (error) {
  if (error instanceof SettingsError) for (const problem of error.problems) console.error(problem)
  else console.error(`HELIO_DATA_DIR: ${readable(error)}`)
  process.exit(1)
}

let lock: ReturnType<typeof lockDataDir>
try {
  lock = lockDataDir(settings.dataDir)
} catch (error) {
  console.error(error instanceof LockedError ? error.message : readable(error))
  process.exit(1)
}

const logger = createLogger('heliograph', settings.logLevel)
logger.info({ settings: redacted(settings) }, 'starting')
const supervisor = createSupervisor(logger)
const token = randomBytes(24).toString('base64url')
let warehousePort = 0
const powerLoss = detectPowerLoss(settings.dataDir)

const module = (name: string) => new URL(`./${name}.ts`, import.meta.url).pathname
const childEnv = () => ({
  HELIOGRAPH_CHILD_WAREHOUSE_ADDRESS: JSON.stringify({ port: warehousePort, token }),
  ...(powerLoss && { HELIOGRAPH_CHILD_REWIND: '1' }),
})
const warehouse: PartSpec = {
  name: 'warehouse',
  module: module('warehouse'),
  // The port stays the same when it is started again, so that the others find it.
  env: () => ({
    HELIOGRAPH_CHILD_WAREHOUSE: JSON.stringify({
      dataDir: join(settings.dataDir, 'warehouse'),
      token,
      port: warehousePort,
    }),
  }),
  onReady: (message) => (warehousePort = message['port'] as number),
  stopMs: STOP_MS.warehouse,
  heapMb: 512,
}
const api: PartSpec = { name: 'api', module: module('api'), env: childEnv, stopMs: STOP_MS.api, heapMb: 768 }
const worker: PartSpec = {
  name: 'worker',
  module: module('worker'),
  env: childEnv,
  stopMs: STOP_MS.worker,
  heapMb: 1_024,
}
const simulator: PartSpec = {
  name: 'simulator',
  module: module('simulator'),
  env: childEnv,
  stopMs: 1_000,
  heapMb: 256,
}
const edge: PartSpec = { name: 'edge', module: module('edge'), env: childEnv, stopMs: STOP_MS.edge, heapMb: 512 }

supervisor.link.on('states', () => supervisor.states())
supervisor.link.on('pids', () =>
  Object.fromEntries(supervisor.states().map(({ name }) => [name, supervisor.pid(name)])),
)

let stopping = false
async function stop(code: number): Promise<void> {
  if (stopping) return
  stopping = true
  const started = Date.now()
  // Who takes in first, who serves last; the store when nobody writes any more.
  await supervisor.stop([['simulator', 'edge'], ['worker', 'api'], ['warehouse']])
  markCleanStop(settings.dataDir)
  lock.release()
  logger.info({ ms: Date.now() - started }, 'stopped')
  process.exit(code)
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0))
// Started by npm's launcher: gone when it is gone.
process.on('disconnect', () => void stop(0))
// Output may go to a pipe that is closed before us.
process.stdout.on('error', () => undefined)
process.stderr.on('error', () => undefined)

try {
  await supervisor.start([warehouse])
  await supervisor.start([api])
  await supervisor.start([worker, edge])
  if (settings.demo) await supervisor.start([simulator])
  announce()
} catch (error) {
  console.error(error instanceof StartError ? error.message : readable(error))
  await stop(1)
}

function announce(): void {
  const { httpHost, httpPort, mqttHost, mqttPort, demo, demoPassword, production } = settings
  const lines = [
    '',
    `  Heliograph   http://${httpHost}:${httpPort}`,
    `  MQTT         mqtt://${mqttHost}:${mqttPort}`,
    ...(demo
      ? [
          '',
          '  Demo logins  admin@demo.test, support@demo.test, sales@demo.test, analyst@demo.test,',
          '               customer@demo.test, and admin@other.test of another tenant',
          `  Password     ${production ? 'as set by HELIO_DEMO_PASSWORD' : demoPassword}`,
        ]
      : []),
    '',
  ]
  console.log(lines.join('\n'))
  if (mqttHost !== '127.0.0.1' && mqttHost !== 'localhost' && mqttHost !== '::1')
    logger.warn('plain MQTT listens beyond this machine: secrets travel unencrypted; set HELIO_MQTTS_PORT')
}

/**
 * The warehouse's files survive the death of its process, but not of the machine: after a power cut the consumers must
 * rewind. Told apart by the kernel's boot id.
 */
function detectPowerLoss(dataDir: string): boolean {
  const file = join(dataDir, 'running')
  const boot = bootId()
  let before: string | undefined
  try {
    before = readFileSync(file, 'utf8')
  } catch {
    // Stopped cleanly, or new.
  }
  writeFileSync(file, boot)
  return before !== undefined && before !== boot
}
function markCleanStop(dataDir: string): void {
  rmSync(join(dataDir, 'running'), { force: true })
}
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return 'unknown'
  }
}

function readable(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
