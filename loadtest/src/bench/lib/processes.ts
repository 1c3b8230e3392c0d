/** Children of the benchmark: our server, ceilings, generators. All of them end with the benchmark. */
import { type ChildProcess, execFile, fork } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const execute = promisify(execFile)

export interface Child {
  process: ChildProcess
  ready: Record<string, unknown>
  /** Output so far, its last part; for error messages. */
  output(): string
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
  kill(): Promise<void>
}

/** Starts a module that tells `{type: 'ready'}` by IPC. */
export async function startChild(
  module: string,
  options: { env?: Record<string, string>; args?: string[]; readyWithinMs?: number; waitForReady?: boolean } = {},
): Promise<Child> {
  const child = fork(module, options.args ?? [], {
    cwd: ROOT,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-8_000)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  const made: Child = {
    process: child,
    ready: {},
    output: () => output,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
      const code = await exited
      clearTimeout(timer)
      return code
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
  if (options.waitForReady === false) return made
  made.ready = await new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${module} was not ready in time\n${output}`)),
      options.readyWithinMs ?? 30_000,
    )
    child.on('message', (message) => {
      const { type, ...rest } = message as Record<string, unknown>
      if (type === 'failed') reject(new Error(String(rest.message)))
      if (type !== 'ready') return
      clearTimeout(timer)
      resolve(rest)
    })
    void exited.then((code) => reject(new Error(`${module} ended with ${code}\n${output}`)))
  })
  return made
}

/** Runs a generator to its end and parses what it prints. */
export async function runGenerator<T>(script: string, args: string[]): Promise<T> {
  const { stdout } = await execute(process.execPath, [script, ...args], { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 })
  return JSON.parse(stdout) as T
}

/** Below what systems hand out by themselves: there an outgoing connection could take it before a server listens. */
const [LOWEST_PORT, BEYOND_PORTS] = [15_000, 32_000]
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer()
    const listen = (): void => void server.listen(randomInt(LOWEST_PORT, BEYOND_PORTS), '127.0.0.1')
    server.on('error', listen)
    server.once('listening', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
    listen()
  })
}

/** A process and everything below it, by /proc. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      // It ended meanwhile.
    }
  }
  const tree = [root]
  for (let index = 0; index < tree.length; index++)
    for (const [pid, parent] of parents) if (parent === tree[index]) tree.push(pid)
  return tree
}
/** Anonymous memory (heaps, not mapped files) of a process tree, in MB. */
export function anonymousMb(root: number): number {
  let kb = 0
  for (const pid of processTree(root)) {
    try {
      kb += Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
    } catch {
      // It ended meanwhile.
    }
  }
  return Math.round(kb / 1024)
}

/** CPU time that a process tree has used, in seconds. */
export const cpuSeconds = (root: number): number =>
  Object.values(cpuSecondsByPart(root)).reduce((sum, seconds) => sum + seconds, 0)

/** The same by the script that each process runs. */
export function cpuSecondsByPart(root: number): Record<string, number> {
  const parts: Record<string, number> = {}
  for (const pid of processTree(root)) {
    try {
      const script = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        .split('\0')
        .find((word) => /\.m?[jt]s$/.test(word))
      const part = basename(script ?? 'other').replace(/\..*/, '')
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      // Linux counts hundredths of a second towards user space, whatever the kernel's own clock.
      parts[part] = (parts[part] ?? 0) + (Number(fields[11]) + Number(fields[12])) / 100
    } catch {
      // It ended meanwhile.
    }
  }
  return parts
}
