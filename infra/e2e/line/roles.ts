/** Role processes as a service manager runs them: each started by itself, started again by whoever killed it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { ADMIN, tempDir } from './instance.ts'

const AT_WORK = /^heliograph \w+ is at work$/m
/** Ends what hangs; tables and topics are made at the first start. */
const START_LIMIT_MS = 150_000
/** As long as a service manager waits before it starts again what ended. */
const RESTART_MS = 500
const STANDING_BY = 'standing by'

type RoleName = 'ingest' | 'stream' | 'api' | 'simulator'

export class RoleProcess {
  readonly name: RoleName
  readonly #env: Record<string, string>
  readonly dataDir: string
  #child: ChildProcess | undefined
  #output = ''
  #isKept = false
  #ended = 0

  constructor(name: RoleName, env: Record<string, string>, dataDir = tempDir('role')) {
    this.name = name
    this.#env = env
    this.dataDir = dataDir
  }
  get output(): string {
    return this.#output
  }
  get isAtWork(): boolean {
    return this.#isAlive && AT_WORK.test(this.#output)
  }
  get isStandingBy(): boolean {
    return this.#isAlive && this.#output.includes(STANDING_BY)
  }
  get #isAlive(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** How often it ended by itself while it was kept. */
  get ended(): number {
    return this.#ended
  }

  /** From now on, what ends by itself (its lease lost, an engine away at its start) is started again, as a service manager would. */
  keep(): void {
    this.#isKept = true
  }
  spawn(): ChildProcess {
    this.#output = ''
    const child = spawn(process.execPath, [new URL(`../../src/bin/${this.name}.ts`, import.meta.url).pathname], {
      env: {
        PATH: process.env['PATH'],
        HELIO_DATA_DIR: this.dataDir,
        HELIO_ADMIN_EMAIL: ADMIN.email,
        HELIO_ADMIN_PASSWORD: ADMIN.password,
        HELIO_LOG_LEVEL: 'warn',
        ...this.#env,
      },
      cwd: this.dataDir,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const keep = (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-100_000))
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('exit', () => void this.#revive(child))
    this.#child = child
    return child
  }
  /** Resolves when it works, or stands by where another one does. */
  async start(): Promise<void> {
    this.spawn()
    const deadline = Date.now() + START_LIMIT_MS
    while (!AT_WORK.test(this.#output) && !this.#output.includes(STANDING_BY)) {
      if (!this.#isAlive) throw new Error(`${this.name} ended at start:\n${this.#output}`)
      if (Date.now() > deadline) throw new Error(`${this.name} is not at work:\n${this.#output}`)
      await sleep(20)
    }
  }
  async #revive(child: ChildProcess): Promise<void> {
    if (!this.#isKept) return
    this.#ended++
    await sleep(RESTART_MS)
    if (this.#isKept && child === this.#child) this.spawn()
  }
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<{ code: number | null; signal: string | null; ms: number }> {
    const started = Date.now()
    this.#isKept = false
    const child = this.#child!
    if (this.#isAlive) {
      const exited = once(child, 'exit')
      child.kill(signal)
      await exited
    }
    return { code: child.exitCode, signal: child.signalCode, ms: Date.now() - started }
  }
  async remove(): Promise<void> {
    if (this.#child) await this.end('SIGKILL')
    rmSync(this.dataDir, { recursive: true, force: true })
  }
}
