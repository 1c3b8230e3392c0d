/** `npm run services -- install | up | down | status [names]`: real engines on a machine without containers. */
import { loadService, loadServices } from './catalogue.ts'
import { installedFolder, runFolder } from './folders.ts'
import { installService, isInstalled, missingCommands } from './install.ts'
import { createInstance } from './instance.ts'
import type { Service } from './service.ts'

const USAGE = `npm run services -- install|up|down|status [names]

  install   downloads or builds what is missing, once per version
  up        installs what is missing, starts, and waits until each answers
  down      stops by pid; data stay
  status    what is installed and running, and where

Files lie under .services/, or where HELIOGRAPH_SERVICES_CACHE says, so that several clones share them.`

type Command = 'install' | 'up' | 'down' | 'status'

const [command, ...names] = process.argv.slice(2)
const COMMANDS: Record<Command, (services: Service[]) => Promise<number>> = {
  install: (services) => each(services, install),
  up: (services) => each(services, up),
  // In reverse: what was started last may need what was started first.
  down: (services) => each(services.filter(({ run }) => run).reverse(), down),
  status,
}
if (command === undefined || !Object.hasOwn(COMMANDS, command)) {
  console.error(USAGE)
  process.exit(2)
}
try {
  const services = names.length > 0 ? await Promise.all(names.map(loadService)) : await loadServices()
  process.exit(await COMMANDS[command as Command](services))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

async function install(service: Service): Promise<string> {
  if (isInstalled(service)) return `${service.version} is installed`
  const started = Date.now()
  process.stderr.write(`${service.name}: installing ${service.version} …\n`)
  await installService(service)
  return `${service.version} installed in ${seconds(started)}`
}
async function up(service: Service): Promise<string> {
  const installed = await install(service)
  if (!service.run) return `${installed}; a tool, nothing to start`
  const instance = createInstance(service, runFolder(service.name))
  const started = Date.now()
  const ran = instance.pid() !== undefined
  await instance.start()
  return `${ran ? 'runs' : `up in ${seconds(started)}`}: ${instance.url()}`
}
async function down(service: Service): Promise<string> {
  const instance = createInstance(service, runFolder(service.name))
  if (instance.pid() === undefined) return 'did not run'
  await instance.stop()
  return 'stopped'
}

/** One failing service does not keep the others from coming up. */
async function each(services: Service[], act: (service: Service) => Promise<string>): Promise<number> {
  let status = 0
  for (const service of services) {
    try {
      console.log(`${service.name}: ${await act(service)}`)
    } catch (error) {
      status = 1
      console.error(`${service.name}: FAILED: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return status
}

async function status(services: Service[]): Promise<number> {
  for (const service of services) {
    const missing = missingCommands(service)
    const files = isInstalled(service)
      ? installedFolder(service.name, service.version)
      : `not installed${missing.length > 0 ? `, needs ${missing.join(', ')}` : ''}`
    console.log(
      `${service.name.padEnd(10)} ${service.version.padEnd(14)} ${(await running(service)).padEnd(10)} ${files}`,
    )
    if (!service.run) continue
    const instance = createInstance(service, runFolder(service.name))
    const pid = instance.pid()
    if (pid !== undefined) console.log(`${' '.repeat(26)}${instance.url()}  pid ${pid}  log ${instance.logFile}`)
  }
  return 0
}
async function running(service: Service): Promise<string> {
  if (!service.run) return 'a tool'
  const instance = createInstance(service, runFolder(service.name))
  if (instance.pid() === undefined) return 'down'
  return (await instance.answers()) ? 'up' : 'no answer'
}
function seconds(since: number): string {
  return `${((Date.now() - since) / 1_000).toFixed(1)} s`
}
