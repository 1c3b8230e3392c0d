/** Everything in one go: `npm start`. One supervisor, four children: API with page and CRM, worker, MQTT edge, and the warehouse where it is embedded. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dataDirProblem } from '../process/data-dir.ts'
import { freePort } from '../process/free-port.ts'
import { resetRequest, seedMark } from '../demo/reset-request.ts'
import { lockDataDir, LockedError } from '../process/lock.ts'
import { createLogger } from '../process/logger.ts'
import { createSupervisor, type PartSpec, StartError, type Supervisor } from '../process/supervisor.ts'
import { readSettings, redacted, type Settings, SettingsError } from '../settings.ts'
import { startFaults } from '../start-faults.ts'

/** Everything together must stop within ten seconds. */
const STOP_MS = { edge: 2_500, worker: 4_000, api: 2_500, warehouse: 3_000 }

let settings: Settings
try {
  settings = readSettings()
} catch (error) {
  if (!(error instanceof SettingsError)) throw error
  for (const problem of error.problems) console.error(problem)
  process.exit(1)
}
const unwritable = dataDirProblem(settings.dataDir)
if (unwritable !== undefined) {
  console.error(unwritable)
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
// Here and once: a part that is started again while an engine is down must not take that for a wrong setting.
const faults = await startFaults(settings, { dataDir: settings.dataDir, logger, publicUrl: settings.publicUrl })
if (faults.length > 0) {
  for (const fault of faults) console.error(fault)
  lock.release()
  process.exit(1)
}
if (settings.demo && existsSync(seedMark(settings))) {
  const { removeHalfDemo } = await import('../demo/reset.ts')
  if (removeHalfDemo(settings)) logger.warn('the making of the demo was cut off: it is made anew')
}
// Half of what a process costs to start is reading its modules; the parts find this in their environment.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(
  new URL('../../../node_modules/.heliograph/compiled', import.meta.url),
)
const token = randomBytes(24).toString('base64url')
/** Chosen here and kept, so that the others know it whether or not the store is up, and find it when it is started again. */
const warehousePort = await freePort()
const powerLoss = detectPowerLoss(settings.dataDir)

const module = (name: string) => new URL(`./${name}.ts`, import.meta.url).pathname
const childEnv = () => ({
  HELIOGRAPH_CHILD_WAREHOUSE_ADDRESS: JSON.stringify({ port: warehousePort, token }),
  ...(powerLoss && { HELIOGRAPH_CHILD_REWIND: '1' }),
})
const warehouse: PartSpec = {
  name: 'warehouse',
  module: module('warehouse'),
  env: () => ({
    HELIOGRAPH_CHILD_WAREHOUSE: JSON.stringify({
      dataDir: join(settings.dataDir, 'warehouse'),
      token,
      port: warehousePort,
    }),
  }),
  stopMs: STOP_MS.warehouse,
  heapMb: 512,
  youngMb: 4,
  // Devices and pages need not wait for it: the log keeps what comes in.
  optional: true,
}
const api: PartSpec = {
  name: 'api',
  module: module('api'),
  env: childEnv,
  stopMs: STOP_MS.api,
  heapMb: 640,
  youngMb: 8,
}
const worker: PartSpec = {
  name: 'worker',
  module: module('worker'),
  env: childEnv,
  stopMs: STOP_MS.worker,
  heapMb: 1_024,
  youngMb: 32,
  // What it keeps is little beside the bytes that pass through, which the engine counts as well: it would clear all of its memory
  // twice a second on a busy line.
  heapGrowthPercent: 400,
}
const simulator: PartSpec = {
  name: 'simulator',
  module: module('simulator'),
  env: childEnv,
  stopMs: 1_000,
  heapMb: 256,
  youngMb: 4,
}
const edge: PartSpec = {
  name: 'edge',
  module: module('edge'),
  env: childEnv,
  stopMs: STOP_MS.edge,
  heapMb: 512,
  youngMb: 24,
}

/** Who takes in first, who serves last; the store when nobody writes any more. */
const STOP_ORDER = [['simulator', 'edge'], ['worker', 'api'], ['warehouse']]
let supervisor = supervise()
function supervise(): Supervisor {
  const made = createSupervisor(logger)
  made.link.on('states', () => made.states())
  made.link.on('pids', () => Object.fromEntries(made.states().map(({ name }) => [name, made.pid(name)])))
  return made
}

let stopping = false
let startingOver = false
async function stop(code: number): Promise<void> {
  if (stopping) return
  stopping = true
  const started = Date.now()
  await supervisor.stop(STOP_ORDER)
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

// Left by one who did not wait for the answer.
rmSync(resetRequest(settings), { force: true })
let isServing = false
process.on('SIGUSR2', () => void startOver())
await serve()
isServing = true
await startOver()

async function serve(): Promise<void> {
  try {
    const stored = settings.warehouseUrl === undefined ? supervisor.start([warehouse]) : Promise.resolve()
    // The API brings both databases up to date, and the others find them so.
    const served = supervisor.start([api], stored)
    await Promise.all([served, supervisor.start([worker, edge], served)])
    if (settings.demo) await supervisor.start([simulator])
    announce()
  } catch (error) {
    // Told to stop while it started: what ended for that is no fault.
    if (!stopping) console.error(error instanceof StartError ? error.message : readable(error))
    await stop(1)
  }
}

/** As `demo reset` asks: all parts down, the demo's data away, all parts up again in the same process. */
async function startOver(): Promise<void> {
  const request = resetRequest(settings)
  if (stopping || startingOver || !isServing || !existsSync(request)) return
  startingOver = true
  logger.warn('starting over with a new demo')
  await supervisor.stop(STOP_ORDER)
  // Loaded when it is needed: it knows the database, and this process is to stay small.
  const { removeDemo, whyNoReset } = await import('../demo/reset.ts')
  // Nobody writes any more: what is found now stays so.
  const why = whyNoReset(settings)
  if (why === undefined) removeDemo(settings)
  supervisor = supervise()
  if (!stopping) await serve()
  if (why === undefined) rmSync(request, { force: true })
  else writeFileSync(request, why)
  startingOver = false
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
