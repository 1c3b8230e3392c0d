/** A whole instance as a person starts it: `solo.ts` as a process of its own, with its own ports and data directory. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../src/process/free-port.ts'
import { Api } from './api.ts'
import { until } from './until.ts'

const SOLO = new URL('../../src/bin/solo.ts', import.meta.url).pathname
export const ADMIN = { email: 'admin@line.test', password: 'correct-horse-battery' }
export const PARTS = ['warehouse', 'api', 'worker', 'edge'] as const
export type PartName = (typeof PARTS)[number]

/** Ends what hangs; how fast a start must be is measured by the benchmarks. */
const START_LIMIT_MS = 100_000

export interface InstanceOptions {
  /** Kept when given: to start again on it. */
  dataDir?: string
  httpPort?: number
  mqttPort?: number
  env?: Record<string, string>
  /** Command put before Node's, such as one that drops privileges. */
  wrapper?: string[]
}
export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  /** Milliseconds from the call of `end` or `kill`. */
  ms: number
}

/** Engines other than the embedded ones, for all instances of a test file. */
export interface EngineSet {
  /** Settings of the instance that has this data directory; asked again, the same. */
  settingsFor(dataDir: string): Promise<Record<string, string>>
  /** The instance is gone for good. */
  release(dataDir: string): Promise<void>
}

export function tempDir(name = 'line'): string {
  return mkdtempSync(join(tmpdir(), `helio-${name}-`))
}

export class Instance {
  /** Set before a chapter is read, where it is to run on them. */
  static engines: EngineSet | undefined
  readonly dataDir: string
  readonly httpPort: number
  readonly mqttPort: number
  readonly #options: InstanceOptions
  #child: ChildProcess | undefined
  #output = ''
  #engines: Record<string, string> = {}

  private constructor(options: InstanceOptions, httpPort: number, mqttPort: number) {
    this.#options = options
    this.dataDir = options.dataDir ?? tempDir()
    this.httpPort = httpPort
    this.mqttPort = mqttPort
  }

  static async create(options: InstanceOptions = {}): Promise<Instance> {
    const instance = new Instance(
      options,
      options.httpPort ?? (await freePort()),
      options.mqttPort ?? (await freePort()),
    )
    if (Instance.engines) instance.#engines = await Instance.engines.settingsFor(instance.dataDir)
    return instance
  }
  /** Started and ready. */
  static async start(options: InstanceOptions = {}): Promise<Instance> {
    const instance = await Instance.create(options)
    await instance.start()
    return instance
  }

  get url(): string {
    return `http://127.0.0.1:${this.httpPort}`
  }
  get mqttUrl(): string {
    return `mqtt://127.0.0.1:${this.mqttPort}`
  }
  get pid(): number {
    return this.#child!.pid!
  }
  /** Everything it has said, both streams. */
  get output(): string {
    return this.#output
  }

  /** Runs the process without waiting for anything. */
  spawn(): ChildProcess {
    const [command, ...rest] = [...(this.#options.wrapper ?? []), process.execPath, SOLO]
    const child = spawn(command!, rest, {
      env: {
        PATH: process.env['PATH'],
        TZ: process.env['TZ'],
        HELIO_DATA_DIR: this.dataDir,
        HELIO_HTTP_PORT: String(this.httpPort),
        HELIO_MQTT_PORT: String(this.mqttPort),
        HELIO_DEMO: 'off',
        HELIO_ADMIN_EMAIL: ADMIN.email,
        HELIO_ADMIN_PASSWORD: ADMIN.password,
        HELIO_LOG_LEVEL: 'warn',
        ...this.#engines,
        ...this.#options.env,
      },
      // No `.env` of a developer's reaches a test.
      cwd: this.dataDir,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#output = ''
    const keep = (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-200_000))
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    this.#child = child
    return child
  }

  /** @returns milliseconds until it said where it serves */
  async start(limitMs = START_LIMIT_MS): Promise<number> {
    const started = Date.now()
    const child = this.spawn()
    while (!this.#output.includes('MQTT         mqtt://')) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`ended at start:\n${this.#output}`)
      if (Date.now() - started > limitMs) {
        await this.killAll()
        throw new Error(`not ready in ${limitMs} ms:\n${this.#output}`)
      }
      await sleep(20)
    }
    return Date.now() - started
  }

  /** Runs to the end and tells how it ended: for starts that must fail. */
  async run(limitMs = START_LIMIT_MS): Promise<Ended & { output: string }> {
    const started = Date.now()
    const child = this.spawn()
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    clearTimeout(timer)
    return { code, signal, ms: Date.now() - started, output: this.#output }
  }

  /** Sends a signal to the supervisor and waits until it is gone. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    const child = this.#child!
    const started = Date.now()
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.kill(signal)
      await exited
    }
    return { code: child.exitCode, signal: child.signalCode, ms: Date.now() - started }
  }

  /** Pids of its parts now, from the process table. */
  parts(): Partial<Record<PartName, number>> {
    const found: Partial<Record<PartName, number>> = {}
    for (const { pid, part } of childrenOf(this.pid)) found[part] = pid
    return found
  }
  async part(name: PartName): Promise<number> {
    return await until(`the ${name}`, () => this.parts()[name])
  }
  /** Kills one part and waits until another process plays it. */
  async killPart(name: PartName, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const pid = await this.part(name)
    process.kill(pid, signal)
    await until(`another ${name}`, () => {
      const now = this.parts()[name]
      return now !== undefined && now !== pid
    })
  }
  /** Kills supervisor and parts at once, as a power cut does to processes. */
  async killAll(): Promise<void> {
    const pids = childrenOf(this.pid).map(({ pid }) => pid)
    const gone = this.end('SIGKILL')
    for (const pid of pids) kill(pid)
    await gone
    await until('the end of all parts', () => !pids.some(alive))
  }

  /** Signed in; waits where the part that answers is just being started again. */
  async api(credentials = ADMIN): Promise<Api> {
    return await until('the API', () => Api.signIn(this.url, credentials))
  }

  /** Stops it however it stands and removes its data. */
  async remove(): Promise<void> {
    if (this.#child && this.#child.exitCode === null && this.#child.signalCode === null) {
      const pids = childrenOf(this.pid).map(({ pid }) => pid)
      const ended = await Promise.race([this.end(), sleep(15_000).then(() => undefined)])
      if (!ended) await this.end('SIGKILL')
      for (const pid of pids) kill(pid)
      await until('the end of all parts', () => !pids.some(alive))
    }
    rmSync(this.dataDir, { recursive: true, force: true })
    await Instance.engines?.release(this.dataDir)
  }
}

export function alive(pid: number): boolean {
  try {
    // A zombie has ended; only its parent has not looked yet.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone already.
  }
}

function childrenOf(parent: number): { pid: number; part: PartName }[] {
  const found: { pid: number; part: PartName }[] = []
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid) || !alive(pid)) continue
    try {
      const ppid = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
      const part = /bin\/(\w+)\.ts/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[1]
      if (ppid === parent && PARTS.includes(part as PartName)) found.push({ pid, part: part as PartName })
    } catch {
      // It ended while we looked.
    }
  }
  return found
}

/** Memory of a process that is its own, MB. */
export function anonymousMb(pid: number): number {
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024
}
