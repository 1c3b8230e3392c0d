/**
 * One running instance of a service in a folder of its own: data, log, and a file that says which process it is and where it
 * listens. Its process is a group of its own that outlives whoever started it, and is ended by its pid alone.
 */
import { spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { freePort } from '../src/process/free-port.ts'
import { installedFolder } from './folders.ts'
import type { Place, Service } from './service.ts'
import { connectTo } from './wait.ts'

const POLL_MS = 100
const STOP_MS = 15_000
const RELEASE_TRIES = 20
const LOG_TAIL = 2_000
/** A log is begun anew at a start beyond this size. */
const LOG_BYTES = 16 * 1024 * 1024

const stateSchema = z.object({
  version: z.string(),
  ports: z.record(z.string(), z.number()),
  pid: z.number().optional(),
  /** When the process began, in the kernel's ticks: a pid alone may be somebody else's by now. */
  began: z.string().optional(),
})
type State = z.infer<typeof stateSchema>

export interface Instance {
  readonly service: Service
  readonly logFile: string
  /** Folder of its data. */
  readonly dataDir: string
  /** Undefined while it does not run. */
  pid(): number | undefined
  /** Port of a listener; known from the first start on. */
  port(name: string): number
  url(): string
  /** Starts it unless it runs, and waits until it answers. It listens where it did before, where those ports are still free. */
  start(): Promise<void>
  /** Asks it to end, and insists after a while. */
  stop(): Promise<void>
  /** Ends it as a power cut would, and waits until it is gone. */
  kill(): Promise<void>
  /** Whether it answers now. */
  answers(): Promise<boolean>
}

export function createInstance(service: Service, folder: string): Instance {
  const { run } = service
  if (!run) throw new Error(`${service.name} is a tool and is not started`)
  const stateFile = join(folder, 'state.json')
  const logFile = join(folder, 'log')
  const data = join(folder, 'data')

  const read = (): State | undefined =>
    existsSync(stateFile) ? stateSchema.parse(JSON.parse(readFileSync(stateFile, 'utf8'))) : undefined
  function write(state: State): void {
    writeFileSync(`${stateFile}.new`, `${JSON.stringify(state, undefined, 2)}\n`)
    renameSync(`${stateFile}.new`, stateFile)
    if (state.pid === undefined) rmSync(join(folder, 'pid'), { force: true })
    else writeFileSync(join(folder, 'pid'), `${state.pid}\n`)
  }
  const port = (name: string): number => {
    const found = read()?.ports[name]
    if (found === undefined)
      throw new Error(`${service.name} was not started yet: npm run services -- up ${service.name}`)
    return found
  }
  const place: Place = { installed: installedFolder(service.name, service.version), data, port }

  function pid(): number | undefined {
    const state = read()
    return state?.pid !== undefined && state.began !== undefined && beganAt(state.pid) === state.began
      ? state.pid
      : undefined
  }

  async function start(): Promise<void> {
    if (pid() !== undefined) return await untilReady()
    mkdirSync(folder, { recursive: true })
    const before = read()
    // Data of another version may not open: these are services to try things on, nobody's records.
    if (before && before.version !== service.version) rmSync(data, { recursive: true, force: true })
    mkdirSync(data, { recursive: true })
    const ports: Record<string, number> = {}
    for (const name of run!.ports) ports[name] = await portFor(before?.ports[name], Object.values(ports))
    for (const name of run!.reserved ?? [])
      ports[name] = before?.ports[name] ?? (await portFor(undefined, Object.values(ports)))
    write({ version: service.version, ports })
    const { program, args, env } = await run!.command(place)
    const log = openSync(logFile, existsSync(logFile) && statSync(logFile).size > LOG_BYTES ? 'w' : 'a')
    const child = spawn(program, args, {
      cwd: data,
      env: { ...process.env, ...env },
      stdio: ['ignore', log, log],
      detached: true,
    })
    closeSync(log)
    const failed = new Promise<never>((_resolve, reject) => child.once('error', reject))
    failed.catch(() => undefined)
    if (child.pid === undefined) await failed
    child.unref()
    write({ version: service.version, ports, pid: child.pid!, began: beganAt(child.pid!) ?? 'gone' })
    await untilReady()
  }

  async function untilReady(): Promise<void> {
    const deadline = Date.now() + run!.readyMs
    for (;;) {
      try {
        return await run!.ready(place)
      } catch (error) {
        if (pid() === undefined)
          throw new Error(`${service.name} ended at once; ${logFile} says:\n${tail()}`, { cause: error })
        if (Date.now() > deadline)
          throw new Error(
            `${service.name} does not answer after ${run!.readyMs / 1_000} s; ${logFile} says:\n${tail()}`,
            {
              cause: error,
            },
          )
      }
      await sleep(POLL_MS)
    }
  }
  const tail = (): string => (existsSync(logFile) ? readFileSync(logFile, 'utf8').slice(-LOG_TAIL) : '(nothing)')

  async function end(first: NodeJS.Signals): Promise<void> {
    const running = pid()
    if (running === undefined) return
    process.kill(running, first)
    const deadline = Date.now() + (run!.stopMs ?? STOP_MS)
    while (pid() !== undefined) {
      if (Date.now() > deadline) process.kill(running, 'SIGKILL')
      await sleep(POLL_MS / 2)
    }
    const { version, ports } = read()!
    write({ version, ports })
  }

  return {
    service,
    logFile,
    dataDir: data,
    pid,
    port,
    url: () => run.url(place),
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async answers() {
      if (pid() === undefined) return false
      return await run.ready(place).then(
        () => true,
        () => false,
      )
    },
  }
}

/** The port it had before, unless somebody listens there now: a killed process may hold it for a moment longer. */
async function portFor(before: number | undefined, taken: number[]): Promise<number> {
  for (let tries = 0; before !== undefined && tries < RELEASE_TRIES; tries++) {
    if (!(await isTaken(before))) return before
    await sleep(POLL_MS)
  }
  for (;;) {
    const port = await freePort()
    if (!taken.includes(port)) return port
  }
}
async function isTaken(port: number): Promise<boolean> {
  return await connectTo(port).then(
    (socket) => {
      socket.destroy()
      return true
    },
    () => false,
  )
}

/** Start of a process in ticks since boot; undefined when it is gone, or dead and not yet waited for. */
function beganAt(pid: number): string | undefined {
  try {
    const [state, ...fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
    return state === 'Z' ? undefined : fields[18]
  } catch {
    return undefined
  }
}
